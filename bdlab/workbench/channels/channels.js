// D_V and D_I under your hand: people, ten sliders, one pixel's way, a run's epochs.
//
// Traits: people [{name, visible, infrared}], spaces {name: {mean, std}}, presets {space: {name:
// ten numbers}}, films [{name, about, space, lines: [[epoch, ten numbers]]}], reach (of the
// sliders); // numbers, space, person, film are what is shown. Works the same without a kernel.

import { assign, choice, eachFrame, html, pixels, quiet, slider, soon, svg, watcher,
  write } from "../live.js";
import { clipped, divergence, outside, trace } from "./generator.js";
import { computed, painter, parent, replaced } from "./painter.js";
import { reading } from "./reading.js";

const NAMES = ["E_V red", "E_V green", "E_V blue", "E_V bias", "G_S red", "G_S green", "G_S blue",
  "G_S bias red", "G_S bias green", "G_S bias blue"];
const SHORT = ["red", "green", "blue", "bias", "red", "green", "blue", "red", "green", "blue"];
const HUES = ["red", "green", "blue", "grey", "red", "green", "blue", "red", "green", "blue"];
const PANELS = [
  ["V", "V", "visible"],
  ["EV", "E_V(V)", "one channel; stripes are cut to 0"],
  ["DV", "D_V", "made from V"],
  ["I", "I", "infrared"],
  ["DI", "D_I", "made from I"],
  ["gap", "|D_I − I|", "what G_S changes; black: nothing"],
];
const DONE = 0.01; // the puzzle is solved below this mean difference

const label = (name) => html("b", { class: "math" }, ...parts(name));

// "E_V(V)" with its index set low.
function parts(name) {
  const low = (piece) => (piece[0] === "_" ? html("sub", { text: piece[1] }) : piece);
  return name.split(/(_[A-Z])/).map(low);
}

// The six pictures; each is a window of the one canvas below, and can be asked pixel by pixel.
function panels(look) {
  return PANELS.map(([kind, name, about]) => {
    const hole = html("div", {
      class: "hole", role: "application", tabindex: 0, "data-kind": kind,
      "aria-roledescription": "picture",
      "aria-label": `${name}: ${about}. Arrow keys move the pixel that is read.`,
    }, html("span", { class: "aim" }));
    hole.addEventListener("pointermove", (event) => {
      const box = hole.getBoundingClientRect();
      look.at((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    hole.addEventListener("pointerdown", (event) =>
      hole.dispatchEvent(new PointerEvent("pointermove", event)));
    hole.addEventListener("keydown", (event) => look.key(event));
    return html("figure", { class: `panel panel-${kind}` }, hole,
      html("figcaption", {}, label(name), html("span", {}, ...parts(about))));
  });
}

// The strip of people: a button each, with four small windows of the canvas.
function strip(model) {
  return model.get("people").map((person, number) => html("button", {
    type: "button", class: "person", "data-person": number, "aria-label": `show ${person.name}`,
    onclick: () => assign(model, { person: number }),
  }, ...["V", "I", "DV", "DI"].map((kind) => html("span",
    { class: "hole small", "data-kind": kind })),
  html("span", { class: "name", text: person.name })));
}

// One canvas behind all windows: it draws what is seen through them.
class Stage {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.canvas = html("canvas", { "aria-hidden": "true" });
    root.prepend(this.canvas);
    this.draw = eachFrame(() => this.drawn());
  }

  async open() {
    const loaded = this.model.get("people").map(async ({ visible, infrared }) => ({
      visible: await pixels(visible), infrared: await pixels(infrared),
    }));
    this.people = await Promise.all(loaded);
    this.use(painter(this.canvas, () => this.use(computed(replaced(this.canvas)))));
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.root);
    this.measure();
  }

  use(made) {
    this.painter = made;
    this.canvas = made.canvas;
    this.root.dataset.painter = made.name;
    made.load(this.people);
    if (this.panels) this.measure();
  }

  // Where the windows stand, in CSS pixels of the stage.
  measure() {
    const box = this.root.getBoundingClientRect();
    if (!box.width) return;
    this.ratio = this.painter.name === "WebGL" ? Math.min(devicePixelRatio || 1, 2) : 1;
    this.canvas.width = Math.round(box.width * this.ratio);
    this.canvas.height = Math.round(box.height * this.ratio);
    this.painter.cleared();
    const windows = [...this.root.querySelectorAll(".hole")].map((hole) => {
      const { left, top, width, height } = hole.getBoundingClientRect();
      const person = hole.closest(".person")?.dataset.person;
      return { kind: hole.dataset.kind, whose: person, x: left - box.left, y: top - box.top, width,
        height };
    });
    this.panels = windows.filter(({ width, height }) => width >= 1 && height >= 1);
    this.drawn();
  }

  drawn() {
    if (!this.panels) return;
    const { model } = this;
    const chosen = model.get("person");
    const shown = this.panels.map((one) => ({ ...one, person: Number(one.whose ?? chosen) }));
    this.painter.draw(shown, model.get("numbers"), model.get("spaces")[model.get("space")],
      this.ratio);
  }

  // Bytes of one pixel of V and I of the person on show.
  pixel(x, y) {
    const { visible, infrared } = this.people[this.model.get("person")];
    const at = 4 * (y * visible.width + x);
    return [visible, infrared].map(({ data }) => [data[at], data[at + 1], data[at + 2]]);
  }
}

// Which pixel is read: by the pointer, by the arrow keys, at the chest to begin with.
function aim(model, stage, show) {
  const look = { x: 0.5, y: 0.33 };
  const place = () => {
    const { width, height } = stage.people[model.get("person")].visible;
    const x = Math.min(width - 1, Math.floor(look.x * width));
    const y = Math.min(height - 1, Math.floor(look.y * height));
    for (const spot of stage.root.querySelectorAll(".aim")) {
      spot.style.left = `${(100 * (x + 0.5)) / width}%`;
      spot.style.top = `${(100 * (y + 0.5)) / height}%`;
    }
    show(x, y, ...stage.pixel(x, y));
  };
  look.show = place;
  look.at = (x, y) => {
    look.x = Math.min(Math.max(x, 0), 0.9999);
    look.y = Math.min(Math.max(y, 0), 0.9999);
    if (stage.people) place();
  };
  look.key = (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
      ArrowDown: [0, 1] }[event.key];
    if (!move || !stage.people) return;
    event.preventDefault();
    const { width, height } = stage.people[model.get("person")].visible;
    const far = event.shiftKey ? 10 : 1;
    look.at(look.x + (far * move[0]) / width, look.y + (far * move[1]) / height);
    look.say();
  };
  return look;
}

// Ten sliders in three groups; a number keeps all its digits until its slider is moved.
function sliders(model, watch) {
  const reach = model.get("reach");
  const made = NAMES.map((name, k) => {
    const onmove = (value) => {
      const numbers = [...model.get("numbers")];
      numbers[k] = value;
      assign(model, { numbers, source: "set by hand" });
    };
    const one = slider({ name, label: name.replace("_", " "), min: -reach, max: reach, value: 0,
      onmove });
    one.title.textContent = SHORT[k];
    one.row.classList.add(HUES[k]);
    return one;
  });
  watch.follow(["numbers"], () => model.get("numbers").forEach((value, k) => made[k].show(value)));
  const group = (title, about, from, to) => html("fieldset", {},
    html("legend", {}, label(title), html("span", { text: about })),
      ...made.slice(from, to).map((one) => one.row));
  return [group("E_V", " three channels to one, then ReLU", 0, 4),
    group("G_S", " one channel to three: times …", 4, 7), group("G_S", " … and plus", 7, 10)];
}

// Presets and spaces. A preset is meant for the space it is asked in.
function starts(model, watch) {
  const names = Object.keys(Object.values(model.get("presets"))[0]);
  const pick = (name) => assign(model,
    { numbers: model.get("presets")[model.get("space")][name], source: name });
  const buttons = choice({ label: "presets", options: names.map((name) => [name, name]),
    onpick: pick });
  buttons.buttons.forEach((button, k) => button.replaceChildren(...parts(names[k])));
  const spaces = choice({
    label: "the space in which E_V and G_S work",
    options: Object.keys(model.get("spaces")).map((name) => [name, name]),
    onpick: (space) => assign(model, { space }),
  });
  const now = html("span", { class: "now", role: "status" });
  watch.follow(["source"], () => {
    buttons.show(model.get("source"));
    now.replaceChildren("now: ", html("b", {}, ...parts(model.get("source"))));
  });
  watch.follow(["space"], () => spaces.show(model.get("space")));
  return html("div", { class: "bar" }, html("span", { text: "start from" }), buttons.group,
    html("span", { text: "space" }), spaces.group, now);
}

// -- the film of a run --------------------------------------------------------------------------

const WIDE = 300;
const TALL = 62;

// The ten numbers over the epochs, three small charts with one mark.
function curves(film) {
  const values = film.lines.map(([, numbers]) => numbers);
  const last = film.lines.length - 1;
  const chart = (title, from, to) => {
    const own = values.map((numbers) => numbers.slice(from, to)).flat();
    const low = Math.min(...own);
    const high = Math.max(...own, low + 1e-6);
    const at = (value) => TALL - 4 - ((TALL - 8) * (value - low)) / (high - low);
    const lines = [];
    for (let k = from; k < to; k += 1) {
      const points = values.map((numbers, n) =>
        `${((WIDE * n) / last).toFixed(1)},${at(numbers[k]).toFixed(1)}`);
      lines.push(svg("polyline", { points: points.join(" "), class: `curve ${HUES[k]}` }));
    }
    const mark = svg("line", { y1: 0, y2: TALL, class: "mark" });
    const view = { viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none",
      "aria-hidden": "true" };
    return { mark, box: html("div", { class: "chart" }, html("span", {}, ...parts(title)),
      svg("svg", view, ...lines, mark), html("span",
        { class: "ends", text: `${low.toFixed(2)} to ${high.toFixed(2)}` })) };
  };
  const charts = [chart("E_V", 0, 4), chart("G_S times", 4, 7), chart("G_S plus", 7, 10)];
  const show = (n) => {
    for (const { mark } of charts) {
      mark.setAttribute("x1", (WIDE * n) / last);
      mark.setAttribute("x2", (WIDE * n) / last);
    }
  };
  return { boxes: charts.map((one) => one.box), show };
}

// Epochs of a real training, as a film: play, stop, or any epoch by the slider.
function film(model, watch) {
  const films = model.get("films");
  const box = html("div", { class: "film" });
  if (!films.length) return { box, stop() {} };
  let timer = 0;
  const play = html("button", { type: "button", class: "strong", "data-do": "film" });
  const told = html("span", { class: "told" });
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ play the epochs";
  };
  const pick = choice({ label: "the run on film", options: films.map((one, n) => [n, one.name]),
    onpick: (n) => open(Number(n)) });
  let seen;
  let epoch;
  const go = (n) => {
    const one = films[model.get("film")];
    const [number, numbers] = one.lines[n];
    seen.show(n);
    epoch.show(n);
    epoch.input.setAttribute("aria-valuetext", `epoch ${number}`);
    assign(model, { numbers, space: one.space, source: `${one.name}, epoch ${number}` });
  };
  const open = (n) => {
    stop();
    assign(model, { film: n });
    const one = films[n];
    const last = one.lines.length - 1;
    seen = curves(one);
    const onmove = (k) => {
      stop();
      go(k);
    };
    epoch = slider({ name: "epoch", label: "epoch of the run", min: 0, max: last, step: 1,
      value: last, digits: 0, onmove });
    epoch.title.textContent = "epoch";
    seen.show(last);
    pick.show(n);
    told.textContent = one.about;
    box.replaceChildren(html("div", { class: "bar" }, play, pick.group, epoch.row),
      html("div", { class: "charts" }, ...seen.boxes), told);
  };
  const step = () => {
    const last = films[model.get("film")].lines.length - 1;
    const next = Number(epoch.input.value) + 1;
    if (next > last) stop();
    else go(next);
  };
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (quiet()) return go(films[model.get("film")].lines.length - 1);
    go(0);
    play.textContent = "■ stop";
    timer = setInterval(step, 110);
    return undefined;
  });
  stop();
  open(model.get("film"));
  return { box, stop };
}

// -- the puzzle ---------------------------------------------------------------------------------

const AWAY = [0.6, 1.3, 0.9, 0.3, -0.4, 0.15]; // where G_S starts: far from the answer

function puzzle(model, stage) {
  const meter = html("meter", { min: 0, max: 0.5, low: DONE, optimum: 0,
    "aria-label": "mean difference of D_I and I" });
  const words = html("span", { class: "words", role: "status" });
  const rows = ["red", "green", "blue"].map((name) => html("span",
    { class: `difference ${name}` }));
  const begin = html("button", {
    type: "button", text: "puzzle: make D_I = I", "data-do": "puzzle",
    onclick: () => assign(model, { numbers: [...model.get("numbers").slice(0, 4), ...AWAY],
      source: "the puzzle" }),
  });
  begin.replaceChildren("puzzle: make ", label("D_I"), " = I");
  const box = html("div", { class: "puzzle" }, begin, meter,
    html("span", { class: "rows" }, ...rows), words);
  const show = () => {
    const source = stage.people[model.get("person")].infrared.data;
    const off = divergence(source, model.get("numbers"), model.get("spaces")[model.get("space")]);
    const mean = (off[0] + off[1] + off[2]) / 3;
    meter.value = mean;
    rows.forEach((row, k) => { write(row, `${(100 * off[k]).toFixed(1)} %`); });
    box.dataset.solved = mean < DONE;
    box.dataset.mean = mean;
    const worst = ["red", "green", "blue"][off.indexOf(Math.max(...off))];
    const left = `${(100 * mean).toFixed(1)} % apart, below ${100 * DONE} % counts. `
      + `The worst channel: ${worst}.`;
    write(words, mean < DONE ? "✓ solved: G_S leaves infrared as it is" : left);
  };
  return { box, show };
}

// -- the whole ----------------------------------------------------------------------------------

async function render({ model, el }) {
  const watch = watcher(model);
  const root = html("div", { class: "bdlab-live channels" });
  const stageBox = html("div", { class: "stage" });
  const stage = new Stage(model, stageBox);
  const read = reading();
  const space = () => model.get("spaces")[model.get("space")];
  const look = aim(model, stage, (x, y, visible, infrared) => {
    read.show({ x, y, visible, infrared, numbers: model.get("numbers"),
      ...trace(visible, infrared, model.get("numbers"), space()) });
  });
  look.say = read.say;
  const people = strip(model);
  const share = html("p", { class: "share" });
  stageBox.append(html("div", { class: "panels" }, ...panels(look)),
    read.box, html("div", { class: "people", role: "group", "aria-label": "people" }, ...people));
  const asked = puzzle(model, stage);
  const reel = film(model, watch);
  const side = html("div", { class: "side" }, ...sliders(model, watch), share, asked.box);
  root.append(starts(model, watch), html("div", { class: "columns" }, html("div", {}, stageBox),
    side), reel.box);
  el.append(root);
  await stage.open();
  const reads = eachFrame(look.show);
  const told = soon(() => {
    const numbers = model.get("numbers");
    const { visible, infrared } = stage.people[model.get("person")];
    const cut = clipped(visible.data, numbers, space());
    const beyond = [outside("DV", visible.data, numbers, space()),
      outside("DI", infrared.data, numbers, space())];
    const percent = (value) => `${Math.round(100 * value)} %`;
    share.replaceChildren(...parts(`The ReLU cuts ${percent(cut)} of V's pixels to zero (stripes). `
      + "Beyond what a screen can show, but not beyond a network: "
      + `${percent(beyond[0])} of D_V, ${percent(beyond[1])} of D_I.`));
    asked.show();
    Object.assign(root.dataset, { clipped: cut, beyondV: beyond[0], beyondI: beyond[1],
      told: "yes" });
  });
  watch.follow(["numbers", "space", "person"], () => {
    root.dataset.told = "no";
    stage.draw();
    reads();
    told();
  });
  watch.follow(["person"], () => people.forEach((button, n) =>
    button.setAttribute("aria-pressed", String(n === model.get("person")))));
  root.dataset.ready = "yes";
  return () => {
    reel.stop();
    watch.stop();
    stage.observer.disconnect();
  };
}

export default { render };
