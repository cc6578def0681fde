// The hinge you can drag: points of two streams, eq. 3-5 in cells, circle, bars, gradient, descent.
//
// Traits: V and I (lists of points), labels {V, I}, start (what "reset" returns to), margin,
// literal (eq. 5 as printed), anchor [stream, row], rate and steps of "let go".

import { assign, eachFrame, html, ownKeys, plain, quiet, slider, svg, watcher } from "../live.js";
import { both, step } from "./triplets.js";

const SIDE = 460; // of the plane, in its own pixels
const SCALE = 140; // pixels of one unit of distance
const FORCE = 0.7; // length of an arrow for a gradient of 1, in units of distance
const OTHER = { V: "I", I: "V" };

const place = ([x, y]) => [SIDE / 2 + SCALE * x, SIDE / 2 - SCALE * y];
const copy = (value) => JSON.parse(JSON.stringify(value));

function streams(model) {
  const labels = model.get("labels");
  return {
    V: { points: model.get("V"), labels: labels.V },
    I: { points: model.get("I"), labels: labels.I },
  };
}

// "1a": the first picture of person 1.
function titles(labels) {
  return labels.map((label, n) =>
    `${label + 1}${"abcdefgh"[labels.slice(0, n).filter((other) => other === label).length]}`);
}

function shape(stream) {
  if (stream === "V") return svg("circle", { r: 13 });
  return svg("polygon", { points: "0,-17 16,11 -16,11" });
}

// One point: dragged by the pointer, moved by the arrow keys, made the anchor by either.
function point(model, stream, row, plane) {
  const name = titles(model.get("labels")[stream])[row];
  const mark = svg("g", { class: `point ${stream}`, tabindex: 0, role: "button",
    "data-point": `${stream}${row}` },
    svg("circle", { r: 22, class: "reach" }), shape(stream),
      svg("text", { y: stream === "V" ? 5 : 7, text: name }));
  const move = (x, y) => {
    const points = copy(model.get(stream));
    const edge = SIDE / 2 / SCALE - 0.1;
    points[row] = [x, y].map((value) => Math.min(Math.max(value, -edge), edge));
    assign(model, { [stream]: points });
  };
  const choose = () => assign(model, { anchor: [stream, row] });
  mark.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    mark.focus({ preventScroll: true });
    mark.setPointerCapture(event.pointerId);
    choose();
  });
  mark.addEventListener("pointermove", (event) => {
    if (!mark.hasPointerCapture(event.pointerId)) return;
    const box = plane.getBoundingClientRect();
    const unit = SIDE / box.width / SCALE;
    const right = event.clientX - box.left - box.width / 2;
    const up = box.top + box.height / 2 - event.clientY;
    move(right * unit, up * unit);
  });
  mark.addEventListener("focus", choose);
  mark.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1],
      ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const far = event.shiftKey ? 0.2 : 0.05;
    const [x, y] = model.get(stream)[row];
    move(x + far * way[0], y + far * way[1]);
  });
  const show = (at, anchor, partner) => {
    const [x, y] = place(at);
    mark.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    mark.dataset.at = at.join(",");
    mark.classList.toggle("anchor", anchor);
    mark.setAttribute("aria-pressed", String(anchor));
    const who = `person ${name[0]} in ${stream}, picture ${name[1]}`;
    const role = anchor ? ", the anchor" : partner;
    mark.setAttribute("aria-label", `${who}${role}; at ${plain(at[0])}, ${plain(at[1])}`);
  };
  return { mark, show };
}

function tip(id, className) {
  const size = { viewBox: "0 0 10 10", refX: 8, refY: 5, markerWidth: 6, markerHeight: 6,
    orient: "auto" };
  return svg("marker", { id, ...size }, svg("path",
    { d: "M 0 0 L 10 5 L 0 10 z", class: className }));
}

// The plane: circles about the anchor, its two lines, everybody's arrow, the points on top.
function planeOf(model) {
  const plane = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "plane", role: "group",
    "aria-label": "points of two streams in a plane" });
  const far = svg("circle", { class: "far" });
  const rim = svg("circle", { class: "rim" });
  const pull = svg("line", { class: "pull" });
  const push = svg("line", { class: "push" });
  const id = `bdlab-force-${Math.random().toString(36).slice(2)}`;
  plane.append(svg("defs", {}, tip(id, "force")), svg("rect",
    { width: SIDE, height: SIDE, class: "ground" }), rim, far, pull, push);
  const points = { V: [], I: [] };
  const arrows = { V: [], I: [] };
  for (const stream of ["V", "I"]) {
    model.get(stream).forEach((_, row) => {
      arrows[stream].push(svg("line", { class: "force", "marker-end": `url(#${id})` }));
      points[stream].push(point(model, stream, row, plane));
    });
  }
  plane.append(...arrows.V, ...arrows.I, ...points.V.map((one) => one.mark),
    ...points.I.map((one) => one.mark));
  const join = (line, a, b) => {
    const [[x1, y1], [x2, y2]] = [place(a), place(b)];
    for (const [key, value] of Object.entries({ x1, y1, x2, y2 })) {
      line.setAttribute(key, value.toFixed(2));
    }
  };
  const show = (found) => {
    const [own, row] = model.get("anchor");
    const to = OTHER[own];
    const one = (own === "V" ? found.there : found.back).hinges[row];
    const spot = model.get(own)[row];
    const [cx, cy] = place(spot);
    for (const circle of [far, rim]) {
      circle.setAttribute("cx", cx);
      circle.setAttribute("cy", cy);
    }
    far.setAttribute("r", one.farthest * SCALE);
    rim.setAttribute("r", (one.farthest + model.get("margin")) * SCALE);
    join(pull, spot, model.get(to)[one.positive]);
    push.style.display = one.negative < 0 ? "none" : "";
    if (one.negative >= 0) join(push, spot, model.get(to)[one.negative]);
    for (const stream of ["V", "I"]) {
      points[stream].forEach(({ show: put }, n) => {
        const at = model.get(stream)[n];
        const roles = {
          [one.positive]: ", its farthest positive", [one.negative]: ", its nearest negative",
        };
        put(at, stream === own && n === row, (stream === to && roles[n]) || "");
        const [gx, gy] = found.gradient[stream][n];
        const size = Math.hypot(gx, gy);
        const arrow = arrows[stream][n];
        arrow.style.display = size < 1e-9 ? "none" : "";
        if (size < 1e-9) return;
        const start = 17 / SCALE / size; // from the rim of the mark
        join(arrow, [at[0] - start * gx, at[1] - start * gy],
          [at[0] - (start + FORCE) * gx, at[1] - (start + FORCE) * gy]);
      });
    }
  };
  return { plane, show };
}

// S in cells, one row an anchor: shaded of the same person, framed what max and min read.
function matrix(model) {
  const table = html("table", { class: "matrix" });
  let shown = "";
  let cells = [];
  let heads = [];
  const build = (own) => {
    const to = OTHER[own];
    const labels = model.get("labels");
    const [rows, columns] = [titles(labels[own]), titles(labels[to])];
    const top = html("tr", {}, html("td"), ...columns.map((name) =>
      html("th", { scope: "col", text: `${to} ${name}` })), html("th",
      { scope: "col", text: "[ ]₊" }));
    heads = rows.map((name, n) => html("th", { scope: "row" }, html("button", {
      type: "button", text: `${own} ${name}`, onclick: () => assign(model, { anchor: [own, n] }),
    })));
    cells = rows.map(() => [...columns.map(() => html("td")), html("td", { class: "value" })]);
    const caption = html("caption", {}, html("i", { text: "S" }),
      `: distances from ${own} (rows) to ${to} (columns)`);
    table.replaceChildren(caption, html("thead", {}, top), html("tbody", {},
      ...rows.map((_, n) => html("tr", {}, heads[n], ...cells[n]))));
    shown = own;
  };
  const show = (found) => {
    const [own, row] = model.get("anchor");
    if (shown !== own) build(own);
    const { S, same, hinges } = own === "V" ? found.there : found.back;
    hinges.forEach((one, i) => {
      S[i].forEach((value, j) => {
        const cell = cells[i][j];
        cell.textContent = value.toFixed(2);
        const kind = j === one.positive ? "max" : j === one.negative ? "min" : "";
        cell.className = `${same[i][j] ? "same" : "other"} ${kind}`;
        const read = kind ? `; the ${kind} of this row` : "";
        cell.title = (same[i][j] ? "V = 1, the same person" : "V = 0, two people") + read;
      });
      cells[i].at(-1).textContent = one.value.toFixed(2);
      cells[i][0].parentNode.classList.toggle("chosen", i === row);
    });
  };
  return { table, show };
}

// The three lengths as bars; what the first has too much is the hinge.
function ladder() {
  const line = (y, className) => svg("rect", { x: 0, y, height: 26, class: className });
  const parts = { farthest: line(22, "pull"), margin: line(22, "room"), nearest: line(80, "push"),
    cost: line(80, "cost") };
  const words = [14, 72].map((y) => svg("text", { x: 0, y }));
  const hatch = svg("pattern", { id: "bdlab-cost", width: 7, height: 7,
    patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 7, height: 7, class: "paper" }), svg("line", { y2: 7, class: "stroke" }));
  const box = svg("svg", { viewBox: "-1 0 402 110", class: "ladder", role: "img" },
    svg("defs", {}, hatch), ...Object.values(parts), ...words);
  const sum = html("p", { class: "sum" });
  const show = (one, margin, name, to) => {
    const reach = one.farthest + margin;
    const fit = 398 / Math.max(reach, one.nearest, 2);
    const put = (part, from, length) => {
      parts[part].setAttribute("x", from * fit);
      parts[part].setAttribute("width", Math.max(length * fit, 0));
    };
    put("farthest", 0, one.farthest);
    put("margin", one.farthest, margin);
    put("nearest", 0, one.nearest);
    put("cost", one.nearest, reach - one.nearest);
    words[0].textContent = `farthest positive ${one.farthest.toFixed(2)} + margin `
      + margin.toFixed(2);
    words[1].textContent = one.negative < 0 ? "eq. 5's zero 0.00"
      : `nearest negative ${one.nearest.toFixed(2)}`;
    const terms = `${margin.toFixed(2)} + ${one.farthest.toFixed(2)} − ${one.nearest.toFixed(2)}`;
    const pays = one.negative < 0 ? ": pulled in, nobody is pushed away" : ": the anchor pays";
    const value = html("b", { text: `[${terms}]₊ = ${one.value.toFixed(2)}` });
    sum.replaceChildren(`anchor ${name}: `, value,
      one.value > 0 ? pays : ": nothing to do");
    box.setAttribute("aria-label", `${sum.textContent}. ${to}`);
  };
  return { box, sum, show };
}

// "let go": steps of gradient descent, slow enough to watch, and the loss along them.
function descent(model, redraw) {
  const button = html("button", { type: "button", class: "strong", "data-do": "descend" });
  const track = svg("polyline", { class: "track" });
  const spark = svg("svg", { viewBox: "0 0 200 40", class: "spark", preserveAspectRatio: "none",
    "aria-hidden": "true" }, track);
  const words = html("span", { class: "words", role: "status", text: "the loss, step by step" });
  let frame = 0;
  let losses = [];
  const look = () => {
    const high = Math.max(...losses, 1e-9);
    track.setAttribute("points", losses.map((value, n) =>
      `${(200 * n) / model.get("steps")},${38 - (36 * value) / high}`).join(" "));
  };
  const stop = () => {
    clearTimeout(frame);
    frame = 0;
    button.textContent = `let go: ${model.get("steps")} steps downhill`;
  };
  const one = () => {
    const moved = step(streams(model), model.get("margin"), model.get("literal"),
      model.get("rate"));
    assign(model, { V: moved.V.points, I: moved.I.points });
    losses.push(both(streams(model), model.get("margin"), model.get("literal")).total);
  };
  const finish = () => {
    stop();
    look();
    const [first, last] = [losses[0], losses.at(-1)].map((value) => value.toFixed(3));
    words.textContent = `${losses.length - 1} steps: ${first} → ${last}`;
    button.dataset.done = losses.length - 1;
  };
  const go = () => {
    if (losses.length <= model.get("steps")) one();
    look();
    if (losses.length > model.get("steps")) finish();
    else frame = setTimeout(go, 35);
  };
  button.addEventListener("click", () => {
    if (frame) return finish();
    losses = [both(streams(model), model.get("margin"), model.get("literal")).total];
    words.textContent = "";
    button.textContent = "■ stop";
    if (quiet()) {
      while (losses.length <= model.get("steps")) one();
      finish();
    } else go();
    return redraw();
  });
  stop();
  return { button, spark, words, stop };
}

function controls(model, watch, fall) {
  const margin = slider({ name: "margin", label: "margin", min: 0, max: 1.5, step: 0.05,
    value: model.get("margin"), onmove: (value) => assign(model, { margin: value }) });
  margin.title.textContent = "margin";
  const literal = html("input", { type: "checkbox", onchange: () =>
    assign(model, { literal: literal.checked }) });
  const put = (points) => {
    fall.stop();
    assign(model, { V: copy(points.V), I: copy(points.I) });
  };
  const one = (points) => points.map(() => [0, 0]);
  const reset = html("button", { type: "button", text: "reset", "data-do": "reset", onclick: () =>
    put(model.get("start")) });
  const heap = html("button", {
    type: "button", text: "all on one point", "data-do": "heap", onclick: () =>
      put({ V: one(model.get("V")), I: one(model.get("I")) }),
  });
  watch.follow(["margin"], () => margin.show(model.get("margin")));
  watch.follow(["literal"], () => { literal.checked = model.get("literal"); });
  return html("div", { class: "bar" }, fall.button, reset, heap, margin.row,
    html("label", { class: "check" }, literal, " eq. 5 as printed"));
}

function render({ model, el }) {
  const watch = watcher(model);
  const root = html("div", { class: "bdlab-live hinge", ...ownKeys });
  const { plane, show: drawPlane } = planeOf(model);
  const { table, show: drawCells } = matrix(model);
  const bars = ladder();
  const totals = html("p", { class: "totals", role: "status" });
  const redraw = eachFrame(() => {
    const found = both(streams(model), model.get("margin"), model.get("literal"));
    const [own, row] = model.get("anchor");
    const name = `${own} ${titles(model.get("labels")[own])[row]}`;
    drawPlane(found);
    drawCells(found);
    bars.show((own === "V" ? found.there : found.back).hinges[row], model.get("margin"), name,
      "Lengths as bars.");
    totals.replaceChildren(term("V", "I"), ` ${found.there.loss.toFixed(3)}`,
      html("span", { text: " + " }), term("I", "V"),
      ` ${found.back.loss.toFixed(3)}`, html("span", { text: " = " }),
        html("b", {}, term("MDL"), ` ${found.total.toFixed(3)}`));
    Object.assign(root.dataset, { there: found.there.loss, back: found.back.loss,
      total: found.total });
  });
  const fall = descent(model, redraw);
  const right = html("div", { class: "cells" }, bars.sum, bars.box,
    html("div", { class: "scroll" }, table), key(), totals);
  root.append(controls(model, watch, fall), html("div", { class: "columns" },
    html("div", { class: "left" }, plane,
    html("div", { class: "bar" }, fall.spark, fall.words)), right));
  el.append(root);
  watch.follow(["V", "I", "margin", "literal", "anchor"], redraw);
  return () => {
    fall.stop();
    watch.stop();
  };
}

function term(from, to) {
  return html("i", {}, "L", html("sub", { text: to ? `${from}→${to}` : from }));
}

// What the marks of the cells mean.
function key() {
  return html("p", { class: "key" }, html("span", { class: "same", text: "same person (V = 1)" }),
    html("span", { class: "max", text: "max: farthest positive" }),
      html("span", { class: "min", text: "min: nearest negative" }));
}

export default { render };
