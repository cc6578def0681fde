"""The joined modules, and the same sources as a notebook's widgets take them."""

import json

import pytest

from bdlab.workbench import bundle, explorers
from bdlab.workbench import live as parts


def write(folder, **sources):
    for name, text in sources.items():
        (folder / f"{name}.js").write_text(text)
    return folder / f"{next(iter(sources))}.js"


def ran(chromium, script):
    page = chromium.new_page()
    try:
        return page.evaluate(f"() => {{ {script} }}")
    finally:
        page.close()


def test_modules_see_what_they_import_and_nothing_else(chromium, tmp_path):
    entry = write(
        tmp_path,
        one='import { b } from "./two.js";\nimport { c } from "./three.js";\n'
        "export const a = () => b() + c;\nexport default { a };\n",
        two='import { c } from "./three.js";\nconst hidden = 10;\n'
        "export function b() {\n  return hidden * c;\n}\n",
        three="export const c = 3;\n",
    )
    assert [path.stem for path in bundle.order(entry)] == ["three", "two", "one"]
    text = (
        bundle.script(entry)
        + 'return [modules["one"].default.a(), Object.keys(modules["two"]), typeof hidden];'
    )
    assert ran(chromium, text) == [33, ["b"], "undefined"]


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}, "circle"),
        ({"a": 'import { b } from "./missing.js";\n'}, "missing.js"),
        ({"a": 'import * as b from "./b.js";\n', "b": ""}, "is understood"),
        ({"a": 'import { c } from "https://a.example/c.js";\n'}, "is understood"),
    ],
)
def test_what_cannot_be_joined_is_named(tmp_path, sources, words):
    with pytest.raises(bundle.BundleError, match=words):
        bundle.script(write(tmp_path, **sources))


def test_two_files_of_one_name(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.js").write_text("export const a = 1;\n")
    with pytest.raises(bundle.BundleError, match="one name"):
        bundle.script(tmp_path / "x/same.js", tmp_path / "y/same.js")


# -- as anywidget takes them -----------------------------------------------------------------------

#: anywidget's own way: the source from a Blob; its default export's render, a model, an element.
DRAW = """async ([source, traits]) => {
  const state = JSON.parse(traits), heard = {}, saved = [];
  const model = {
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = value;
      (heard[name] || []).forEach((action) => action());
    },
    on: (event, action) => { (heard[event.slice(7)] ||= []).push(action); },
    off: (event, action) => {
      heard[event.slice(7)] = heard[event.slice(7)].filter((other) => other !== action);
    },
    save_changes: () => saved.push(1), send() {},
  };
  const file = new Blob([source], { type: "text/javascript" });
  const { default: widget } = await import(URL.createObjectURL(file));
  const el = document.body.appendChild(document.createElement("div"));
  const stop = await widget.render({ model, el });
  Object.assign(window, { model, state, saved, stop, heard });
}"""


@pytest.fixture
def drawn(chromium):
    pages = []

    def draw(widget):
        page = chromium.new_page()
        pages.append(page)
        names = [name for name in widget.trait_names() if name in widget.own]
        page.evaluate(
            DRAW, [widget._esm, json.dumps({name: getattr(widget, name) for name in names})]
        )
        return page

    yield draw
    for page in pages:
        page.close()


def test_the_hinge_as_a_widget(drawn):
    widget = explorers.drag()
    page = drawn(widget)
    start = widget.V
    page.locator("[data-point=V0]").press("ArrowRight")
    assert page.evaluate("state.V[0][0]") == pytest.approx(start[0][0] + 0.05)
    assert page.evaluate("saved.length") > 0, "the kernel is told"
    page.evaluate("model.set('margin', 0.9)")
    page.wait_for_function(
        "document.querySelector('[data-slider=margin] output').textContent === '0.90'"
    )


def test_the_channels_as_a_widget_and_its_end(drawn):
    import numpy as np

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, 2, 32, 16, 3), dtype=np.uint8)
    widget = parts.channels(*pictures, names=["a", "b"], height=64)
    page = drawn(widget)
    page.evaluate("model.set('numbers', [1, 0, 0, 0, 1, 1, 1, 0, 0, 0])")
    page.wait_for_function(
        "document.querySelector('[data-slider=\"E_V red\"] output').textContent === '+1.00'"
    )
    page.locator("[data-slider='G_S blue'] input").press("ArrowRight")
    assert page.evaluate("state.numbers[6]") == pytest.approx(1.01)
    page.evaluate("stop()")
    assert page.evaluate("Object.values(heard).flat().length") == 0, "nothing listens any more"
