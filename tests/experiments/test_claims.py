"""Claims: one holder a cell, heartbeats by the folder's own clock, processes known by their
start.
"""

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from bdlab.experiments import claims

CELL = "cell"


def folder(out):
    return out / ".attempts" / CELL


def foreign(out, age=0.0, number=1):
    """A claim of a machine that we cannot look into, last touched ``age`` seconds ago."""
    folder(out).mkdir(parents=True, exist_ok=True)
    path = folder(out) / f"claim-{number}"
    note = claims.this_process() | {"host": "node-17", "machine": "node-17 x y", "pid": 1}
    path.write_text(json.dumps(note))
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def ended():
    """The number of a process that has ended."""
    words = [sys.executable, "-c", "import os; print(os.getpid())"]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def test_one_holds_a_cell_until_it_lets_go(tmp_path):
    first = claims.claim(folder(tmp_path))
    assert first is not None
    assert claims.claim(folder(tmp_path)) is None
    assert claims.held(folder(tmp_path))["pid"] == os.getpid()
    assert str(os.getpid()) in claims.by_whom(folder(tmp_path))
    first.release()
    assert not folder(tmp_path).exists()
    with claims.claim(folder(tmp_path)) as again:
        assert again.path.is_file()
    assert claims.held(folder(tmp_path)) is None


def test_of_two_that_come_at_once_one_gets_it(tmp_path, monkeypatch):
    """Both have seen a free cell; the file system grants the number once."""
    monkeypatch.setattr(claims, "held", lambda _: None)
    first = claims.claim(folder(tmp_path))
    monkeypatch.setattr(claims, "_numbers", lambda _: [])
    assert claims.claim(folder(tmp_path)) is None
    first.release()


def test_another_machines_claim_holds_while_it_is_touched(tmp_path):
    foreign(tmp_path, age=claims.STALE - 60)
    assert claims.claim(folder(tmp_path)) is None
    assert claims.by_whom(folder(tmp_path)) == "node-17, process 1"


def test_one_that_rests_is_given_up_and_cleared_away(tmp_path):
    old = foreign(tmp_path, age=claims.STALE + 60)
    claim = claims.claim(folder(tmp_path))
    assert claim.path.name == "claim-2"
    assert not old.exists()
    claim.release()


def test_the_holder_touches_its_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.01)
    with claims.claim(folder(tmp_path)) as claim:
        os.utime(claim.path, (1, 1))
        until = time.monotonic() + 30
        while claim.path.stat().st_mtime < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert claim.path.stat().st_mtime > 2


def test_age_is_taken_by_the_clock_of_the_folder(tmp_path, monkeypatch):
    """A machine whose clock is an hour off neither steals a claim nor waits for ever."""
    foreign(tmp_path)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert claims.claim(folder(tmp_path)) is None


def test_a_claim_of_a_process_that_ended_here_is_free_at_once(tmp_path):
    path = foreign(tmp_path)
    note = claims.this_process() | {"pid": ended()}
    path.write_text(json.dumps(note))
    claim = claims.claim(folder(tmp_path))
    assert claim is not None
    claim.release()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="starts are read from /proc")
def test_a_stranger_with_the_same_number_is_not_taken_for_the_runner(tmp_path):
    """Numbers come round again: the start of the process tells them apart."""
    attempt = folder(tmp_path) / "1"
    attempt.mkdir(parents=True)
    claims.note_process(attempt, "attempt")
    assert claims.alive(attempt)
    note = claims.read_note(attempt, "attempt")
    (attempt / "attempt.json").write_text(json.dumps(note | {"process": "1"}))
    assert not claims.alive(attempt)


class TestAttemptOfAnotherMachine:
    def attempt(self, out):
        attempt = folder(out) / "1"
        attempt.mkdir(parents=True)
        note = claims.this_process() | {"host": "node-17", "machine": "node-17 x y", "pid": 1}
        (attempt / "attempt.json").write_text(json.dumps(note))
        return attempt

    def test_it_lives_while_its_claim_is_touched(self, tmp_path):
        attempt = self.attempt(tmp_path)
        path = foreign(tmp_path)
        note = claims.read_note(attempt, "attempt")
        path.write_text(json.dumps(note))
        assert claims.alive(attempt)
        then = time.time() - claims.STALE - 60
        os.utime(path, (then, then))
        assert not claims.alive(attempt)

    def test_without_a_claim_it_is_dead(self, tmp_path):
        """Preempted: nothing touches anything, whatever the note says."""
        assert not claims.alive(self.attempt(tmp_path))

    def test_another_runners_claim_does_not_keep_it(self, tmp_path):
        attempt = self.attempt(tmp_path)
        with claims.claim(folder(tmp_path)):
            assert not claims.alive(attempt)


def test_a_reader_without_the_right_to_write_gets_an_answer(tmp_path, monkeypatch):
    foreign(tmp_path)

    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(claims.Path, "touch", refuse)
    assert claims.held(folder(tmp_path))["host"] == "node-17"


class TestWhole:
    """A kill while a claim is made must not leave one without a holder."""

    def test_a_claim_appears_with_its_holder(self, tmp_path, monkeypatch):
        seen = []
        real = os.link

        def link(source, target):
            real(source, target)
            seen.append(claims.held(folder(tmp_path)))

        monkeypatch.setattr(claims.os, "link", link)
        claims.claim(folder(tmp_path)).release()
        assert seen[0]["pid"] == os.getpid()

    def test_an_empty_one_would_block_the_cell(self, tmp_path):
        """The broken variant: what a kill between creating and writing leaves."""
        folder(tmp_path).mkdir(parents=True)
        (folder(tmp_path) / "claim-1").touch()
        assert claims.claim(folder(tmp_path)) is None

    def test_a_file_system_without_links_will_do(self, tmp_path, monkeypatch):
        def refuse(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(claims.os, "link", refuse)
        claim = claims.claim(folder(tmp_path))
        assert claims.held(folder(tmp_path))["pid"] == os.getpid()
        assert claims.claim(folder(tmp_path)) is None
        claim.release()
        assert not folder(tmp_path).exists()
