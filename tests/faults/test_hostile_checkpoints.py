"""Checkpoints made to harm, under a valid sha256: code in pickles, archives that unpack to more
than they are, shapes that lie.
"""

import collections
import io
import pickle
import struct
import tarfile
import tracemalloc
import zipfile

import pytest
import torch

from bdlab.experiments import cell as cells
from bdlab.experiments import runs, sweeps
from bdlab.training import checkpoint, extract, loop
from bdlab.training import setup as setups

pytestmark = pytest.mark.slow

SMOKE = {"epochs": 2, "steps": 3, "checkpoint_every": 1}


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def argument(value):
    """Pickle code of a string or a list of strings."""
    return text(value) if isinstance(value, str) else b"](" + b"".join(map(text, value)) + b"e"


#: Callables that make a file or folder of the given name, each with its arguments.
CALLABLES = {
    ("os", "mkdir"): lambda c: [c],
    ("os", "makedirs"): lambda c: [c],
    ("os", "mkfifo"): lambda c: [c],
    ("os", "system"): lambda c: [f"mkdir {c}"],
    ("os", "symlink"): lambda c: ["target", c],
    ("posix", "mkdir"): lambda c: [c],
    ("posix", "system"): lambda c: [f"mkdir {c}"],
    ("subprocess", "call"): lambda c: [["mkdir", c]],
    ("subprocess", "check_output"): lambda c: [["mkdir", c]],
    ("subprocess", "getoutput"): lambda c: [f"mkdir {c}"],
    ("builtins", "exec"): lambda c: [f"import os; os.mkdir({c!r})"],
    ("builtins", "eval"): lambda c: [f"__import__('os').mkdir({c!r})"],
    ("builtins", "open"): lambda c: [c, "w"],
    ("io", "open"): lambda c: [c, "w"],
    ("profile", "run"): lambda c: [f"open({c!r}, 'w').close()"],
    ("cProfile", "run"): lambda c: [f"open({c!r}, 'w').close()"],
}


def reduced(module, name, arguments):
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(map(argument, arguments)) + b"tR"


def instance(module, name, arguments):
    return b"(" + b"".join(map(argument, arguments)) + f"i{module}\n{name}\n".encode()


def stacked(module, name, arguments):
    return text(module) + text(name) + b"\x93(" + b"".join(map(argument, arguments)) + b"tR"


FORMS = {"GLOBAL and REDUCE": reduced, "INST": instance, "STACK_GLOBAL": stacked}
PICKLES = [
    (f"{'.'.join(who)} by {form}", who, make) for who in CALLABLES for form, make in FORMS.items()
]


def program(who, make, canary):
    """A pickle that calls ``who`` and puts what it returns where the net should be."""
    return b"\x80\x02}" + text("net") + make(*who, CALLABLES[who](str(canary))) + b"s."


def archive(pickled, members=(), compress=zipfile.ZIP_STORED):
    """A zip file as torch.save lays it out, around any pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compress) as file:
        for name, data in [
            ("data.pkl", pickled),
            ("byteorder", b"little"),
            ("version", b"3\n"),
            *members,
        ]:
            file.writestr(f"archive/{name}", data)
    return out.getvalue()


def sealed(path, payload):
    path.write_bytes(checkpoint.seal(payload))
    return path


def test_code_in_pickles_is_refused_and_never_run(tmp_path, figures):
    refused = 0
    for number, (what, who, make) in enumerate(PICKLES):
        canary = tmp_path / f"canary-{number}"
        path = sealed(tmp_path / "checkpoint-00000001.pt", archive(program(who, make, canary)))
        with pytest.raises(
            checkpoint.CheckpointError, match="more than tensors and plain values"
        ) as caught:
            checkpoint.load(path)
        assert str(path) in str(caught.value), what
        assert "\n" not in str(caught.value)
        refused += 1
    assert not list(tmp_path.glob("canary*"))
    assert checkpoint.newest([tmp_path]) is None
    figures.note(
        "hostile checkpoints", f"{refused} of {len(PICKLES)} pickles refused, canary absent"
    )


@pytest.mark.filterwarnings("ignore")  # files that nobody closes, of the attacks themselves
def test_pickle_itself_runs_every_one(tmp_path, figures):
    """The broken variant, and the proof that the attacks are real: plain pickle leaves a canary
    each.
    """
    for number, (_, who, make) in enumerate(PICKLES):
        pickle.loads(program(who, make, tmp_path / f"canary-{number}"))
    ran = len(list(tmp_path.glob("canary*")))
    assert ran == len(PICKLES)
    figures.breaks("hostile checkpoints", f"plain pickle: {ran} of {len(PICKLES)} ran")


def prepared():
    return setups.prepare(
        sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", SMOKE),
        device="cpu",
        progress=False,
    )


@pytest.fixture(scope="module")
def good(regdb, tmp_path_factory):
    """A real checkpoint in the middle of an epoch, as bytes."""
    folder = tmp_path_factory.mktemp("good")
    loop.train(prepared(), folder)
    return checkpoint.found(folder)[1].read_bytes()


def saved(value):
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


def view(tensor, size, stride, offset=0):
    return tensor.as_strided(size, stride, offset)


def momentum(state, change):
    slot = next(iter(state["optimiser"]["state"].values()))
    slot["momentum_buffer"] = change(slot["momentum_buffer"])


def first_weights(state, change):
    name = next(iter(state["net"]))
    state["net"][name] = change(state["net"][name])


def laughs():
    """A list of lists of lists ... of the same list: few bytes, a thousand million parts."""
    value = ["ha"] * 10
    for _ in range(8):
        value = [value] * 10
    return value


def claims_more(payload):
    """The directory of an archive says that its last member is a gigabyte."""
    at = payload.rindex(b"PK\x01\x02")
    return payload[: at + 24] + struct.pack("<I", 1 << 30) + payload[at + 28 :]


def overlapping(payload):
    """A thousand names for one member's bytes."""
    out = io.BytesIO(payload)
    with zipfile.ZipFile(out, "a") as file:
        big = max(file.infolist(), key=lambda m: m.file_size)
        for number in range(1000):
            twin = zipfile.ZipInfo(f"archive/data/{1000 + number}")
            twin.file_size, twin.compress_size, twin.CRC, twin.header_offset = (
                big.file_size,
                big.file_size,
                big.CRC,
                big.header_offset,
            )
            file.filelist.append(twin)
            file.NameToInfo[twin.filename] = twin
        file._didModify = True
    return out.getvalue()


def tar(_):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            file.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def script(_):
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), out)
    return out.getvalue()


def legacy(_):
    out = io.BytesIO()
    torch.save({"net": {}}, out, _use_new_zipfile_serialization=False)
    return out.getvalue()


def with_members(**members):
    return lambda payload: archive(
        zipfile.ZipFile(io.BytesIO(payload)).read("archive/data.pkl"), members.items()
    )


EMPTY = saved({})
BOMB = bytes(1 << 28)  # a quarter of a gigabyte of nothing
ARCHIVES = {
    "a bomb in the pickle": lambda p: archive(
        b"\x80\x02}.", [("data/0", BOMB)], zipfile.ZIP_DEFLATED
    ),
    "a bomb beside it": lambda p: archive(
        b"\x80\x02(" + b"N" * (1 << 24) + b"t.", (), zipfile.ZIP_DEFLATED
    ),
    "a directory that claims a gigabyte": claims_more,
    "a thousand names for the same bytes": overlapping,
    "two pickles of one name in two cases": lambda p: archive(
        b"\x80\x02}.", [("DATA.PKL", b"\x80\x02}.")]
    ),
    "two pickles": lambda p: archive(b"\x80\x02}.", [("other/data.pkl", b"\x80\x02}.")]),
    "no pickle": lambda p: archive(b"", ()).replace(b"data.pkl", b"data.txt"),
    "the old format": legacy,
    "the oldest format": tar,
    "a program of torch.jit": script,
    "a tenth of the bytes of memory asked for by name": lambda p: archive(
        b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\0\0\0\0\x10\x85R."
    ),
    "a list that holds itself": lambda p: archive(b"\x80\x02]q\x00h\x00a."),
    "a thousand million laughs": lambda p: saved({"history": laughs()}),
    "a tensor wider than its storage": lambda p: saved(
        {"net": view(torch.zeros(1), (1 << 15, 1 << 15), (0, 0))}
    ),
}
SHAPES = {
    "weights of another shape": lambda s: first_weights(s, lambda w: torch.zeros(3)),
    "a momentum too short": lambda s: momentum(s, lambda m: torch.zeros(1)),
    "a momentum turned round": lambda s: momentum(s, lambda m: m[None]),
    "weights that are not there": lambda s: s["net"].pop(next(iter(s["net"]))),
    "no optimiser": lambda s: s.pop("optimiser"),
    "a log of one step": lambda s: s.update(log=s["log"][:1]),
}


@pytest.mark.filterwarnings(
    "ignore:.*TorchScript:", "ignore:.*torch.jit.*:", "ignore:Duplicate name:UserWarning"
)
@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_is_not_what_it_says_is_refused_before_it_is_unpacked(tmp_path, good, make):
    path = sealed(tmp_path / "checkpoint-00000001.pt", make(checkpoint.unseal(good)))
    tracemalloc.start()
    try:
        with pytest.raises(checkpoint.CheckpointError) as caught:
            checkpoint.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert peak < 20 * path.stat().st_size + (1 << 22), (
        f"{peak:,} bytes of memory for a file of {path.stat().st_size:,}"
    )


@pytest.mark.parametrize("change", SHAPES.values(), ids=SHAPES)
def test_shapes_that_do_not_fit_are_refused(tmp_path, good, change, figures):
    state = checkpoint.data(checkpoint.unseal(good))
    change(state)
    path = sealed(tmp_path / "checkpoint-00000005.pt", saved(state))
    with pytest.raises(loop.ResumeError, match="does not fit the network") as caught:
        loop.train(prepared(), resume=[tmp_path])
    assert str(path) in str(caught.value)
    if change is list(SHAPES.values())[-1]:
        figures.note(
            "hostile checkpoints",
            f"{len(ARCHIVES) + len(SHAPES)} bombs, formats and shapes refused",
        )


def test_the_good_one_is_not(tmp_path, good):
    (tmp_path / "checkpoint-00000005.pt").write_bytes(good)
    again = prepared()
    loop.train(again, resume=[tmp_path])
    assert again.resumed["exact"]


def test_without_the_size_check_a_bomb_goes_off(figures):
    """The broken variant: torch.load, weights_only and all, unpacks what a member claims."""
    storage = (
        b"ctorch\nFloatStorage\n"
        + text("0")
        + text("cpu")
        + b"J"
        + struct.pack("<i", len(BOMB) // 4)
    )
    rebuild = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + storage + b"tQ"
    shape = (
        b"K\x00J"
        + struct.pack("<i", len(BOMB) // 4)
        + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)R"
    )
    bomb = archive(rebuild + shape + b"tR.", [("data/0", BOMB)], zipfile.ZIP_DEFLATED)
    unpacked = torch.load(io.BytesIO(bomb), weights_only=True).nbytes
    assert unpacked == len(BOMB)
    with pytest.raises(ValueError, match="its members claim"):
        checkpoint.data(bomb)
    figures.breaks(
        "hostile checkpoints", f"no size check: {len(bomb):,} bytes unpacked to {unpacked:,}"
    )


class TestWeights:
    """The weights of a committed cell go through the same check."""

    @pytest.fixture
    def cell(self, tmp_path):
        setup = prepared()
        loop.train(setup, tmp_path)
        cells.write(setup, tmp_path, extract.evaluate(setup), 0.0)
        return tmp_path

    def put(self, folder, payload):
        (folder / "weights.pt").write_bytes(payload)
        result = runs.json.loads((folder / "result.json").read_text())
        result["provenance"]["weights_sha256"] = runs.sha256(folder / "weights.pt")
        runs.write_json(folder / "result.json", result)

    def test_code_bombs_and_shapes_are_refused(self, cell):
        saved_ = checkpoint.data((cell / "weights.pt").read_bytes())
        name = next(iter(saved_["state"]))
        hostile = [
            archive(program(("os", "mkdir"), reduced, cell / "canary")),
            archive(b"\x80\x02}.", [("data/0", BOMB)], zipfile.ZIP_DEFLATED),
            saved(saved_ | {"num_ids": 1 << 40}),
            saved(saved_ | {"state": saved_["state"] | {name: torch.zeros(1)}}),
            saved(saved_ | {"params": saved_["params"] | {"backbone": "__import__('os')"}}),
            saved(collections.OrderedDict()),
        ]
        cells.load(cell)
        for payload in hostile:
            self.put(cell, payload)
            with pytest.raises(
                setups.TrainingError, match=r"weights\.pt: not the weights of a cell"
            ):
                cells.load(cell)
        assert not (cell / "canary").exists()
