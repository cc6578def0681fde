"""Explorer of one hinge at a time: pick an anchor and a direction, move the margins, see what eq. 4
(or 7) costs.
"""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
from matplotlib.colors import to_hex

from bdlab.modality import Modality
from bdlab.workbench.style import COLOURS, MARKS
from bdlab.workbench.widgets import WHOLE, watch

from . import toy
from .figures import PULL, PUSH

V, I, DV, DI = Modality
NAMES = {V: "V", I: "I", DV: "D_V", DI: "D_I"}
SIZE, SCALE, LADDER = (
    460,
    140,
    330,
)  # pixels: the plane's side, one unit of distance in it, the bars' width


def hinge(points: toy.Constellation | None = None) -> widgets.VBox:
    """Pick an anchor and where its triplet is sought; see its hardest positive and negative, the
    margin's circle and the hinge.

    ``points`` are people in the plane (default: ``sketch.constellation()``). The same modality on
    both sides is eq. 7 with its own margin, two different ones eq. 4. *eq. 5 as printed* shows what
    the zeros of the mask do. Everything by keyboard too.
    """
    points = points or toy.constellation()
    choice = {
        "options": [(NAMES[m], m) for m in points.features],
        "style": {"button_width": "58px", "description_width": "70px"},
    }
    wide = widgets.Layout(width="370px")
    own = widgets.ToggleButtons(value=V, description="anchor in", layout=wide, **choice)
    to = widgets.ToggleButtons(value=I, description="towards", layout=wide, **choice)
    row = widgets.IntSlider(
        min(5, len(points.labels[V])),
        1,
        len(points.labels[V]),
        description="which one",
        style=WHOLE,
    )
    look = {"min": 0, "max": 1.5, "step": 0.05, "style": WHOLE}
    cross, intra = (
        widgets.FloatSlider(v, description=n, **look)
        for v, n in ((0.5, "margin_cross"), (0.3, "margin_intra"))
    )
    literal = widgets.Checkbox(False, description="eq. 5 as printed", indent=False)
    shown = widgets.HTML()

    def show(_: object = None) -> None:
        cross.disabled, intra.disabled, literal.disabled = (
            own.value is to.value,
            own.value is not to.value,
            own.value is to.value,
        )
        row.max = len(points.labels[own.value])
        try:
            one = toy.hinge(
                points, own.value, row.value - 1, to.value, cross.value, intra.value, literal.value
            )
        except ValueError as error:  # an anchor without a positive or a negative takes no part
            shown.value = f"<p>{error}</p>"
            return
        shown.value = draw(points, one)

    watch(show, own, to, row, cross, intra, literal)
    show()
    wrap = widgets.Layout(flex_flow="row wrap")
    rows = [widgets.HBox(row, layout=wrap) for row in ([own, row], [to, literal], [cross, intra])]
    return widgets.VBox([*rows, shown])


def draw(points: toy.Constellation, one: toy.Hinge) -> str:
    """The plane and the three lengths as one SVG, a sentence for those who do not see it, and the
    arithmetic below.
    """
    spot = points.features[one.own][one.anchor].numpy()
    x, y = _at(spot)
    body = [
        f'<circle cx="{x}" cy="{y}" r="{one.farthest * SCALE:.1f}" fill="none" stroke="#444"/>',
        (
            f'<circle cx="{x}" cy="{y}" r="{(one.farthest + one.margin) * SCALE:.1f}" fill="none" '
            'stroke="#444" stroke-dasharray="6 4"/>'
        ),
        _line(spot, points.features[one.to][one.positive].numpy(), to_hex(PULL)),
    ]
    if one.negative is not None:
        body.append(_line(spot, points.features[one.to][one.negative].numpy(), to_hex(PUSH), "7 4"))
    for m in sorted(points.features, key=lambda m: m in (one.own, one.to)):
        strong = m in (one.own, one.to)
        body += [
            mark(m, *_at(f), int(i) + 1, strong)
            for f, i in zip(points.features[m].numpy(), points.labels[m], strict=True)
        ]
    body.append(f'<circle cx="{x}" cy="{y}" r="17" fill="none" stroke="#000" stroke-width="2.5"/>')
    words = sentence(points, one)
    return (
        f'<svg viewBox="0 0 {SIZE + LADDER + 40} {SIZE}" width="{SIZE + LADDER + 40}" '
        'style="max-width:100%;background:#fff" role="img" '
        f'aria-label="{words}" font-family="sans-serif"><svg width="{SIZE}" '
        f'height="{SIZE}">{"".join(body)}</svg>'
        f'<rect x=".5" y=".5" width="{SIZE - 1}" height="{SIZE - 1}" fill="none" '
        f'stroke="#bbb"/>{_ladder(one)}</svg>'
        f'<p style="max-width:{SIZE + LADDER}px">{words}</p>'
    )


def sentence(points: toy.Constellation, one: toy.Hinge) -> str:
    """What the picture shows, in words and with its numbers."""
    people = points.labels[one.to]
    person = int(points.labels[one.own][one.anchor]) + 1
    least = (
        "the zero that eq. 5 wrote"
        if one.negative is None
        else f"its nearest negative (person {int(people[one.negative]) + 1})"
    )
    verdict = (
        "nothing to do"
        if one.value == 0
        else "pulled in, nobody pushed away"
        if one.negative is None
        else "pulled in, pushed away"
    )
    return (
        f"Anchor: person {person} in {NAMES[one.own]}. Its farthest positive in {NAMES[one.to]} is "
        f"{one.farthest:.2f} away, {least} "
        f"{one.nearest:.2f}: [{one.margin:.2f} + {one.farthest:.2f} − {one.nearest:.2f}]₊ = "
        f"{one.value:.2f}, {verdict}."
    )


def _ladder(one: toy.Hinge) -> str:
    """The lengths as bars at the right of the plane."""
    left, reach = SIZE + 24, one.farthest + one.margin
    unit = (LADDER - 10) / max(reach, one.nearest, 1.0)
    width = [f"{v * unit:.1f}" for v in (one.farthest, one.margin, one.nearest, one.value)]
    end, near = left + one.farthest * unit, left + one.nearest * unit
    nearest = "eq. 5's zero" if one.negative is None else "nearest negative"
    return (
        '<defs><pattern id="cost" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)">'
        '<rect width="7" height="7" fill="#fff"/><line x1="0" y1="0" x2="0" y2="7" stroke="#000" '
        'stroke-width="2.4"/></pattern></defs>'
        f'<text x="{left}" y="110" font-size="14">farthest positive {one.farthest:.2f} + margin '
        f"{one.margin:.2f}</text>"
        f'<rect x="{left}" y="120" width="{width[0]}" height="40" fill="{to_hex(PULL)}"/>'
        f'<rect x="{end:.1f}" y="120" width="{width[1]}" height="40" fill="#fff" stroke="#444" '
        'stroke-dasharray="6 4"/>'
        f'<text x="{left}" y="200" font-size="14">{nearest} {one.nearest:.2f}</text>'
        f'<rect x="{left}" y="210" width="{width[2]}" height="40" fill="{to_hex(PUSH)}"/>'
        f'<rect x="{near:.1f}" y="210" width="{width[3]}" height="40" fill="url(#cost)" '
        'stroke="#000"/>'
        f'<line x1="{left + reach * unit:.1f}" y1="112" x2="{left + reach * unit:.1f}" y2="262" '
        'stroke="#444" stroke-dasharray="2 3"/>'
        f'<text x="{left}" y="300" font-size="20" font-weight="bold">hinge {one.value:.2f}</text>'
    )


def _at(point: np.ndarray) -> tuple[float, float]:
    return round(SIZE / 2 + SCALE * float(point[0]), 1), round(
        SIZE / 2 - SCALE * float(point[1]), 1
    )


def _line(start: np.ndarray, end: np.ndarray, colour: str, dashes: str = "") -> str:
    (a, b), (c, d) = _at(start), _at(end)
    return (
        f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="{colour}" stroke-width="3.5" '
        f'stroke-dasharray="{dashes}"/>'
    )


def mark(m: Modality, x: float, y: float, person: int = 0, strong: bool = True) -> str:
    """A point in its modality's mark and colour, with its person's number if there is one; pale if
    it takes no part.
    """
    shape = {
        "o": f'<circle cx="{x}" cy="{y}" r="11"/>',
        "s": f'<rect x="{x - 10}" y="{y - 10}" width="20" height="20"/>',
        "^": f'<polygon points="{x},{y - 14} {x + 13},{y + 9} {x - 13},{y + 9}"/>',
        "D": f'<polygon points="{x},{y - 13} {x + 13},{y} {x},{y + 13} {x - 13},{y}"/>',
    }[MARKS[m]]
    drawn = f'<g fill="{to_hex(COLOURS[m]) if strong else "#dcdcdc"}" stroke="#fff">{shape}</g>'
    return drawn + (
        f'<text x="{x}" y="{y + 5}" font-size="12" fill="#fff" text-anchor="middle">{person}</text>'
        if person
        else ""
    )
