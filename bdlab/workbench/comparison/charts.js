// The board's charts as SVG: curves over epochs, a scatter, one verdict. They draw what they are
// given; a row has one colour, mark and line style everywhere.

import { html, svg } from "../live.js";

const DASHES = ["", "6 3", "6 3 2 3", "2 3", "6 2 2 2 2 2", "2 2"]; // as on paper, in that order
const R = 4.6; // of a mark
const SHAPES = {
  o: `M${-R} 0a${R} ${R} 0 1 0 ${2 * R} 0a${R} ${R} 0 1 0 ${-2 * R} 0z`,
  "^": "M0 -5.6L5.2 4.2H-5.2Z",
  s: "M-4.3 -4.3H4.3V4.3H-4.3Z",
  D: "M0 -5.8L5.8 0L0 5.8L-5.8 0Z",
  v: "M0 5.6L5.2 -4.2H-5.2Z",
  P: "M-2 -5.4H2V-2H5.4V2H2V5.4H-2V2H-5.4V-2H-2Z",
};
const MARKS_OF_WORDS = { better: "^", worse: "v", "not shown": "o" };

// A mark of a row, as in the legend and in both charts.
export function mark(look, attributes = {}) {
  return svg("path", { d: SHAPES[look.mark], fill: look.colour, ...attributes });
}

// A mark and a piece of its line, for a table's cell.
export function key(look) {
  const line = svg("line", { x1: 1, x2: 25, y1: 7, y2: 7, stroke: look.colour, "stroke-width": 2,
    "stroke-dasharray": DASHES[look.line] });
  return svg("svg", { width: 26, height: 14, class: "key", "aria-hidden": "true" }, line,
    mark(look, { transform: "translate(13 7) scale(0.85)" }));
}

// Round numbers that lie within a range, about five of them.
export function ticks(low, high) {
  const rough = (high - low || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough);
  const made = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n += 1) {
    made.push(Number((n * step).toPrecision(10)));
  }
  return made;
}

// From a quantity to pixels; words stand at 0, 1, 2, ...
function scale(values, words, from, to, room = 0.06) {
  const known = values.filter((value) => value !== null);
  let low = words.length ? -0.5 : Math.min(...known);
  let high = words.length ? words.length - 0.5 : Math.max(...known);
  if (!known.length && !words.length) [low, high] = [0, 1];
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 10, high + (Math.abs(high) || 1) / 10];
  const more = words.length ? 0 : room * (high - low);
  [low, high] = [low - more, high + more];
  const marks = words.length ? words.map((word, n) => [n, word])
    : ticks(low, high).map((n) => [n, String(n)]);
  return { at: (value) => from + ((value - low) / (high - low)) * (to - from), marks };
}

// The frame of a chart: axes with their numbers and names.
function frame(box, { x, y, xname, yname, wide, tall, left, bottom, slant = false }) {
  const root = svg("svg", { viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, role: "img" });
  for (const [value, word] of x.marks) {
    const at = x.at(value);
    root.append(svg("line", { x1: at, x2: at, y1: 6, y2: tall - bottom, class: "grid" }));
    const text = svg("text", slant ? { x: at, y: tall - bottom + 10, "text-anchor": "end",
      transform: `rotate(-28 ${at} ${tall - bottom + 10})` }
      : { x: at, y: tall - bottom + 14, "text-anchor": "middle" });
    text.textContent = word;
    root.append(text);
  }
  for (const [value, word] of y.marks) {
    const at = y.at(value);
    root.append(svg("line", { x1: left, x2: wide - 8, y1: at, y2: at, class: "grid" }));
    const text = svg("text", { x: left - 5, y: at + 4, "text-anchor": "end" });
    text.textContent = word;
    root.append(text);
  }
  const across = svg("text", { x: (left + wide) / 2, y: tall - 3, "text-anchor": "middle" });
  across.textContent = xname;
  const up = svg("text", { x: 11, y: (tall - bottom) / 2, "text-anchor": "middle",
    transform: `rotate(-90 11 ${(tall - bottom) / 2})` });
  up.textContent = yname;
  root.append(across, up);
  box.replaceChildren(root);
  return root;
}

// How far the words of an axis reach, about.
const width = (words) => Math.min(130, 6.2 * Math.max(...words.map((word) => word.length), 0));

// A loss term of the chosen cells. `lines`: {points, look, words, cell}.
export function drawCurves(box, lines, { term, wide, tall, hover }) {
  const points = lines.flatMap((line) => line.points);
  if (!points.length) {
    const why = lines.length ? `No chosen cell has ${term} in its history.`
      : "Choose cells in the table or in the scatter: their curves stand here.";
    box.replaceChildren(html("p", { class: "hint", text: why }));
    return;
  }
  const left = 48;
  const bottom = 32;
  const x = scale(points.map(([epoch]) => epoch), [], left + 8, wide - 14, 0);
  x.marks = x.marks.filter(([value]) => Number.isInteger(value));
  const y = scale([0, ...points.map(([, value]) => value)], [], tall - bottom, 12, 0);
  const root = frame(box, { x, y, xname: "epoch", yname: term, wide, tall, left, bottom });
  root.setAttribute("aria-label", `${term} over the epochs of ${lines.length} chosen cells`);
  for (const line of lines) {
    const path = line.points.map(([epoch, value]) => `${x.at(epoch)},${y.at(value)}`).join(" ");
    const one = svg("polyline", { points: path, class: "curve", stroke: line.look.colour,
      "stroke-dasharray": DASHES[line.look.line], "data-cell": line.cell });
    one.append(titled(line.words));
    one.addEventListener("pointerenter", () => hover(line.words));
    root.append(one);
    if (!line.points.length) continue;
    const [epoch, value] = line.points[line.points.length - 1];
    root.append(mark(line.look, { transform: `translate(${x.at(epoch)} ${y.at(value)}) scale(0.8)` }));
  }
}

function titled(words) {
  const title = svg("title");
  title.textContent = words;
  return title;
}

// All cells that are shown, chosen ones ringed. `points`: {x, y, look, words, cell, chosen}.
export function drawScatter(box, points, { xaxis, yaxis, wide, tall, hover, choose }) {
  const left = Math.max(48, 22 + width(yaxis.words));
  const slant = xaxis.words.length * width(xaxis.words) > wide - left;
  const bottom = slant ? 34 + 0.47 * width(xaxis.words) : 32;
  const x = scale(xaxis.places, xaxis.words, left + 8, wide - 14);
  const y = scale(yaxis.places, yaxis.words, tall - bottom - 4, 12);
  const root = frame(box, { x, y, xname: xaxis.name, yname: yaxis.name, wide, tall, left, bottom,
    slant });
  const seen = points.filter((point) => point.x !== null && point.y !== null);
  root.setAttribute("aria-label",
    `${yaxis.name} over ${xaxis.name}, ${seen.length} of ${points.length} shown cells`);
  for (const point of seen) {
    const at = `translate(${x.at(point.x).toFixed(1)} ${y.at(point.y).toFixed(1)})`;
    const group = svg("g", { transform: at, class: "point", "data-cell": point.cell },
      titled(point.words));
    if (point.chosen) group.append(svg("circle", { r: 8.5, class: "ring" }));
    group.append(mark(point.look, { class: "dot" }));
    group.addEventListener("click", () => choose(point.cell));
    group.addEventListener("pointerenter", () => hover(point.words));
    root.append(group);
  }
}

// One contrast: pairs as dots, the mean with its interval, grey what could not have been seen.
export function drawVerdict(box, verdict, wide) {
  if (verdict.difference === undefined || verdict.difference === null) return box.replaceChildren();
  const tall = 64;
  const far = verdict.detectable || 0;
  const values = [0, ...verdict.pairs, ...verdict.interval, far, -far];
  const x = scale(values, [], 10, wide - 10);
  const root = svg("svg", { viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, role: "img",
    "aria-label": verdict.words });
  const span = (low, high) => ({ x: x.at(low), width: Math.max(0, x.at(high) - x.at(low)) });
  if (far) root.append(svg("rect", { ...span(-far, far), y: 6, height: 36, class: "unseen" }));
  for (const [value, word] of x.marks) {
    const text = svg("text", { x: x.at(value), y: tall - 6, "text-anchor": "middle" });
    text.textContent = word;
    root.append(svg("line", { x1: x.at(value), x2: x.at(value), y1: 42, y2: 46, class: "axis" }), text);
  }
  root.append(svg("line", { x1: x.at(0), x2: x.at(0), y1: 4, y2: 44, class: "zero" }));
  root.append(svg("line", { x1: 8, x2: wide - 8, y1: 44, y2: 44, class: "axis" }));
  const [low, high] = verdict.interval;
  if (low !== undefined) {
    root.append(svg("line", { x1: x.at(low), x2: x.at(high), y1: 20, y2: 20, class: "interval" }));
  }
  for (const value of verdict.pairs) {
    root.append(svg("circle", { cx: x.at(value), cy: 34, r: 3, class: "pair" }));
  }
  const sign = MARKS_OF_WORDS[verdict.word] || "D";
  root.append(svg("path", { d: SHAPES[sign], class: "mean",
    transform: `translate(${x.at(verdict.difference)} 20) scale(1.25)` }));
  box.replaceChildren(root);
  return root;
}
