"""All benchmarks one after the other, each in a process of its own, and their lines collected into
``docs/benchmarks.md``.

Best in a quiet moment: a turn in which other processes used a tenth of the machine is not counted
where three others are quiet.
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SCRIPTS = (
    "losses",
    "evaluation",
    "ranking",
    "search",
    "augmentation",
    "step",
    "overhead",
    "growth",
    "slider",
    "live",
    "desk",
    "gpu",
)
HEAD = """# Benchmarks

Every line compares two ways to do the same work in one run, in turns, after their results were
found equal: ours and one written for the purpose in the style public code has (a loop over queries,
anchors or pictures). Minimum / median / maximum over the turns; the target is held against the
median. Written by `make bench`; a missed target stays here as missed.

| claim | min / median / max | target | machine | date |
|---|---|---|---|---|
"""
GROWTH = """
## As the gallery grows

![Six panels: seconds and memory of ranking over pictures, people and threads](growth.png)

Time and memory (beside the features, which stay on disk) of exact ranking with scores, 100 queries
of 512 numbers. Left: 1,000 to 1,000,000 pictures, 100 a person; time grows with the gallery, memory
stays within a chunk's. Middle: 100,000 pictures of 10 to 10,000 people; few people mean many
matches a query, each of which is counted. Right: threads of the matrix product, 10,000 people.
Numbers: [growth.csv](growth.csv).
"""


def run(script: str) -> list[str]:
    """The lines of one script; what it prints is shown as it comes."""
    process = subprocess.Popen(
        [sys.executable, HERE / f"{script}.py", *sys.argv[1:]], stdout=subprocess.PIPE, text=True
    )
    found = []
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.count(" | ") == 4:
            found.append(line.strip())
    if process.wait():
        sys.exit(f"{script}.py failed")
    return found


def main() -> None:
    lines = []
    for script in SCRIPTS:
        began = time.perf_counter()
        lines += run(script)
        print(f"-- {script}: {time.perf_counter() - began:.0f} s", flush=True)
    if "--smoke" not in sys.argv:
        growth = GROWTH if (PAGE.parent / "growth.png").exists() else ""
        PAGE.write_text(HEAD + "".join(f"| {line} |\n" for line in lines) + growth)


if __name__ == "__main__":
    main()
