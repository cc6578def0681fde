"""The core is light: few syntax nodes a line, no comprehension in another, no overloaded
statement.
"""

import pytest

from . import density
from .conftest import REPOSITORY
from .density import HEART, Measure, measure

#: Rooms held to the stricter limits.
CORE = (*HEART, "pixels", "methods", "training")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("room", CORE)
def test_the_core_is_light(room):
    m = measure(density.place(room))
    assert m.lines > 20
    assert m.density <= 10
    assert m.nested <= 0.5e-3 * m.lines
    assert m.heavy == 0
    assert m.wide == 0


def test_the_whole_package_is_light():
    m = measure(REPOSITORY / "bdlab")
    assert m.density <= 11
    assert m.nested <= 0.5e-3 * m.lines
    assert (m.heavy, m.wide) == (0, 0)


def test_the_heart_is_small():
    assert measure(*map(density.place, HEART)).lines < 2500


def stale(text):
    """Rows of CONTRIBUTING's table whose figures of today are off by more than a tenth, and rooms
    that stand in none.
    """
    rows = text.partition(density.HEADER)[2].partition("\n\n")[0].split("\n")[2:]
    found, named = [], set()
    for row in rows:
        m, cells = measure(*map(density.place, density.rooms(row))), row.split("|")
        lines, nodes = int(cells[3].replace(",", "")), float(cells[5])
        named |= set(density.rooms(row))
        if abs(lines - m.lines) > m.lines / 10 or abs(nodes - m.density) > m.density / 10:
            found.append(cells[1].strip())
    entries = {path.stem for path in (REPOSITORY / "bdlab").iterdir() if path.suffix in ("", ".py")}
    return found + sorted(entries - named - {"__init__", "__pycache__"})


def test_the_table_of_rooms_is_of_today():
    """``python tests/density.py --table`` renews it."""
    assert stale(CONTRIBUTING) == []


def test_a_table_of_yesterday_and_a_room_left_out_are_found():
    """The broken variants, and what the script makes of the first."""
    head, header, rest = CONTRIBUTING.partition(density.HEADER)
    lines = rest.split("\n")
    cells = lines[2].split("|")
    cells[3] = " 17 "
    old = head + header + "\n".join([*lines[:2], "|".join(cells), *lines[3:]])
    assert stale(old) == [cells[1].strip()]
    assert stale(density.renewed(old)) == []
    without = [line for line in CONTRIBUTING.split("\n") if not line.startswith("| `methods`")]
    assert stale("\n".join(without)) == ["methods"]


def test_what_is_heavy_is_found():
    """The broken variant: one line that does all."""
    line = (
        "x = [[f(a, b, c) + g(a)[b] for a in s if a.b(c)] for s in {k: v for k, v in t.items()}]\n"
    )
    m = Measure()
    m.add('"""A docstring does not count."""\n\n# nor a comment\n' + line)
    assert m.lines == 1
    assert m.density > 10
    assert m.nested == 1
    m.add(line[:-2] + " + [q(r, s, t, u, v, w, x, y, z, r, s, t, u)]]\n")
    assert m.heavy >= 1
    assert m.wide == 1
