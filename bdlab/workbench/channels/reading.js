// One pixel's way in numbers: V -> E_V -> ReLU -> G_S -> D_V, and I -> G_S -> D_I.

import { html, plain, write } from "../live.js";

const CHANNELS = ["red", "green", "blue"];

// A small field of colour with the three bytes beside it.
function swatch(name) {
  const field = html("span", { class: "field", "aria-hidden": "true" });
  const values = CHANNELS.map((channel, k) => html("span",
    { class: `number ${channel}`, "data-number": `${name}.${k}` }));
  return {
    box: html("span", { class: "swatch" }, field, ...values),
    show(bytes, digits) {
      const seen = bytes.map((value) => Math.round(Math.min(Math.max(value, 0), 255)));
      field.style.background = `rgb(${seen.join(",")})`;
      bytes.forEach((value, k) => { write(values[k], plain(value, digits)); });
    },
  };
}

function number(name) {
  return html("span", { class: "number", "data-number": name });
}

function cell(title, ...children) {
  return html("span", { class: "cell" }, html("span", { class: "head" }, ...title), ...children);
}

const low = (letter, index) => html("i", {}, letter, html("sub", { text: index }));
const arrow = () => html("span", { class: "arrow", text: "→", "aria-hidden": "true" });

export function reading() {
  const spots = { V: swatch("V"), I: swatch("I"), DV: swatch("DV"), DI: swatch("DI") };
  const numbers = {};
  for (const name of ["x.0", "x.1", "x.2", "before", "after", "warm", "DV.g0", "DV.g1", "DV.g2",
    "DI.g0", "DI.g1", "DI.g2"]) {
    numbers[name] = number(name);
  }
  const heard = html("span", { class: "heard", role: "status" }); // what keys move is read aloud
  const where = html("span", { class: "where" });
  const three = (name) => html("span", { class: "three" },
    ...[0, 1, 2].map((k) => numbers[`${name}${k}`]));
  const first = html("div", { class: "way" }, cell([html("i", { text: "V" }), " 0–255"],
    spots.V.box), arrow(),
    cell(["enters as"], three("x.")), arrow(), cell([low("E", "V")], numbers.before), arrow(),
    cell(["ReLU"], numbers.after), arrow(), cell([low("G", "S")], three("DV.g")), arrow(),
      cell([low("D", "V")], spots.DV.box));
  const second = html("div", { class: "way" }, cell([html("i", { text: "I" }), " 0–255"],
    spots.I.box), arrow(),
    cell(["enters as its mean"], numbers.warm), arrow(), cell([low("G", "S")], three("DI.g")),
      arrow(), cell([low("D", "I")], spots.DI.box));
  const box = html("div", { class: "reading", role: "group",
    "aria-label": "the numbers of one pixel" },
    html("p", { class: "hint" }, where), first, second, heard);
  const show = ({ x, y, visible, infrared, entered, before, after, warm, made, bytes }) => {
    box.dataset.pixel = `${x},${y}`;
    write(where, `One pixel in numbers: column ${x}, row ${y}. Point at a picture, or use the `
      + "arrow keys on it.");
    spots.V.show(visible, 0);
    spots.I.show(infrared, 0);
    spots.DV.show(bytes.DV, 1);
    spots.DI.show(bytes.DI, 1);
    const values = { "x.0": entered[0], "x.1": entered[1], "x.2": entered[2], before, after, warm };
    for (const k of [0, 1, 2]) {
      values[`DV.g${k}`] = made.DV[k];
      values[`DI.g${k}`] = made.DI[k];
    }
    for (const [name, value] of Object.entries(values)) write(numbers[name], plain(value, 3));
  };
  const say = () => {
    const spoken = (name) => CHANNELS.map((_, k) =>
      box.querySelector(`[data-number="${name}.${k}"]`).textContent).join(" ");
    heard.textContent = `pixel ${box.dataset.pixel}: V ${spoken("V")}, D_V ${spoken("DV")}, `
      + `I ${spoken("I")}, D_I ${spoken("DI")}`;
  };
  return { box, show, say };
}
