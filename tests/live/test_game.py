"""Person against machine: the game played by click and by key, and its score counted again."""

import numpy as np
import pytest

GAME = ".bdlab-live.game"


def play(opened, picks, key=False):
    for number, place in enumerate(picks):
        if key:
            opened.page.locator(f"{GAME} [data-place='0']").press(str(place + 1))
        else:
            opened.page.locator(f"{GAME} [data-place='{place}']").click()
        assert (
            opened.page.locator(f"{GAME} .candidate:disabled").count()
            == rounds(opened)[number]["many"]
        )
        opened.page.locator(f"{GAME} [data-do=next]").press("Enter")


def rounds(opened):
    game = opened.data()["game"]
    return [{**one, "many": len(one["candidates"])} for one in game["rounds"]]


def counted(opened):
    """Right answers by player, counted from the marks of the table and read from its sums."""
    marks, sums = {}, {}
    for row in opened.page.locator(f"{GAME} .score tr").all():
        name = row.get_attribute("data-player")
        marks[name] = row.locator("svg.hit").count()
        sums[name] = row.locator(".sum").inner_text()
    return marks, sums


def check(opened, picks):
    """The table says what numpy counts from distances and picks."""
    asked = rounds(opened)
    answers = np.array([one["answer"] for one in asked])
    marks, sums = counted(opened)
    expected = {"you": int((np.array(picks) == answers).sum())}
    for machine in opened.data()["game"]["machines"]:
        taken = [int(np.argmin(one["distances"][machine["name"]])) for one in asked]
        expected[machine["name"]] = int((np.array(taken) == answers).sum())
    for name, right in expected.items():
        assert marks[name] == right, name
        assert sums[name] == f"{right} of {len(asked)}", name
    luck = sum(1 / one["many"] for one in asked)
    assert sums["chance"] == f"{luck:.1f} of {len(asked)}"
    assert {"you", "B2", "MDL4", "chance"} <= sums.keys()
    words = opened.page.locator(f"{GAME} .overall").inner_text()
    for machine in opened.data()["game"]["machines"]:
        assert f"{machine['name']} {100 * machine['overall']:.1f} %" in words


def test_eight_rounds_by_key_all_right(live):
    opened = live()
    picks = [one["answer"] for one in rounds(opened)]
    assert len(picks) == 8
    play(opened, picks, key=True)
    check(opened, picks)


def test_a_game_by_click_some_wrong_and_again(live):
    opened = live()
    picks = [
        one["answer"] if n % 3 else (one["answer"] + 1) % one["many"]
        for n, one in enumerate(rounds(opened))
    ]
    play(opened, picks)
    check(opened, picks)
    opened.page.locator(f"{GAME} [data-do=again]").click()
    assert "1 of 8" in opened.page.locator(f"{GAME} .query figcaption").inner_text()
    play(opened, [0] * 8)
    check(opened, [0] * 8)


def test_a_round_says_who_took_whom(live):
    opened = live()
    one = rounds(opened)[0]
    wrong = (one["answer"] + 1) % one["many"]
    opened.page.locator(f"{GAME} [data-place='{wrong}']").click()
    words = opened.page.locator(f"{GAME} .said").inner_text()
    assert f"number {one['answer'] + 1}" in words
    for name, far in one["distances"].items():
        place = int(np.argmin(far))
        assert f"{name} {'right' if place == one['answer'] else 'wrong'}" in words
        assert name in opened.page.locator(f"{GAME} [data-place='{place}'] .by").inner_text()
    assert "you" in opened.page.locator(f"{GAME} [data-place='{wrong}'] .by").inner_text()
    opened.page.keyboard.press("1")
    assert opened.page.locator(f"{GAME} .by b", has_text="you").count() == 1, "one answer a round"


def test_as_small_as_the_machines_see_them(live):
    opened = live()
    box = opened.page.get_by_label("as small as the machines see them")
    assert opened.page.locator(f"{GAME} canvas:visible").count() == 0
    box.press(" ")
    opened.page.wait_for_function(
        "[...document.querySelectorAll('.game canvas')].every(c => !c.hidden)"
    )
    sizes = opened.value(
        "[...document.querySelectorAll('.game canvas')].map(c => [c.width, c.height])"
    )
    assert all(size == opened.data()["game"]["small"] for size in sizes)
    assert opened.page.locator(f"{GAME} img:visible").count() == 0
    opened.page.locator(f"{GAME} [data-place='0']").click()
    opened.page.locator(f"{GAME} [data-do=next]").click()
    assert opened.page.locator(f"{GAME} img:visible").count() == 0, "and so in the next round"


def test_the_draw_is_fair(embedded):
    """Another moment than the one asked for, nobody twice, the answer in every place it may be."""
    game = embedded["game"]
    for one in game["rounds"]:
        assert len(set(one["candidates"])) == len(one["candidates"])
        assert 0 <= one["answer"] < len(one["candidates"])
    assert len({one["answer"] for one in game["rounds"]}) > 2


def test_a_machine_that_takes_the_farthest_is_noticed(live, whole):
    """A deliberately broken variant."""
    broken = whole.replace("far.indexOf(Math.min(...far))", "far.indexOf(Math.max(...far))")
    assert broken != whole
    opened = live(broken)
    picks = [one["answer"] for one in rounds(opened)]
    play(opened, picks)
    with pytest.raises(AssertionError):
        check(opened, picks)
