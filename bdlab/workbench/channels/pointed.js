// The channel explorer's pictures: point at one, and its pixel is read; small pictures choose the
// person. Python paints; traits: value (a PNG), at ([x, y] on it), read and spots (what lies
// there), other (what lies there by a second generator, or {}), people ([{name, picture}]), person.

import { assign, eachFrame, html, watcher } from "../live.js";
import { reading } from "./reading.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function strip(model, watch) {
  const buttons = model.get("people").map(({ name, picture }, number) => html("button", {
    type: "button", class: "thumb", title: name, "aria-label": `show ${name}`,
    onclick: () => assign(model, { person: number }),
  }, html("img", { src: picture, alt: "" })));
  watch.follow(["person"], () => buttons.forEach((button, number) =>
    button.setAttribute("aria-pressed", String(number === model.get("person")))));
  return html("div", { class: "thumbs", role: "group", "aria-label": "people" }, ...buttons);
}

function render({ model, el }) {
  const watch = watcher(model);
  const root = html("div", { class: "bdlab-live channels pointed" });
  const image = html("img", { class: "widget-image", alt: "" });
  const aims = html("div", { class: "aims", "aria-hidden": "true" });
  const frame = html("div", {
    class: "frame", role: "application", tabindex: 0, "aria-roledescription": "pictures",
    title: "Point at a pixel: its numbers stand below. Arrow keys move it, with Shift by ten.",
    "aria-label": "The pictures. Arrow keys move the pixel that is read, with Shift by ten.",
  }, image, aims);
  const read = reading();
  const other = reading();
  const sides = [read, other].map(({ box }, side) => {
    const letter = html("b", { class: "side", text: "AB"[side] });
    box.prepend(letter);
    return letter;
  });
  other.box.classList.add("other");
  let wanted;
  let heard = false;
  const send = eachFrame(() => assign(model, { at: wanted }));
  const point = (x, y) => {
    wanted = [Math.min(Math.max(x, 0), image.naturalWidth - 1),
      Math.min(Math.max(y, 0), image.naturalHeight - 1)];
    send();
  };
  frame.addEventListener("pointermove", (event) => {
    const box = image.getBoundingClientRect();
    heard = false;
    point(((event.clientX - box.left) * image.naturalWidth) / box.width,
      ((event.clientY - box.top) * image.naturalHeight) / box.height);
  });
  frame.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = wanted || model.get("spots")[0];
    const far = event.shiftKey ? 10 : 1;
    heard = true;
    point(x + far * step[0], y + far * step[1]);
  });
  let url;
  const paint = () => {
    const old = url;
    const { buffer, byteOffset, byteLength } = model.get("value");
    url = URL.createObjectURL(new Blob([new Uint8Array(buffer, byteOffset, byteLength)],
      { type: "image/png" }));
    image.onload = () => { if (old) URL.revokeObjectURL(old); mark(); };
    image.src = url;
  };
  function mark() {
    const wide = image.naturalWidth || 1;
    const tall = image.naturalHeight || 1;
    aims.replaceChildren(...model.get("spots").map(([x, y]) => html("span",
      { class: "aim", style: `left: ${(100 * x) / wide}%; top: ${(100 * y) / tall}%` })));
  }
  root.append(frame, read.box, other.box);
  if (model.get("people").length > 1) root.append(strip(model, watch));
  el.append(root);
  watch.follow(["value"], paint);
  watch.follow(["spots"], mark);
  watch.follow(["read", "other"], () => {
    const two = "x" in model.get("other");
    other.box.hidden = !two;
    sides[0].hidden = !two;
    read.show(model.get("read"));
    if (two) other.show(model.get("other"));
    if (!heard) return;
    read.say();
    if (two) other.say();
  });
  return () => {
    watch.stop();
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
