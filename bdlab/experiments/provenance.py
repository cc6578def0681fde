"""Where a result comes from: bdlab's own commit, and the modules that compute. Standard library
only.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
#: What a score is computed by; all else shows, reports or keeps the books.
COMPUTES = (
    "modality.py", "rules.py", "pixels.py", "losses.py", "network", "methods", "training",
    "evaluation", "protocols", "datasets", "experiments/cell.py",
)  # fmt: skip

#: What two results that are compared must have in common, as it stands in their provenance; the
#: words are those of a sentence.
COMPARED = {
    "code": "computing code",
    "precision": "precision",
    "device": "device",
    "threads": "threads",
    "torch": "torch",
    "files": "other files read",
}


@cache
def code() -> str:
    """The sha256 of the modules that compute: two results of one ``code`` differ in no formula."""
    return code_of(PACKAGE)


def code_of(package: Path) -> str:
    """``code`` of a copy of the package at this place."""
    total = hashlib.sha256()
    for name in COMPUTES:
        top = package / name
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            if path.is_file():
                text = path.read_bytes().replace(b"\r\n", b"\n")
                place = path.relative_to(package).as_posix()
                total.update(f"{place}\0{len(text)}\0".encode() + text)
    return total.hexdigest()


@cache
def git_state() -> dict[str, Any]:
    """The commit of bdlab's own source, and whether the tree was changed; nulls with a note why.

    A checkout of bdlab, or what ``pip install git+...`` wrote down (PEP 610). The repository of a
    project that merely holds an installed bdlab is not asked.
    """
    return _checkout(PACKAGE) or _installed(PACKAGE)


def _state(sha: str | None, dirty: bool | None, note: str | None = None) -> dict[str, Any]:
    return {"git_sha": sha, "git_dirty": dirty, "git_note": note}


def _checkout(package: Path) -> dict[str, Any] | None:
    """The state of the checkout this package is part of; None if it is part of none of bdlab's."""
    top = package.parent
    if not (top / ".git").exists() or not _is_bdlabs(top / "pyproject.toml"):
        return None
    code, sha = _git(top, "rev-parse", "HEAD")
    if code:
        owned = "dubious ownership" in sha
        why = "git does not trust a checkout of another owner" if owned else "git gives no commit"
        return _state(None, None, f"{why}: see `git -C {top.name} status`")
    code, changes = _git(top, "status", "--porcelain", "--untracked-files=no")
    return _state(sha, None if code else bool(changes))


def _is_bdlabs(project: Path) -> bool:
    try:
        return '\nname = "bdlab"\n' in project.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _git(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of git in a folder, free of what the environment tells it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, env=plain
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, (done.stdout or done.stderr).strip()


def _installed(package: Path) -> dict[str, Any]:
    """The commit that pip noted when it installed this very package from a git repository."""
    try:
        found = metadata.distribution("bdlab")
        ours = Path(str(found.locate_file("bdlab"))).resolve() == package
        origin = json.loads(found.read_text("direct_url.json") or "{}") if ours else {}
    except (metadata.PackageNotFoundError, OSError, ValueError):
        origin = {}
    sha = origin.get("vcs_info", {}).get("commit_id")
    return _state(sha, None, None if sha else "neither a checkout of bdlab nor installed from git")
