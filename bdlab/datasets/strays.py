"""What lies in a folder beside the pictures: files of operating systems and shares, and links into
stores of data versions.
"""

from __future__ import annotations

import os
from pathlib import Path

from .records import DatasetError

#: Names of files and folders that systems strew, in small letters; names with a dot in front too.
_NAMES = frozenset({
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "lost+found",
    "@eadir", "#recycle", "@recycle", "@recently-snapshot", "#snapshot",
    "$recycle.bin", "system volume information", "rubbish.bin",
})  # fmt: skip
#: Folders that hold the content of linked files, and how a file that is not there is fetched.
_STORES = {
    (".git", "annex", "objects"): "`git annex get` or `datalad get`",
    (".dvc", "cache"): "`dvc pull`",
    ("files", "md5"): "`dvc pull`",
}


def of_a_system(name: str) -> bool:
    """Whether a file or folder of this name belongs to a system, not to a data set."""
    return name.startswith(".") or name.lower() in _NAMES


def _store(target: Path) -> str | None:
    """How to fetch what a store would hold at ``target``; None for any other place."""
    for parts, fetch in _STORES.items():
        for at in range(len(target.parts) - len(parts)):
            if target.parts[at : at + len(parts)] == parts:
                return fetch
    return None


def link_fault(path: Path, root: Path) -> DatasetError | None:
    """Why a link may not be followed; None where it is safe.

    Safe are links that stay under ``root``, and links of files into the content store of DVC,
    git-annex or datalad: what lies there never changes.
    """
    target = path.resolve()
    if target.is_relative_to(root.resolve()):
        return None
    fetch = _store(target)
    if fetch is None:
        return DatasetError(
            "is a link out of the data set's folder",
            file=path,
            rule="a data set lies under its root, or its files in a store of DVC or git-annex",
            remedy="copy the files in, or give the place it points to as root",
        )
    if not os.path.exists(target):
        return DatasetError(
            "is a link to a file that has not been fetched",
            file=path,
            rule="every picture a data set names is there",
            remedy=f"fetch it with {fetch}",
        )
    return None if target.is_file() else _no_folder(path)


def _no_folder(path: Path) -> DatasetError:
    return DatasetError(
        "is a link to a folder of a store",
        file=path,
        rule="files of a data set may be links, its folders not",
        remedy="check the set out with links of files",
    )
