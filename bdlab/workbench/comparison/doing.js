// What the folder is doing: cells that run, failed or stopped, with their epoch and losses so far.

import { html, svg, write } from "../live.js";

const SIGNS = { running: "▶", failed: "✗", interrupted: "‖" };
const WIDE = 90; // of a curve, pixels
const TALL = 20;

// The total loss over the epochs so far, without axes: whether it falls.
function sparkline(values) {
  const root = svg("svg", { width: WIDE, height: TALL, class: "spark", role: "img",
    "aria-label": `total loss, ${values.length} epochs` });
  if (values.length < 2) return root;
  const low = Math.min(...values);
  const reach = Math.max(...values) - low || 1;
  const points = values.map((value, n) => {
    const x = 2 + (n / (values.length - 1)) * (WIDE - 4);
    return `${x.toFixed(1)},${(TALL - 3 - ((value - low) / reach) * (TALL - 6)).toFixed(1)}`;
  });
  root.append(svg("polyline", { points: points.join(" "), class: "curve" }));
  return root;
}

const told = (losses) => Object.entries(losses).map(([name, value]) => `${name} ${value.toFixed(3)}`)
  .join("  ");

function lineOf(cell) {
  const who = `${cell.row}, ${cell.data}, split ${cell.split}, seed ${cell.seed}`;
  const gone = `epoch ${cell.epoch} of ${cell.of || "?"}`;
  const bar = html("progress", { max: cell.of || 1, value: cell.epoch, "aria-label": gone });
  const words = cell.note || told(cell.losses) || "no epoch is finished yet";
  return html("tr", { "data-cell": cell.name, class: cell.word, title: `${who}: ${words}`,
    "data-help": `${who}: ${cell.word}, ${gone}. ${words}` },
  html("td", { class: "state", text: `${SIGNS[cell.word]} ${cell.word}` }),
  html("td", { text: who }), html("td", {}, bar), html("td", { class: "gone", text: gone }),
  html("td", {}, sparkline(cell.curve)), html("td", { class: "losses", text: words }));
}

export function doing(model, button) {
  const sum = html("b", { role: "status" });
  const turn = () => {
    model.set("live", !model.get("live"));
    model.save_changes();
  };
  const follow = button("follow", "", turn, "follow");
  const body = html("tbody");
  const list = html("div", { class: "cells" }, html("table", {}, body));
  const box = html("section", { class: "doing" }, sum, list);
  function show() {
    const { words, cells } = model.get("progress");
    const on = model.get("live");
    box.hidden = !cells.length && !on;
    write(sum, words);
    write(follow, on ? "stop following" : "follow");
    follow.setAttribute("aria-pressed", String(on));
    follow.title = on ? "Look at the folder no more" : "Look at the folder every two seconds, while "
      + "cells train; the notebook stays free";
    follow.dataset.help = follow.title;
    body.replaceChildren(...cells.map(lineOf));
  }
  return { box, follow, show };
}
