"""JupyterLab as `bdlab lab` starts it, asked for what it must not give."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

ADDRESS = re.compile(
    r"http://127\.0\.0\.1:(\d+)/lab/tree/(?:my|notebooks)/\w+\.ipynb(?:\?token=(\w+))?"
)
OLD = "a" * 48
LAB = (sys.executable, "-m", "bdlab.cli", "lab", "--no-browser")
#: The broken variant: the same server by hand, as it is often started behind a tunnel.
OPEN = (
    sys.executable,
    "-m",
    "jupyterlab",
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--IdentityProvider.token=",
    "--ServerApp.allow_remote_access=True",
    "--allow-root",
    "--LabApp.default_url=/lab/tree/notebooks/x.ipynb",
)


class Server:
    """A server in a process group and with configuration of its own."""

    def __init__(self, words, place):
        place.mkdir()
        own = {
            f"JUPYTER_{name}": str(place / name)
            for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        }
        self.log = place / "log"
        with self.log.open("w") as log:
            env = os.environ | own | {"JUPYTER_TOKEN": OLD, "HOME": str(place)}
            self.process = subprocess.Popen(
                words,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=env,
                cwd=place,
                start_new_session=True,
            )

    def wait(self, seconds=90):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := ADDRESS.search(self.log.read_text()):
                self.port, self.token = int(found[1]), found[2] or ""
                return self
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            time.sleep(0.1)
        raise AssertionError(self.log.read_text()[-2000:])

    def ask(self, path, token=None, host=None):
        """(status, first bytes) of a GET; the path goes out exactly as it is written."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        if token is not None:
            connection.putheader("Authorization", f"token {token}")
        connection.endheaders()
        answer = connection.getresponse()
        found = answer.status, answer.read(4000)
        connection.close()
        return found

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Two of `bdlab lab` and the open one."""
    place = tmp_path_factory.mktemp("lab")
    started = [Server(words, place / str(number)) for number, words in enumerate((LAB, LAB, OPEN))]
    yield [server.wait() for server in started]
    for server in started:
        server.end()


def elsewhere(port):
    """Whether a port answers at an address of this machine that is not 127.0.0.1."""
    with socket.socket() as caller:
        caller.settimeout(5)
        return caller.connect_ex(("127.0.0.2", port)) == 0


UP = [
    "/files/../../../../../../etc/passwd",
    "/files/..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "/api/contents/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/static/../../../../../../etc/passwd",
    "/files//etc/passwd",
]


def probes(server, twin):
    """{probe: whether it was refused}."""
    right, wrong = server.token, "b" * 48
    above = [server.ask(path, right) for path in UP]
    return {
        "another address": not elsewhere(server.port),
        "a token that is not random": bool(re.fullmatch("[0-9a-f]{48}", right))
        and right not in (OLD, twin.token),
        "no token": server.ask("/api/contents")[0] == 403,
        "wrong token": server.ask("/api/contents", wrong)[0] == 403
        and server.ask("/api/contents", OLD)[0] == 403,
        "foreign Host": server.ask("/api/contents", right, "evil.example:80")[0] == 403,
        "traversal": all(400 <= status < 500 and b"root:" not in body for status, body in above),
    }


def test_what_it_must_not_give_is_refused(servers, figures):
    lab, twin, _ = servers
    assert lab.ask("/api/contents", lab.token)[0] == 200, "the right token opens"
    found = probes(lab, twin)
    assert all(found.values()), found
    figures.note("lab", f"{len(found)} of {len(found)} probes refused ({', '.join(found)})")


def test_a_kill_of_the_command_ends_the_server(servers):
    _, twin, _ = servers
    os.kill(twin.process.pid, signal.SIGKILL)
    twin.process.wait(timeout=30)
    with pytest.raises(OSError, match=r"refused|reset"):
        twin.ask("/api")


def test_a_server_started_by_hand_is_told_apart(servers, figures):
    lab, _, open_ = servers
    assert open_.ask("/api/contents")[0] == 200
    found = probes(open_, lab)
    passed = [probe for probe, refused in found.items() if not refused]
    assert {"a token that is not random", "no token", "foreign Host"} <= set(passed)
    figures.breaks(
        "lab",
        f"without token and host check: {len(passed)} of {len(found)} probes let in "
        f"({', '.join(passed)})",
    )
