"""Children of a process that has everything loaded: each costs milliseconds, and may be killed at
any moment.
"""

import mmap
import os
import signal
import time
import traceback
from contextlib import contextmanager
from types import SimpleNamespace


def fork(function, *arguments):
    """The process id of a child that calls the function and then ends without any of Python's
    tidying up.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        function(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def end(pid):
    """Wait for a child; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid, delay):
    """SIGKILL after so many seconds, unless the child ended first; its exit code as ``end`` gives
    it.
    """
    return kills({pid: delay})[pid]


def kills(delays):
    """``kill`` of several children at once: {process id: seconds from now} -> {process id: exit
    code}.
    """
    began, codes, waiting = time.perf_counter(), {}, dict(delays)
    while waiting:
        for pid in list(waiting):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                codes[pid] = os.waitstatus_to_exitcode(status)
                del waiting[pid]
            elif time.perf_counter() - began > waiting[pid]:
                os.kill(pid, signal.SIGKILL)  # it is there until we wait for it
        time.sleep(0.001)
    return codes


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Shared:
    """A few whole numbers that a child writes and its parent reads after the child's death."""

    def __init__(self, count=1):
        self.memory = mmap.mmap(-1, 8 * count)

    def __getitem__(self, at):
        return int.from_bytes(self.memory[8 * at : 8 * at + 8], "little")

    def __setitem__(self, at, value):
        self.memory[8 * at : 8 * at + 8] = value.to_bytes(8, "little")


def half(then):
    """An ``open`` whose file writes half of what it is given; then ``then()`` happens."""

    @contextmanager
    def opened(*words, **more):
        with open(*words, **more) as file:

            def write(data):
                file.write(data[: len(data) // 2])
                file.flush()
                then()

            yield SimpleNamespace(write=write)

    return opened
