"""The channel explorer: its picture follows ten numbers, wherever they come from."""

import io
import json

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from bdlab.experiments import cell, reference, sweeps
from bdlab.modality import Modality
from bdlab.workbench import explorers
from bdlab.workbench.channels import moves, render
from bdlab.workbench.channels.explore import Pictures
from bdlab.workbench.channels.numbers import NAMES, NO_FILM, Learned, flat, learned, preset, unflat
from bdlab.workbench.channels.page import HEAD, HIGH, VIEWS, compared, page, pixel_at

V, I, DV, DI = Modality
NUMBERS = unflat(
    [
        0.26182544,
        0.43442481,
        -0.02709120,
        1.26639819,
        0.62643778,
        0.10967005,
        0.20073437,
        -0.1537072,
        0.9270580,
        0.2077071,
    ]
)
HISTORY = [
    {"epoch": k, "generator": n}
    for k, n in ((0, preset("uniform")), (1, preset("luma")), (2, NUMBERS))
]


@pytest.fixture(scope="module")
def people():
    """Two pairs [2, 48, 24, 3]."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (2, 48, 24, 3), dtype=np.uint8) for _ in range(2)]


@pytest.fixture
def box(people, tmp_path):
    return explorers.channels(*people, NUMBERS, HISTORY, height=48, folder=tmp_path / "figures")


def inside(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def control(box, name):
    (found,) = [w for w in inside(box) if getattr(w, "description", None) == name]
    return found


def images(box):
    """The widgets that hold a PNG: the pictures, then the curves."""
    return [w for w in inside(box) if isinstance(w, Pictures | widgets.Image)]


def pixels(box, number=0):
    image = images(box)[number]
    return np.array(Image.open(io.BytesIO(image.value)))


def text(box):
    return " ".join(w.value for w in inside(box) if isinstance(w, widgets.HTML))


def expected(people, numbers, view="overview", ink="colour", space="normalised", person=0):
    return page(render.render(people[0][person], people[1][person], numbers, space), view, ink)


def test_it_starts_with_the_numbers_given_to_the_last_digit(box, people):
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS))
    assert "now: <b>learned</b>" in text(box)
    assert [control(box, name).value for name in NAMES] == pytest.approx(
        [round(v, 2) for v in flat(NUMBERS)]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_one_of_the_ten_sliders_counts(box, people, name):
    control(box, name).value = -0.5
    moved = flat(NUMBERS)
    moved[NAMES.index(name)] = -0.5
    np.testing.assert_array_equal(pixels(box), expected(people, unflat(moved)))
    assert not np.array_equal(pixels(box), expected(people, NUMBERS))
    assert "set by hand" in text(box)


def test_what_the_browser_rounds_is_no_hand(box, people):
    """It may send a slider's value back with another last bit."""
    for name in NAMES:
        control(box, name).value += 1e-13
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS))
    assert "set by hand" not in text(box)


@pytest.mark.parametrize("name", ["uniform", "luma", "D_I = I"])
def test_presets_set_all_ten_in_the_space_chosen(box, people, name):
    control(box, "E_V and G_S work in").value = "unit"
    control(box, name).click()
    np.testing.assert_array_equal(pixels(box), expected(people, preset(name, "unit"), space="unit"))
    control(box, "learned").click()
    control(box, "E_V and G_S work in").value = "normalised"
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS))


def test_an_epoch_replays_the_generator_and_moves_the_mark(box, people):
    curves = pixels(box, 1)
    control(box, "epoch").value = 1
    np.testing.assert_array_equal(pixels(box), expected(people, preset("luma")))
    assert control(box, "G_S red").value == 1.0
    assert not np.array_equal(pixels(box, 1), curves)
    assert "after epoch 1" in text(box)
    control(box, "epoch").value = 0
    assert "the start of the run" in text(box)
    control(box, "epoch").value = 2
    np.testing.assert_array_equal(pixels(box, 1), curves)


def test_the_words_are_true_after_every_move(box):
    """ "now: D_I = I" must not stay when it no longer is."""
    control(box, "D_I = I").click()
    assert "now: <b>D_I = I</b>" in text(box)
    control(box, "E_V and G_S work in").value = "unit"
    assert "D_I = I" not in text(box)
    assert "now: <b>set by hand</b>" in text(box)
    control(box, "E_V and G_S work in").value = "normalised"
    assert "now: <b>D_I = I</b>" in text(box)


def test_the_epochs_mark_goes_when_the_numbers_move(box):
    control(box, "epoch").value = 1
    marked = pixels(box, 1)
    control(box, "G_S red").value = -0.7
    bare = pixels(box, 1)
    assert (bare != marked).any()
    control(box, "E_V red").value = 0.9
    np.testing.assert_array_equal(pixels(box, 1), bare, "no epoch has these numbers")
    control(box, "learned").click()
    assert (pixels(box, 1) != bare).any(), "the last epoch's numbers are the learned ones"
    control(box, "luma").click()
    np.testing.assert_array_equal(pixels(box, 1), marked, "those of epoch 1 again")


def test_a_saved_file_says_what_it_shows(people, tmp_path):
    about = {"name": "table4-MDL4", "note": "A <note>."}
    box = explorers.channels(*people, NUMBERS, HISTORY, height=48, folder=tmp_path, **about)
    assert "A &lt;note&gt;." in text(box)
    control(box, "epoch").value = 1
    control(box, "save PNG").click()
    control(box, "G_S red").value = -0.5
    control(box, "E_V and G_S work in").value = "unit"
    control(box, "save SVG").click()
    first, second = sorted(tmp_path.iterdir())
    with Image.open(first) as image:
        said = json.loads(image.text["Description"])
    assert said["numbers"] == preset("luma")
    assert (said["epoch"], said["space"], said["cell"]) == (1, "normalised", "table4-MDL4")
    written = second.read_text()
    assert "&quot;epoch&quot;: null" in written or '"epoch": null' in written
    assert "set by hand" in written


class TestPixel:
    def test_the_pixel_under_the_hand_is_read(self, box, people):
        shown = images(box)[0]
        for point in ([5.5, HEAD + 20.5], [80.2, HEAD + 3.9], [130, HEAD + 47]):
            shown.at = point
            row, column = pixel_at("overview", 48, 24, *point)
            read = shown.read
            assert (read["x"], read["y"]) == (column, row)
            assert read["visible"] == people[0][0][row, column].tolist()
            assert read["infrared"] == people[1][0][row, column].tolist()
            made = render.render(people[0][0], people[1][0], NUMBERS)
            assert read["bytes"]["DV"] == pytest.approx(255 * made.pixels[DV][row, column])
            shares = np.array(shown.spots) - [0, HEAD]
            assert len(shares) == 5, "once in each large picture"
            np.testing.assert_allclose(shares[0], [column + 0.5, row + 0.5])

    def test_it_follows_the_numbers(self, box):
        shown = images(box)[0]
        before = shown.read["before"]
        control(box, "E_V bias").value = 2.0
        assert shown.read["before"] == pytest.approx(before + 2.0 - flat(NUMBERS)[3], abs=1e-5)

    def test_between_the_pictures_nothing_changes(self, box):
        shown = images(box)[0]
        before = shown.read
        shown.at = [3, HEAD - 5]
        assert shown.read == before


class TestMoves:
    def test_undo_and_redo(self, box, people):
        back, again = control(box, "undo"), control(box, "redo")
        assert (back.disabled, again.disabled) == (True, True)
        control(box, "luma").click()
        control(box, "E_V and G_S work in").value = "unit"
        control(box, "epoch").value = 0
        back.click()
        expected_luma = expected(people, preset("luma"), space="unit")
        np.testing.assert_array_equal(pixels(box), expected_luma)
        assert control(box, "epoch").value == 2
        back.click()
        assert control(box, "E_V and G_S work in").value == "normalised"
        assert "now: <b>luma</b>" in text(box)
        back.click()
        np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS))
        assert "now: <b>learned</b>" in text(box)
        assert back.disabled
        for _ in range(3):
            again.click()
        assert again.disabled
        assert control(box, "epoch").value == 0
        control(box, "G_S red").value = 0.5
        back.click()
        assert not again.disabled
        assert control(box, "G_S red").value == pytest.approx(1 / 3, abs=0.01)

    def test_a_drag_is_one_move(self, box, people, monkeypatch):
        at = iter([0.0, 0.1, 0.2, 5.0])
        monkeypatch.setattr(moves.time, "monotonic", lambda: next(at))
        for value in (0.1, 0.2, 0.3):
            control(box, "E_V red").value = value
        control(box, "E_V red").value = 0.9
        control(box, "undo").click()
        assert control(box, "E_V red").value == pytest.approx(0.3)
        control(box, "undo").click()
        np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS))

    def test_a_person_is_no_move(self, box):
        images(box)[0].person = 1
        assert control(box, "undo").disabled


def test_the_film_plays_the_epochs(box, people):
    (play,) = [w for w in inside(box) if isinstance(w, widgets.Play)]
    play.value = 0
    assert control(box, "epoch").value == 0
    play.value = 1
    np.testing.assert_array_equal(pixels(box), expected(people, preset("luma")))
    assert "after epoch 1" in text(box)
    control(box, "epoch").value = 2
    assert play.value == 2, "it goes on from where the slider stands"


def test_small_pictures_choose_the_person(box, people):
    shown = images(box)[0]
    assert [one["name"] for one in shown.people] == ["person 1", "person 2"]
    assert all(one["picture"].startswith("data:image/webp") for one in shown.people)
    shown.person = 1
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS, person=1))
    shown.person = 0
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS))


def test_a_move_draws_one_picture(box):
    image, drawn = images(box)[0], []
    image.observe(lambda change: drawn.append(change), names="value")
    control(box, "epoch").value = 0
    assert len(drawn) == 1, "ten sliders, one picture"
    control(box, "E_V red").value = 1.5
    assert len(drawn) == 2


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("ink", render.INKS)
def test_views_and_inks(box, people, view, ink):
    control(box, "view").value = view
    control(box, "one channel as").value = ink
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS, view, ink))


def test_the_overview_holds_the_five_pictures(people):
    r = render.render(people[0][0], people[1][0], preset("uniform"))
    sheet = page(r)[HEAD:]
    assert r.clipped.any()
    pictures = (r.shown[V], render.mark(r.encoded, r.clipped), r.shown[DV], r.shown[I], r.shown[DI])
    # 24 wide, all but E_V(V) with their channels beside them
    for left, picture in zip((0, 44, 77, 121, 165), pictures, strict=True):
        np.testing.assert_array_equal(sheet[:, left : left + 24], picture)


def test_another_person(box, people):
    images(box)[0].person = 1
    np.testing.assert_array_equal(pixels(box), expected(people, NUMBERS, person=1))


def test_it_says_what_is_clipped(box, people):
    control(box, "uniform").click()
    share = render.render(people[0][0], people[1][0], preset("uniform")).clipped.mean()
    assert f"clips <b>{100 * share:.0f} %</b>" in text(box)
    control(box, "E_V and G_S work in").value = "unit"
    assert "clips <b>0 %</b>" in text(box)


def test_it_says_so_when_nothing_moved(people):
    still = [{"epoch": k, "generator": NUMBERS} for k in range(3)]
    assert "nothing moved" in text(explorers.channels(*people, NUMBERS, still, height=48))
    assert "nothing moved" not in text(explorers.channels(*people, NUMBERS, HISTORY, height=48))


def test_one_pair_without_anything_else(people):
    box = explorers.channels(people[0][0], people[1][0], height=48)
    np.testing.assert_array_equal(pixels(box), expected(people, preset("uniform")))
    names = {getattr(w, "description", "") for w in inside(box)}
    assert not names & {"epoch", "learned", "beside", "its epoch"}


def test_numbers_beyond_the_usual_range_have_room(people):
    wide = unflat([5.5, *flat(NUMBERS)[1:]])
    box = explorers.channels(*people, wide, height=48)
    assert control(box, "E_V red").value == pytest.approx(5.5)
    np.testing.assert_array_equal(pixels(box), expected(people, wide))


@pytest.mark.parametrize("view", VIEWS)
def test_saving_writes_what_is_on_show_and_overwrites_nothing(box, tmp_path, view):
    control(box, "view").value = view
    for kind in ("PNG", "SVG", "PNG"):
        control(box, f"save {kind}").click()
    files = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert files == [
        f"channels-{view}-01.png",
        f"channels-{view}-02.svg",
        f"channels-{view}-03.png",
    ]
    assert str(tmp_path / "figures" / files[-1]) in text(box)
    first, last = ((tmp_path / "figures" / files[k]).read_bytes() for k in (0, 2))
    assert Image.open(io.BytesIO(first)).size[0] > 300
    assert b"<svg" in (tmp_path / "figures" / files[1]).read_bytes()[:600]
    assert Image.open(io.BytesIO(last)).size == Image.open(io.BytesIO(first)).size


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"visible": np.zeros((4, 4, 3))}, "uint8"),
        ({"infrared": np.zeros((3, 8, 4, 3), np.uint8)}, "2 visible and 3 infrared"),
        ({"numbers": {"G_S.weight": [1, 1, 1]}}, "needs E_V.weight"),
        ({"space": "rgb"}, "normalised, unit"),
        ({"history": [{"epoch": 1}]}, "needs E_V.weight"),
    ],
)
def test_what_does_not_fit_is_refused(people, change, words):
    given = {"visible": people[0], "infrared": people[1], "height": 48} | change
    with pytest.raises(ValueError, match=words):
        explorers.channels(**given)


def test_an_unknown_view_is_refused(people):
    with pytest.raises(ValueError, match="overview, channels, divergence"):
        expected(people, NUMBERS, "everything")


def test_a_cell_brings_its_own_people(own_place, tmp_path):
    (tmp_path / "cell").mkdir()
    cell.run(
        sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"steps": 1, "epochs": 1}),
        tmp_path / "cell",
    )
    box = explorers.cell(tmp_path / "cell", people=3, height=48)
    assert len(images(box)[0].people) == 3
    assert control(box, "epoch").options == (0, 1)
    two = explorers.cell(tmp_path / "cell", tmp_path / "cell", people=3, height=48)
    assert control(two, "beside").value == "cell"
    assert "All ten numbers are the same." in text(two)


def test_ink_is_off_where_the_view_ignores_it(box, people):
    ink, view = control(box, "one channel as"), control(box, "view")
    for name in VIEWS:
        view.value = name
        drawn = {}
        for choice in render.INKS:
            rendered = render.render(people[0][0], people[1][0], NUMBERS)
            drawn[choice] = page(rendered, name, choice).tobytes()
        assert ink.disabled == (len(set(drawn.values())) == 1), name


def test_contrast_is_stretched_for_the_eye_alone(box, people):
    before, said, read = pixels(box), text(box), images(box)[0].read
    toggle = control(box, "stretch contrast")
    toggle.value = True
    rendered = render.render(people[0][0], people[1][0], NUMBERS)
    seen = page(render.stretched(rendered), "overview", "colour")
    np.testing.assert_array_equal(pixels(box), seen)
    assert (pixels(box) != before).any()
    assert (text(box), images(box)[0].read) == (said, read), "numbers are as they were"
    toggle.value = False
    np.testing.assert_array_equal(pixels(box), before)


def test_a_stretched_file_says_so(box, tmp_path):
    control(box, "stretch contrast").value = True
    control(box, "save PNG").click()
    (path,) = (tmp_path / "figures").glob("*.png")
    with Image.open(path) as saved:
        assert json.loads(saved.info["Description"])["contrast"] == "stretched"


OTHER = Learned(
    preset("luma", "unit"),
    [{"epoch": k, "generator": preset(name, "unit")} for k, name in ((0, "uniform"), (5, "luma"))],
    "unit",
    "other cell",
)


class TestTwoSides:
    """A is what the sliders say, B stands beside."""

    @pytest.fixture
    def two(self, people, tmp_path):
        return explorers.channels(
            *people, NUMBERS, HISTORY, height=48, folder=tmp_path, name="a cell", beside=OTHER
        )

    def both(self, people, numbers, other, space, view="overview", person=0):
        pair = [pictures[person] for pictures in people]
        return compared(render.render(*pair, numbers), render.render(*pair, other, space), view)

    def test_two_cells(self, two, people):
        np.testing.assert_array_equal(
            pixels(two), self.both(people, NUMBERS, preset("luma", "unit"), "unit")
        )
        assert control(two, "undo").disabled, "nothing to take back yet"
        for word in ("<b>A</b> a cell, learned", "<b>B</b> other cell, after epoch 5, unit"):
            assert word in text(two)
        assert "A works in the normalised space and B in the unit one" in text(two)
        control(two, "its epoch").value = 0
        control(two, "G_S red").value = -0.5
        moved = unflat([*flat(NUMBERS)[:4], -0.5, *flat(NUMBERS)[5:]])
        np.testing.assert_array_equal(
            pixels(two), self.both(people, moved, preset("uniform", "unit"), "unit")
        )
        images(two)[0].person = 1
        np.testing.assert_array_equal(
            pixels(two), self.both(people, moved, preset("uniform", "unit"), "unit", person=1)
        )

    def test_two_epochs_of_one_cell(self, box, people):
        alone, bare = pixels(box), pixels(box, 1)
        control(box, "beside").value = "this run"
        assert control(box, "its epoch").value == 0, "the start, beside the end"
        control(box, "its epoch").value = 1
        np.testing.assert_array_equal(
            pixels(box), self.both(people, NUMBERS, preset("luma"), "normalised")
        )
        assert (pixels(box, 1) != bare).any(), "both epochs are marked in the curves"
        control(box, "beside").value = "nothing"
        np.testing.assert_array_equal(pixels(box), alone)
        np.testing.assert_array_equal(pixels(box, 1), bare)
        assert control(box, "its epoch").disabled

    def test_one_pixel_is_read_on_both(self, two, people):
        shown = images(two)[0]
        shown.at = [4 * (24 + 9) + 7.5, HIGH + 20.5]  # in B's D_V
        assert (shown.read["x"], shown.read["y"]) == (7, 20)
        assert (shown.other["x"], shown.other["y"]) == (7, 20)
        assert shown.read["visible"] == shown.other["visible"] == people[0][0][20, 7].tolist()
        ours = render.render(people[0][0], people[1][0], NUMBERS)
        theirs = render.render(people[0][0], people[1][0], preset("luma", "unit"), "unit")
        for read, made in ((shown.read, ours), (shown.other, theirs)):
            assert read["bytes"]["DV"] == pytest.approx(255 * made.pixels[DV][20, 7])
        assert len(shown.spots) == 8
        control(two, "beside").value = "nothing"
        assert shown.other == {}
        assert len(shown.spots) == 5

    def test_what_stands_beside_is_taken_back(self, two):
        name, epoch = control(two, "beside"), control(two, "its epoch")
        epoch.value = 0
        name.value = "this run"
        name.value = "nothing"
        seen = [(name.value, epoch.value)]
        for _ in range(3):
            control(two, "undo").click()
            seen.append((name.value, epoch.value))
        assert seen[1:] == [("this run", 0), ("other cell", 0), ("other cell", 5)]
        assert control(two, "undo").disabled
        control(two, "redo").click()
        assert (name.value, epoch.value) == ("other cell", 0)

    @pytest.mark.parametrize("view", VIEWS)
    @pytest.mark.parametrize("kind", ["PNG", "SVG"])
    def test_the_file_names_both(self, two, tmp_path, view, kind):
        control(two, "view").value = view
        control(two, f"save {kind}").click()
        (path,) = tmp_path.glob(f"channels-{view}-01.*")
        if kind == "SVG":
            assert "other cell" in path.read_text()
            return
        with Image.open(path) as image:
            said = json.loads(image.text["Description"])
        assert (said["cell"], said["epoch"], said["numbers"]) == ("a cell", 2, NUMBERS)
        other = said["beside"]
        assert (other["cell"], other["epoch"], other["space"]) == ("other cell", 5, "unit")
        assert other["numbers"] == preset("luma", "unit")

    def test_ink_is_live_or_off(self, two, people):
        pair = [pictures[0] for pictures in people]
        sides = [render.render(*pair, NUMBERS), render.render(*pair, OTHER.numbers, "unit")]
        for view in VIEWS:
            control(two, "view").value = view
            drawn = {compared(*sides, view, ink).tobytes() for ink in render.INKS}
            assert control(two, "one channel as").disabled == (len(drawn) == 1), view

    def test_a_run_without_epochs_can_stand_beside(self, people):
        params = {"generator_init": "uniform", "generator_space": "unit"}
        one = learned(preset("luma", "unit"), [], params, "old cell")
        assert one.history == []
        box = explorers.channels(*people, NUMBERS, HISTORY, height=48, beside=one)
        assert control(box, "its epoch").options == ("as learned",)
        assert "old cell, as learned" in text(box)
        assert NO_FILM in text(box)


class TestBadInput:
    """One sentence in the explorer's place, which names the remedy."""

    def refused(self, *cells, **more):
        said = explorers.cell(*cells, height=48, **more)
        assert isinstance(said, widgets.HTML)
        assert "No channel explorer." in said.value
        return said.value

    def test_no_cell(self, tmp_path):
        assert "`bdlab status` lists them" in self.refused(tmp_path / "none")

    def test_no_derivative(self):
        folder = next(reference.FOLDER.glob("table4-B2-*"))
        assert "take MDL2, MDL3 or MDL4" in self.refused(folder)

    def test_other_data(self, tmp_path, own_place):
        made = []
        for data in ("synthetic-regdb", "synthetic-sysu"):
            config = sweeps.configure("table4", "MDL4", "smoke", data, {"steps": 1, "epochs": 1})
            made.append(tmp_path / data)
            made[-1].mkdir()
            cell.run(config, made[-1])
        assert "open each by itself" in self.refused(*made)
        result = json.loads((made[0] / "result.json").read_text())
        result["provenance"] |= {"fingerprint": "f" * 64, "data": {}}
        (made[0] / "result.json").write_text(json.dumps(result))
        assert "Give the root it was trained with" in self.refused(made[0])
        weights = (made[1] / "weights.pt").read_bytes()
        (made[1] / "weights.pt").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
        assert "run the cell again" in self.refused(made[1])


def test_every_control_has_a_tooltip(box):
    bare = []
    for widget in inside(box):
        if isinstance(widget, widgets.ToggleButtons):
            hints = widget.tooltips
            assert len(set(hints)) == len(widget.options), widget.description
            bare += [] if all(hints) else [widget.description]
        elif isinstance(widget, widgets.DOMWidget) and hasattr(widget, "disabled"):
            bare += [] if widget.tooltip else [getattr(widget, "description", widget)]
    assert bare == []
    sliders = [control(box, name).tooltip for name in NAMES]
    assert len(set(sliders)) == len(NAMES), "each number has words of its own"
