"""What a sweep shows while it runs: a bar over its work on a terminal, lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from bdlab import machine
from bdlab.experiments import runs

SILENCE = 60.0  # seconds after which a run that is piped says where it stands


def work(params: Any) -> float:
    """What an epoch of a cell costs against other cells: pictures through the trunk."""
    streams = len(params["modalities"].split())
    steps = params["steps"] or params["passes"]
    return streams * params["identities"] * params["shots"] * steps


class Watch:
    """Shows a sweep: how much of its work is done, and one line a finished cell.

    An epoch of four modalities counts twice one of two, so the time left is honest for mixed rows;
    what was found done, or gone on from, is no measure of the speed.
    """

    def __init__(self, out: Path, cells: list[runs.Cell]):
        from tqdm.auto import tqdm

        self.out, self.cells = out, cells
        self.ended: dict[str, str] = {}
        self.total = sum(work(cell.params) * cell.params["epochs"] for cell in cells)
        self.before = {cell.name: self._epochs(cell) for cell in cells}
        self.began = self.said = time.monotonic()
        form = "{percentage:3.0f} %|{bar}| {elapsed}, {postfix}"
        self.bar = tqdm(
            total=self.total, disable=not sys.stderr.isatty(), dynamic_ncols=True, bar_format=form
        )

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def tick(self) -> None:
        """Called twice a second."""
        now = time.monotonic()
        if self.bar.disable and now - self.said < SILENCE:
            return
        done, left = self.progress(now)
        if self.bar.disable:
            self._line(f"{len(self.ended)}/{len(self.cells)} cells, {done:.0%} of the work; {left}")
            return
        self.bar.set_postfix_str(left, refresh=False)
        self.bar.update(done * self.total - self.bar.n)

    def progress(self, now: float) -> tuple[float, str]:
        """The share of the work that is done, and the time left in words."""
        done = fresh = 0.0
        for cell in self.cells:
            epochs = cell.params["epochs"]
            word = self.ended.get(cell.name)
            gone = epochs if word else min(self._epochs(cell), epochs)
            done += gone * work(cell.params)
            if word in (None, "done"):
                fresh += max(0, gone - self.before[cell.name]) * work(cell.params)
        if not fresh or not self.total:
            return done / max(self.total, 1), "the time left is not known yet"
        left = (now - self.began) * (self.total - done) / fresh
        return done / self.total, f"about {machine.span(left)} left"

    def _epochs(self, cell: runs.Cell) -> int:
        tries = runs.attempts(self.out, cell.name)
        return len(runs.read_lines(tries[-1] / "history.jsonl")) if tries else 0

    def outcome(self, outcome: Any) -> None:
        """One line for a cell that has ended."""
        self.ended[outcome.name] = outcome.word
        words = {
            "done": f"done in {outcome.seconds:.0f} s",
            "found": "done before",
            "elsewhere": f"another runner works on it ({outcome.reason}); the next cell is taken",
            "failed": f"FAILED ({outcome.reason})",
        }
        count = f"[{len(self.ended)}/{len(self.cells)}]"
        self._line(f"{count} {outcome.name}: {words[outcome.word]}{_headline(outcome)}")

    def _line(self, text: str) -> None:
        self.said = time.monotonic()
        self.bar.write(text, file=sys.stdout)
        sys.stdout.flush()


def _headline(outcome: Any) -> str:
    """One score of a finished cell, and what its guard says at its loudest."""
    if outcome.word not in ("done", "found"):
        return ""
    result = json.loads((outcome.folder / "result.json").read_text())
    setting, scores = next(iter(result["scores"].items()))
    lines = [f", Rank-1 {100 * scores['mean']['R1']:.1f} % ({setting})"]
    for kind in ("collapse", "chance"):
        if words := result.get("guard", {}).get(kind):
            lines.append(words)
    return "\n        ".join(lines)
