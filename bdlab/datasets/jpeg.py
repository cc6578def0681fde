"""Where the picture in a JPEG file ends (ITU-T T.81, annex B): what follows its end mark is not
part of it.

A phone's motion photo has a video behind the picture; a cut picture has no end mark of its own,
though a thumbnail before it or bytes behind it may look like one.
"""

from __future__ import annotations

import re

_END, _SCAN = 0xD9, 0xDA
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # marks without a length: TEM, restarts, the start
#: What may follow the pixels of a scan: tables, another scan, the number of lines, notes, the end.
_AFTER = frozenset({0xC4, *range(0xDA, 0xDE), *range(0xE0, 0xF0), 0xFE, _END})
#: A mark among pixels; 0xFF00 is a pixel's byte and 0xFFD0 to 0xFFD7 are restarts.
_AMONG = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_MARK = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)


def is_whole(data: bytes) -> bool | None:
    """Whether the picture ends by its end mark; None where its header cannot be followed, which a
    decoder will say better.
    """
    at, scanned = 2, False
    while (mark := _mark(data, at)) is not None:
        code, at = mark
        if scanned and code not in _AFTER:
            return False
        if code == _END:
            return True
        if code in _ALONE:
            continue
        at += int.from_bytes(data[at : at + 2], "big")
        if code == _SCAN:
            scanned = True
            found = _AMONG.search(data, at)
            at = found.start() if found else len(data)
    return False if scanned else None


def _mark(data: bytes, at: int) -> tuple[int, int] | None:
    """The mark at ``at`` and where its content begins; None for anything else."""
    found = _MARK.match(data, at)
    return (found[1][0], found.end()) if found else None
