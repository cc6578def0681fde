// The board of runs: one selection over a table, curves, a scatter and a verdict.
//
// Every number comes from Python: about (cells, rows, parameters, quantities, terms), shown, curves,
// scatter, verdict, progress (cells that are not finished; live: looked at again and again). selection {cells, pair} and view {filter, sort, down, term, x, y} are set here
// and there.

import { assign, html, ownKeys, watcher, write } from "../live.js";
import { drawCurves, drawScatter, drawVerdict, key } from "./charts.js";
import { doing } from "./doing.js";

const HELP = "Table: Space chooses a cell, arrow keys go up and down, a column's head sorts. "
  + "Points of the scatter are cells too: click to choose.";
const SCORES = ["R1", "mAP", "mINP"];

const said = (value) => (value === null || value === "" ? "none" : String(value));

// A tooltip for the mouse, the same words in the help line for whoever has the focus there.
function explain(element, words) {
  element.title = words;
  element.dataset.help = words;
  return element;
}

function button(text, words, action, className = "") {
  return explain(html("button", { type: "button", text, class: className, onclick: action }), words);
}

function chooser(label, words, change) {
  const select = explain(html("select", { "aria-label": label }), words);
  select.addEventListener("change", () => change(select.value));
  const fill = (options, value) => {
    select.replaceChildren(...options.map(([v, text]) => html("option", { value: v, text })));
    select.value = value;
  };
  return { box: html("label", { class: "choice" }, label, select), select, fill };
}

// -- the filter ----------------------------------------------------------------------------------

function filtering(model, look) {
  const values = () => model.get("about").parameters;
  const put = (name, kept) => {
    const { [name]: gone, ...filter } = model.get("view").filter;
    look({ filter: kept.length ? { ...filter, [name]: kept } : filter });
  };
  const by = chooser("filter by", "A parameter that differs between the cells", () => offer());
  const value = chooser("value", "Keep the cells with this value; a second one adds to it", (n) => {
    const name = by.select.value;
    const chosen = values()[name][Number(n)];
    const kept = model.get("view").filter[name] || [];
    if (n !== "" && !kept.includes(chosen)) put(name, [...kept, chosen]);
    value.select.value = "";
  });
  const chips = html("span", { class: "chips" });
  const offer = () => {
    const options = (values()[by.select.value] || []).map((v, n) => [n, said(v)]);
    value.fill([["", "choose"], ...options], "");
  };
  const show = () => {
    const before = by.select.value;
    const names = Object.keys(values());
    by.fill(names.map((name) => [name, name]), names.includes(before) ? before : names[0]);
    offer();
    const made = [];
    for (const [name, kept] of Object.entries(model.get("view").filter)) {
      for (const one of kept) {
        made.push(button(`${name} ${said(one)} ×`, `No longer only ${name} ${said(one)}`,
          () => put(name, kept.filter((other) => other !== one)), "chip"));
      }
    }
    chips.replaceChildren(...made);
  };
  return { boxes: [by.box, value.box, chips], show };
}

// -- the table -----------------------------------------------------------------------------------

// Columns that tell cells apart; what all cells share is said once above.
function columnsOf({ columns, parameters }) {
  return columns.filter(([name]) => name === "row" || name === "word" || SCORES.includes(name)
    || name in parameters);
}

function heads(model, look) {
  const { sort, down } = model.get("view");
  const cells = columnsOf(model.get("about")).map(([name, title, words]) => {
    const sign = name === sort ? (down ? " ▼" : " ▲") : "";
    const turn = () => look({ sort: name, down: name === sort ? !down : SCORES.includes(name) });
    const order = name === sort ? (down ? "descending" : "ascending") : "none";
    return html("th", { scope: "col", "aria-sort": order },
      button(`${title}${sign}`, `${words}. Click: sort by it.`, turn, "head"));
  });
  return html("tr", {}, html("th", { scope: "col" }, explain(html("span", { text: "✓" }),
    "Chosen cells: their curves are drawn, the desk can open two")), ...cells);
}

const digits = (value) => (typeof value === "number" && !Number.isInteger(value)
  ? value.toFixed(1) : said(value));

function line(about, cell, chosen, toggle) {
  const box = html("input", { type: "checkbox", "aria-label": `choose ${wordsOf(cell)}` });
  box.checked = chosen;
  box.dataset.help = [wordsOf(cell), ...cell.warnings].join(". ");
  box.addEventListener("change", () => toggle(cell.name));
  const cells = columnsOf(about).map(([name]) => {
    if (name === "row") return html("td", { class: "row" }, key(about.rows[cell.row]), cell.row);
    const score = SCORES.includes(name);
    const text = score ? cell[name].toFixed(1) : digits(cell[name]);
    return html("td", { class: `${score ? "number " : ""}${name}`, text });
  });
  const row = html("tr", { "data-cell": cell.name, class: chosen ? "chosen" : "",
    title: box.dataset.help, "data-help": box.dataset.help }, html("td", {}, box), ...cells);
  row.querySelector(".word").classList.toggle("dead", about.dead.includes(cell.word));
  row.addEventListener("click", (event) => { if (event.target !== box) toggle(cell.name); });
  return row;
}

function wordsOf(cell) {
  return `${cell.row}, ${cell.data}, split ${cell.split}, seed ${cell.seed}: Rank-1 `
    + `${cell.R1.toFixed(1)} % (${cell.setting}), triplets ${cell.word}`;
}

// Up and down between the boxes of the table.
function walk(event, body) {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!by) return;
  const boxes = [...body.querySelectorAll("input")];
  const next = boxes[boxes.indexOf(event.target) + by];
  if (next) next.focus();
  event.preventDefault();
  event.stopPropagation();
}

function shared({ columns, parameters, cells }) {
  const same = columns.filter(([name]) => !(name in parameters) && ["data", "preset", "split", "seed"]
    .includes(name));
  return same.map(([name]) => `${name} ${said(cells[0][name])}`).join(", ");
}

// -- the whole -----------------------------------------------------------------------------------

function render({ model, el }) {
  const watch = watcher(model);
  const about = () => model.get("about");
  const look = (part) => assign(model, { view: { ...model.get("view"), ...part } });
  const select = (part) => assign(model, { selection: { ...model.get("selection"), ...part } });
  const toggle = (name) => {
    const { cells } = model.get("selection");
    select({ cells: cells.includes(name) ? cells.filter((one) => one !== name) : [...cells, name] });
  };
  const root = html("div", { class: "bdlab-runs", ...ownKeys });
  const help = html("div", { class: "help", role: "status", text: HELP });
  const say = (words) => write(help, words || HELP);
  const note = html("p", { class: "note", role: "note" });
  const title = html("b");
  const count = html("output", { class: "count" });
  const filter = filtering(model, look);
  const now = doing(model, button);
  const common = html("span", { class: "faint" });
  const busy = html("span", { class: "busy", role: "status" });

  const head = html("thead");
  const body = html("tbody");
  body.addEventListener("keydown", (event) => walk(event, body));
  const table = html("div", { class: "scroll", tabindex: -1 }, html("table", {}, head, body));
  const every = button("all shown", "Choose every cell that the filter leaves", () =>
    select({ cells: model.get("shown").map((n) => about().cells[n].name) }));
  const none = button("none", "Choose no cell", () => select({ cells: [] }));
  const desk = button("open in the desk", "Lay the one or two chosen cells on the desk, below; in "
    + "Python board.desk()", () => model.send({ do: "desk" }), "desk");
  const chosen = html("output", { class: "chosen-count" });
  const left = html("section", { class: "left" }, table,
    html("div", { class: "bar" }, chosen, every, none, desk));

  const term = chooser("curves of", "A loss term, unweighted, mean of an epoch",
    (value) => look({ term: value }));
  const curves = html("div", { class: "chart curves" });
  const up = chooser("scatter", "What goes up: a score or a parameter", (value) => look({ y: value }));
  const across = chooser("over", "What goes to the right: a score or a parameter",
    (value) => look({ x: value }));
  const scatter = html("div", { class: "chart points" });
  const right = html("section", { class: "right" }, html("div", { class: "bar" }, term.box), curves,
    html("div", { class: "bar" }, up.box, across.box), scatter);

  const pairing = (side) => (value) => {
    const pair = [...model.get("selection").pair];
    pair[side] = value;
    select({ pair });
  };
  const row = chooser("verdict on", "The row that is judged", pairing(0));
  const against = chooser("against", "The row it is held against", pairing(1));
  const swap = button("⇄", "Swap the two rows", () =>
    select({ pair: [...model.get("selection").pair].reverse() }));
  const verdict = html("p", { class: "verdict", role: "status" });
  const strip = html("div", { class: "chart strip" });
  const differs = html("p", { class: "faint" });
  const bar = html("div", { class: "bar" }, row.box, swap, against.box);
  const judged = html("section", { class: "judged" }, html("div", {}, bar, verdict, differs), strip);

  const message = html("span", { class: "message", role: "status" });
  const foot = html("div", { class: "foot" }, help, now.follow,
    button("read again", "Read the folder anew, for a sweep that still runs",
      () => model.send({ do: "read" })),
    button("save", "What is seen, as a PNG", () => model.send({ do: "save" })), message);
  for (const kind of ["focusin", "pointerover"]) {
    root.addEventListener(kind, (event) => {
      const told = event.target.closest("[data-help]");
      if (told) say(told.dataset.help);
    });
  }

  const cellNamed = (name) => about().cells.find((cell) => cell.name === name);
  const wideOf = (box) => Math.max(260, Math.floor(box.clientWidth || 420));

  function listing() {
    const active = root.contains(document.activeElement) && document.activeElement.closest("tr");
    const focused = active && active.dataset.cell;
    const names = model.get("selection").cells;
    head.replaceChildren(heads(model, look));
    body.replaceChildren(...model.get("shown").map((n) => {
      const cell = about().cells[n];
      return line(about(), cell, names.includes(cell.name), toggle);
    }));
    write(count, `${model.get("shown").length} of ${about().cells.length} cells`);
    write(chosen, `${names.length} chosen`);
    desk.disabled = names.length < 1 || names.length > 2;
    if (!focused) return;
    const again = body.querySelector(`tr[data-cell="${CSS.escape(focused)}"] input`);
    if (again) again.focus({ preventScroll: true });
  }

  function drawing() {
    const { rows } = about();
    const names = model.get("selection").cells;
    const lines = model.get("curves").filter(({ cell }) => cellNamed(cell)).map(({ cell, points }) => {
      const one = cellNamed(cell);
      return { points, look: rows[one.row], words: wordsOf(one), cell };
    });
    drawCurves(curves, lines, { term: model.get("view").term, wide: wideOf(curves), tall: 186,
      hover: say });
    const { cells, x, y } = model.get("scatter");
    const points = cells.filter((n) => about().cells[n]).map((n, place) => {
      const one = about().cells[n];
      return { x: x.places[place], y: y.places[place], look: rows[one.row], words: wordsOf(one),
        cell: one.name, chosen: names.includes(one.name) };
    });
    drawScatter(scatter, points, { xaxis: x, yaxis: y, wide: wideOf(scatter), tall: 214, hover: say,
      choose: toggle });
    drawVerdict(strip, model.get("verdict"), wideOf(strip));
  }

  function judging() {
    const { words, differs: different, notes } = model.get("verdict");
    write(verdict, words);
    const apart = different.length ? [`They differ in: ${different.join("; ")}.`] : [];
    write(differs, [...apart, ...notes].join(" "));
    drawVerdict(strip, model.get("verdict"), wideOf(strip));
  }

  function fill() {
    const { rows, terms, quantities, shipped, folder } = about();
    const { view, selection } = { view: model.get("view"), selection: model.get("selection") };
    write(title, shipped ? "reference runs" : folder);
    write(common, shared(about()));
    write(note, about().note);
    note.hidden = !about().note;
    filter.show();
    const options = (names) => names.map((name) => [name, name]);
    term.fill(options(terms), view.term);
    up.fill(options(quantities), view.y);
    across.fill(options(quantities), view.x);
    row.fill(options(Object.keys(rows)), selection.pair[0]);
    against.fill(options(Object.keys(rows)), selection.pair[1]);
    bar.hidden = selection.pair.length < 2;
  }

  root.append(html("div", { class: "top" }, title, common, ...filter.boxes, count, busy), note,
    now.box,
    html("div", { class: "main" }, left, right), judged, foot);
  el.append(root);
  root.board = { get selection() { return model.get("selection"); },
    get view() { return model.get("view"); }, get shown() { return model.get("shown"); }, select,
    look };
  watch.follow(["about", "view", "selection"], fill);
  watch.follow(["progress", "live"], now.show);
  watch.follow(["about", "shown", "selection", "view"], listing);
  watch.follow(["about", "curves", "scatter", "selection"], drawing);
  watch.follow(["verdict"], judging);
  watch.follow(["busy"], () => write(busy, model.get("busy")));
  watch.follow(["message"], () => write(message, model.get("message")));
  const sized = new ResizeObserver(() => drawing());
  sized.observe(root);
  return () => {
    sized.disconnect();
    watch.stop();
  };
}

export default { render };
