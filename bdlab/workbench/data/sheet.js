// A sheet of pictures under the hand: thumbnails choose whose, dials turn a twin, a click enlarges.
//
// Everything comes from Python: value (the sheet as a PNG), spots ([x, y, wide, tall, words] of its
// pictures), people ({name, picture}) from person `start` on, `shown` (which of all are on the
// sheet), dials ({name, words, own}: `own` is the twin's own value) with their values, told (numbers
// as [name, text]), busy. `picked` and `values` are set here; an enlarged picture is asked for.

import { assign, html, ownKeys, watcher, write } from "../live.js";

const HELP = "Click a picture, or Enter: larger. There arrow keys go on and Escape closes.";

// JupyterLab keeps arrow keys from a slider: they are handled here.
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -20, End: 20 };

const address = (bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/png" }));

// A picture that shows other bytes from time to time; the old ones are given back.
function shownBy(image) {
  let url = "";
  return (bytes) => {
    if (url) URL.revokeObjectURL(url);
    url = address(bytes);
    image.src = url;
  };
}

function dialOf(model, dial) {
  const input = html("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": dial.words,
    title: dial.words });
  const number = html("output");
  const back = () => turn(dial.own);
  const mark = html("button", { type: "button", class: "mark", onclick: back,
    style: `--share: ${dial.own}`, title: `The twin's own value, ${dial.own.toFixed(2)}: click to go `
    + "back to it", "aria-label": `${dial.words} back to ${dial.own.toFixed(2)}`, text: "▲" });
  const said = (value) => `${value.toFixed(2)}${value === dial.own ? ", the twin's own" : ""}`;
  const show = (value) => {
    write(number, said(value));
    input.setAttribute("aria-valuetext", said(value));
  };
  const turn = (value) => assign(model, { values: { ...model.get("values"), [dial.name]: value } });
  input.addEventListener("input", () => show(Number(input.value)));
  input.addEventListener("change", () => turn(Number(input.value)));
  input.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS)) return;
    turn(Math.min(1, Math.max(0, Math.round(20 * Number(input.value) + KEYS[event.key]) / 20)));
    event.preventDefault();
    event.stopPropagation();
  });
  const box = html("div", { class: "dial" }, html("label", { text: dial.words }),
    html("div", { class: "track" }, input, mark), number);
  return { box, set: (value) => { input.value = value; show(value); } };
}

// One picture in the middle of the window, until Escape.
function lens(model, root) {
  const image = html("img", { alt: "" });
  const show = shownBy(image);
  const words = html("p", { role: "status" });
  let at = 0;
  const go = (by) => {
    const { length } = model.get("spots");
    ask((at + by + length) % length);
  };
  const button = (text, title, action) => html("button", { type: "button", text, title,
    "aria-label": title, onclick: action });
  const box = html("dialog", { class: "lens", "aria-label": "one picture" }, image, words,
    html("div", { class: "bar" }, button("◀", "previous picture (left arrow)", () => go(-1)),
      button("▶", "next picture (right arrow)", () => go(1)),
      button("close", "close (Escape)", () => box.close())));
  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    go(by);
    event.preventDefault();
  });
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  box.addEventListener("close", () => {
    const spot = root.querySelectorAll(".spot")[at];
    if (spot) spot.focus();
  });
  function ask(number) {
    at = number;
    model.send({ do: "enlarge", spot: number });
  }
  function come(content, buffers) {
    if (content.do !== "enlarge" || content.spot !== at) return;
    show(buffers[0]);
    image.alt = content.words;
    write(words, content.words);
    if (!box.open) box.showModal();
  }
  model.on("msg:custom", come);
  return { box, ask, stop: () => model.off("msg:custom", come) };
}

function render({ model, el }) {
  const watch = watcher(model);
  const root = html("div", { class: "bdlab-sheet", ...ownKeys });
  const strip = html("div", { class: "strip", role: "group", "aria-label": "choose people" });
  const busy = html("span", { class: "busy", role: "status" });
  const told = html("div", { class: "told" });
  const page = html("img", { alt: "", class: "page" });
  const show = shownBy(page);
  const frame = html("div", { class: "frame" }, page);
  const large = lens(model, root);
  const dials = model.get("dials").map((dial) => [dial.name, dialOf(model, dial)]);
  root.append(html("div", { class: "dials" }, ...dials.map(([, one]) => one.box)), strip,
    html("div", { class: "line" }, told, busy), frame, html("p", { class: "help", text: HELP }),
    large.box);
  el.append(root);

  function people() {
    const focused = strip.contains(document.activeElement) && document.activeElement.dataset.person;
    const start = model.get("start");
    const shown = model.get("shown");
    strip.hidden = !model.get("people").length;
    strip.replaceChildren(...model.get("people").map(({ name, picture }, n) => {
      const on = shown.includes(start + n);
      const choose = () => assign(model, { picked: start + n });
      return html("button", { type: "button", class: "person", "data-person": start + n,
        "aria-pressed": String(on), title: `${name}: begin the sheet here`, onclick: choose },
      html("img", { src: picture, alt: name }));
    }));
    const again = focused && strip.querySelector(`[data-person="${focused}"]`);
    if (again) again.focus({ preventScroll: true });
  }

  function spots() {
    frame.querySelectorAll(".spot").forEach((old) => old.remove());
    frame.append(...model.get("spots").map(([x, y, wide, tall, words], n) => html("button", {
      type: "button", class: "spot", "data-spot": n, "aria-label": words, title: words,
      onclick: () => large.ask(n), style: `left: ${x}px; top: ${y}px; width: ${wide}px; `
      + `height: ${tall}px` })));
  }

  watch.follow(["people", "start", "shown"], people);
  watch.follow(["spots"], spots);
  watch.follow(["value"], () => show(model.get("value")));
  watch.follow(["told"], () => told.replaceChildren(...model.get("told").map(([name, text]) =>
    html("span", {}, `${name} `, html("b", { text })))));
  watch.follow(["values"], () => dials.forEach(([name, one]) => one.set(model.get("values")[name])));
  watch.follow(["busy"], () => {
    write(busy, model.get("busy"));
    root.setAttribute("aria-busy", String(Boolean(model.get("busy"))));
  });
  return () => {
    large.stop();
    watch.stop();
  };
}

export default { render };
