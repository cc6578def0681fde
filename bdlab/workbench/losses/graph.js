// The modality graph. It draws and listens; every word and number comes from graph.py.
const PLACES = { V: [95, 70], I: [305, 70], DV: [95, 250], DI: [305, 250] };
const NAMES = { V: "V", I: "I", DV: "D_V", DI: "D_I" };
const LABELS = { V: ["V", ""], I: ["I", ""], DV: ["D", "V"], DI: ["D", "I"] };
const RADIUS = 30;

const svg = (name, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const html = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });

// From rim to rim of two nodes, a little apart from both.
function span([ax, ay], [bx, by]) {
  const length = Math.hypot(bx - ax, by - ay), cut = (RADIUS + 9) / length;
  return { x1: ax + (bx - ax) * cut, y1: ay + (by - ay) * cut, x2: bx - (bx - ax) * cut, y2: by - (by - ay) * cut };
}

// A line with a body: what is clicked, and what glows when it has the keyboard.
function band({ x1, y1, x2, y2 }, width, className) {
  const turn = (180 / Math.PI) * Math.atan2(y2 - y1, x2 - x1), size = { x: 0, y: -width / 2, width: Math.hypot(x2 - x1, y2 - y1), height: width };
  return svg("rect", { ...size, rx: width / 2, class: className, transform: `translate(${x1} ${y1}) rotate(${turn})` });
}

function drawNode(name, colour) {
  const [x, y] = PLACES[name], [letter, below] = LABELS[name];
  const shape = name.length === 1
    ? svg("circle", { cx: x, cy: y, r: RADIUS, fill: colour })
    : svg("rect", { x: x - 27, y: y - 27, width: 54, height: 54, rx: 4, fill: colour });
  const label = svg("text", { x, y: y + 8, class: "letter" }, letter);
  if (below) label.append(svg("tspan", { dy: 6, "font-size": 15 }, below));
  return svg("g", { "aria-hidden": "true" }, shape, label);
}

// Who is made from whom: a dotted arrow bent outwards, so that the edge between the two stays free.
function drawOrigin(from, to, side, words) {
  const [x, top] = PLACES[from], bottom = PLACES[to][1], out = x + side * 72;
  const path = `M ${x + side * 26} ${top + 22} Q ${out} ${(top + bottom) / 2} ${x + side * 31} ${bottom - 22}`;
  const text = svg("text", { x: x + side * 56, y: (top + bottom) / 2 + 4, class: "origin-words", "text-anchor": side < 0 ? "end" : "start" }, words);
  return svg("g", { "aria-hidden": "true" }, svg("path", { d: path, class: "origin", "marker-end": "url(#bdlab-made)" }), text);
}

function marker(id, className) {
  const tip = svg("path", { d: "M 0 0 L 10 5 L 0 10 z", class: className });
  const size = { viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 5, markerHeight: 5, orient: "auto-start-reverse" };
  return svg("marker", { id, ...size }, tip);
}

function drawEdge(model, { ends, about, entries }, hint) {
  const [a, b] = ends, line = span(PLACES[a], PLACES[b]);
  const edge = svg("g", { role: "button", tabindex: 0, class: "edge", "data-edge": `${a}-${b}` });
  const numbers = entries ? `. In the table: ${entries}` : "";
  edge.setAttribute("aria-label", `edge ${NAMES[a]} to ${NAMES[b]}: ${about}${numbers}`);
  edge.append(band(line, 26, "reach"), band(line, 17, "focus"), svg("line", { ...line, class: "seen" }));
  const has = () => model.get("pairs").find((p) => p === `${a}-${b}` || p === `${b}-${a}`);
  const toggle = () => {
    const there = has(), pairs = model.get("pairs");
    model.set("pairs", there ? pairs.filter((p) => p !== there) : [...pairs, `${a}-${b}`]);
    model.save_changes();
  };
  edge.addEventListener("click", toggle);
  edge.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    toggle();
  });
  const tell = () => { hint.textContent = `${NAMES[a]} – ${NAMES[b]}: ${about}${numbers}`; };
  for (const kind of ["focus", "mouseenter"]) edge.addEventListener(kind, tell);
  return { edge, follow: () => edge.setAttribute("aria-pressed", String(Boolean(has()))) };
}

function drawCard(entry, least) {
  const card = html("figure", "card"), words = html("figcaption", "");
  card.innerHTML = entry.svg;
  const best = entry.gap === least ? " smallest" : "";
  words.append(html("b", "", entry.name), html("span", "", `seed ${entry.seed} · ${entry.step} steps · ${entry.terms} terms`));
  const bar = html("span", "bar");
  bar.style.setProperty("--share", `${100 * Math.min(entry.gap, 1)}%`);
  words.append(html("span", best, `V–I gap ${entry.gap.toFixed(2)}${best && " (smallest)"}`), bar);
  words.append(html("span", "", `Rank-1 ${Math.round(100 * entry.rank1)} %`));
  card.append(words);
  return card;
}

function drawPanel(model, follow) {
  const panel = html("div", "panel"), title = html("div", "title"), equation = html("div", "equation"), count = html("div", "count");
  panel.setAttribute("aria-live", "polite");
  const known = html("div", "known"), buttons = Object.entries(model.get("graphs")).map(([name, pairs]) => {
    const button = html("button", "", name.replace(/ \(.*/, ""));
    button.addEventListener("click", () => { model.set("pairs", pairs); model.save_changes(); });
    return button;
  });
  known.append(...buttons);
  panel.append(title, equation, count);
  follow(["title", "equation", "terms"], () => {
    title.textContent = model.get("title");
    equation.innerHTML = model.get("equation");
    const terms = model.get("terms");
    count.textContent = `${terms / 2} edge${terms === 2 ? "" : "s"}, ${terms} directed triplet losses`;
  });
  return [panel, known];
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// One row a graph, one panel a measure: seeds as dots, their mean as a bar, single runs as rings.
const PANELS = [["gap", "V–I gap, smaller is better", (v) => v.toFixed(2)],
  ["rank1", "Rank-1, larger is better", (v) => `${Math.round(100 * v)} %`]];
const ROW = 34, WIDE = 330, LEFT = 230, APART = 40;

function rowsOf(results, fives) {
  const rows = new Map();
  for (const [kind, list] of [["fives", fives], ["singles", results]]) {
    for (const one of list) {
      const key = one.pairs.join(" ");
      if (!rows.has(key)) rows.set(key, { name: one.name, fives: [], singles: [] });
      rows.get(key)[kind].push(one);
    }
  }
  return [...rows.values()];
}

function drawDots(results, fives) {
  const rows = rowsOf(results, fives), bottom = 30 + ROW * rows.length;
  const size = { width: LEFT + 2 * WIDE + APART + 20, height: bottom + 24 };
  const picture = svg("svg", { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", class: "dots" });
  const said = [];
  rows.forEach(({ name }, r) => picture.append(svg("text", { x: LEFT - 14, y: 30 + ROW * (r + 0.5) + 5, class: "row" }, name)));
  PANELS.forEach(([measure, title, words], p) => {
    const left = LEFT + p * (WIDE + APART);
    const all = rows.flatMap((row) => [...row.fives.flatMap((one) => one[measure]), ...row.singles.map((one) => one[measure])]);
    const most = Math.max(1, ...all), x = (value) => left + (WIDE * value) / most;
    picture.append(svg("text", { x: left, y: 16 }, title));
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      picture.append(svg("line", { x1: x(tick), x2: x(tick), y1: 26, y2: bottom, class: "grid" }), svg("text", { x: x(tick), y: bottom + 17, class: "tick" }, words(tick)));
    }
    rows.forEach((row, r) => {
      const y = 30 + ROW * (r + 0.5);
      const dot = (value, seed, className, shift) => svg("circle", { cx: x(value).toFixed(1), cy: y + shift, r: className === "single" ? 8 : 5, class: className }, svg("title", {}, `${row.name}, seed ${seed}: ${words(value)}`));
      row.singles.forEach((one) => picture.append(dot(one[measure], one.seed, "single", 0)));
      row.fives.forEach((one) => {
        const middle = mean(one[measure]);
        picture.append(svg("line", { x1: x(middle), x2: x(middle), y1: y - 13, y2: y + 13, class: "mean" }, svg("title", {}, `mean ${words(middle)}`)));
        one[measure].forEach((value, n) => picture.append(dot(value, one.first + n, "seed", (n % 2 ? 1 : -1) * 4)));
        said.push(`${row.name}: ${title.split(",")[0]} ${one[measure].map(words).join(", ")}, mean ${words(middle)}`);
      });
    });
  });
  picture.setAttribute("aria-label", `${said.join(". ")}.`);
  const figure = html("figure", "seeds");
  figure.append(picture, html("figcaption", "", "A dot is a seed, the bar the mean of its seeds, a ring a single training."));
  return figure;
}

function drawTraining(model, follow) {
  const row = html("div", "training"), train = html("button", "train"), bar = html("progress", ""), clear = html("button", "", "clear"), five = html("button", "five");
  const label = html("label", "", "seed "), seed = Object.assign(html("input", ""), { type: "number", min: 0, value: model.get("seed") });
  label.append(seed);
  bar.setAttribute("aria-label", "training");
  train.addEventListener("click", () => model.send({ do: "train" }));
  five.addEventListener("click", () => model.send({ do: "train seeds" }));
  train.title = "Trains the small network of this notebook under the graph for some seconds, and adds a card below";
  five.title = "The same for several seeds, one after the other, as dots below: how much of a difference is luck?";
  clear.title = "Takes cards and dots away";
  clear.addEventListener("click", () => model.send({ do: "clear" }));
  label.title = "Which world, start and order of batches; several seeds begin with this one";
  seed.addEventListener("change", () => {
    const number = Math.max(0, Math.trunc(Number(seed.value)) || 0);
    seed.value = number;
    model.set("seed", number);
    model.save_changes();
  });
  follow(["progress", "steps", "running"], () => {
    const done = model.get("progress"), many = model.get("many"), now = model.get("running") ?? -1;
    const share = now < 0 ? done : done * many - now;
    train.textContent = done < 0 ? "train this graph" : `${Math.round(share * model.get("steps"))} of ${model.get("steps")} steps`;
    five.textContent = now < 0 ? `${many} seeds` : `seed ${now + 1} of ${many}`;
    train.disabled = five.disabled = done >= 0;
    bar.style.visibility = done < 0 ? "hidden" : "visible";
    bar.value = Math.max(done, 0);
  });
  row.append(train, label, bar, clear);
  if (model.get("many")) train.after(five); // where the trainings were made beforehand there is one
  return row;
}

function render({ model, el }) {
  const watched = [];
  const follow = (names, action) => {
    for (const name of names) { model.on(`change:${name}`, action); watched.push([name, action]); }
    action();
  };
  const page = html("div", "bdlab-graph"), top = html("div", "top"), right = html("div", "right"), hint = html("div", "hint");
  const picture = svg("svg", { viewBox: "-30 20 460 280", class: "picture", role: "group", "aria-label": "the four modalities and six possible edges" });
  picture.append(svg("defs", {}, marker("bdlab-tip", "tip"), marker("bdlab-made", "made")));
  picture.append(drawOrigin("V", "DV", -1, "E_V, G_S"), drawOrigin("I", "DI", 1, "G_S"));
  for (const one of model.get("edges")) {
    const { edge, follow: pressed } = drawEdge(model, one, hint);
    picture.append(edge);
    follow(["pairs"], pressed);
  }
  for (const [name, colour] of Object.entries(model.get("colours"))) picture.append(drawNode(name, colour));
  hint.textContent = "Click an edge, or Tab to it and press Enter or Space.";
  right.append(...drawPanel(model, follow), drawTraining(model, follow));
  const left = html("div", "left"), strip = html("div", "strip"), many = html("div", "many");
  left.append(picture, hint);
  top.append(left, right);
  page.append(top, many, strip);
  follow(["results", "fives"], () => {
    const results = model.get("results"), least = Math.min(...results.map((r) => r.gap));
    const fives = model.get("fives") || [];
    many.replaceChildren(...(fives.length ? [drawDots(results, fives)] : []));
    strip.replaceChildren(...results.map((r) => drawCard(r, results.length > 1 ? least : null)));
  });
  el.append(page);
  return () => watched.forEach(([name, action]) => model.off(`change:${name}`, action));
}

export default { render };
