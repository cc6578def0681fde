// What stands behind the modality graph where no kernel runs: words and trainings made beforehand.
//
// graph.js draws and asks. A notebook answers from graph.py; a page answers from `graphs`, which
// holds for every set of edges what graph.py says and the trainings of toy.py it would run:
// { "V-I V-DI": { title, equation, terms, runs: [{ seed, steps, gap, rank1, V, I }] } }.

import { Model, html, letters, quiet, svg } from "../live.js";

// The key of a set of edges: in the order of `edges`, whatever way round they are named.
export function keyOf(pairs, edges) {
  const wanted = new Set(pairs.map((pair) => pair.split("-").sort().join("-")));
  const kept = edges.filter(({ ends }) => wanted.has([...ends].sort().join("-")));
  return kept.map(({ ends }) => ends.join("-")).join(" ");
}

// The model that graph.js takes.
export function recorded(data) {
  const model = new Model({
    pairs: data.pairs, edges: data.edges, colours: data.colours, graphs: data.known,
      steps: data.steps, seed: 0,
    progress: -1, results: [], equation: "", terms: 0, title: "",
  });
  const now = () => data.graphs[keyOf(model.get("pairs"), data.edges)];
  const say = () => {
    for (const name of ["title", "equation", "terms"]) model.set(name, now()[name]);
  };
  model.on("change:pairs", say);
  model.on("sent", (message) => {
    if (message.do === "clear") model.set("results", []);
    if (message.do === "train" && model.get("progress") < 0) play(model, now(), data);
  });
  say();
  return model;
}

// Shows a training again in its own frames, then its card; the next press takes the next seed.
function play(model, graph, data) {
  const pairs = model.get("pairs");
  const run = graph.runs[model.get("seed") % graph.runs.length];
  const end = () => {
    model.set("progress", -1);
    model.set("results", [...model.get("results"), card(run, graph, pairs, data)]);
    model.set("seed", (model.get("seed") + 1) % graph.runs.length);
  };
  if (quiet()) return end();
  let frame = 0;
  const next = () => {
    if (frame === run.steps.length) return end();
    model.set("progress", run.steps[frame] / data.steps);
    frame += 1;
    return setTimeout(next, 70);
  };
  return next();
}

function card(run, graph, pairs, data) {
  const head = graph.title.split(/[,:]/)[0];
  const name = graph.named ? head : pairs.join(" ") || head;
  const last = run.steps.length - 1;
  return {
    name, pairs, seed: run.seed, step: run.steps[last], terms: graph.terms, gap: run.gap[last],
    rank1: run.rank1[last], svg: thumbnail(run, data).outerHTML,
  };
}

// New people in V and I after the training, each person's two means joined.
function thumbnail(run, { colours, shots }, side = 150) {
  const at = ([x, y]) => [(side * (1 + x / 100)) / 2, (side * (1 - y / 100)) / 2];
  const marks = ["V", "I"].map((name) => run[name].map((spot) =>
    mark(name, at(spot), colours[name])));
  const mean = (name, person) => {
    const own = run[name].slice(person * shots, (person + 1) * shots).map(at);
    return [0, 1].map((k) => own.reduce((sum, spot) => sum + spot[k], 0) / shots);
  };
  const lines = [];
  for (let person = 0; person < run.V.length / shots; person += 1) {
    const [[x1, y1], [x2, y2]] = [mean("V", person), mean("I", person)];
    lines.push(svg("line", { x1, y1, x2, y2, stroke: "currentColor", "stroke-width": 1.5 }));
  }
  const view = { viewBox: `0 0 ${side} ${side}`, width: side, height: side, "aria-hidden": "true" };
  return svg("svg", view, ...marks.flat(), ...lines);
}

function mark(name, [x, y], fill) {
  if (name === "V") return svg("circle", { cx: x, cy: y, r: 4.5, fill });
  return svg("polygon", { points: `${x},${y - 6} ${x + 5.5},${y + 4} ${x - 5.5},${y + 4}`, fill });
}

// "V-DI" with its index set low.
function named(pair) {
  const [a, b] = pair.split("-").map(letters);
  return [a, "–", b];
}

// The rows of Table IV that were trained at full length of this page: the shown graph's is marked.
export function rows(model, data) {
  const table = html("table", { class: "rows" });
  const head = ["row", "edges", "Rank-1", "mAP"].map((text) => html("th", { scope: "col", text }));
  const lines = data.rows.map((row) => {
    const share = html("span", { class: "bar-of", style: `--share:${100 * row.rank1}%` });
    const edges = row.pairs.map((pair) => html("span", { class: "pair" }, ...named(pair)));
    return html("tr", { "data-row": row.name }, html("th",
      { scope: "row", text: row.name, title: row.title }), html("td", {},
      ...(edges.length ? edges : [row.title])),
      html("td", {}, html("span", { class: "number", text: `${(100 * row.rank1).toFixed(1)} %` }),
        share),
      html("td", {}, html("span", { class: "number", text: `${(100 * row.mAP).toFixed(1)} %` })));
  });
  table.append(html("caption", { text: data.told }), html("thead", {}, html("tr", {}, ...head)),
    html("tbody", {}, ...lines));
  const show = () => {
    const key = keyOf(model.get("pairs"), data.edges);
    data.rows.forEach((row, n) => lines[n].classList.toggle("chosen", row.alone !== true
      && keyOf(row.pairs, data.edges) === key));
  };
  model.on("change:pairs", show);
  show();
  return table;
}
