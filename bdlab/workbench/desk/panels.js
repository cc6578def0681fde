// Pieces of the desk's page: elements with a tooltip and a help line, pictures that are asked for
// once, ranked lists, the likeness of a pair.
const NAMES_OF_STREAMS = { V: "V", I: "I", DV: "D_V", DI: "D_I" };
const WORDS_OF_STREAMS = { V: "visible", I: "infrared", DV: "D_V, made from visible", DI: "D_I, made from infrared" };

const make = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });

// A tooltip for the mouse, the same words in the help line for whoever has the focus there.
function explain(element, words) {
  element.title = words;
  element.dataset.help = words;
  return element;
}

function chooser(label, words, change) {
  const box = make("label", "choice", label), select = make("select", "");
  box.append(select);
  explain(select, words).setAttribute("aria-label", label);
  select.addEventListener("change", () => change(select.value));
  const fill = (options, value) => {
    const texts = options.map(([v, text]) => `${v}\n${text}`).join("\t");
    if (select.dataset.texts !== texts) {
      select.replaceChildren(...options.map(([v, text]) => Object.assign(make("option", "", text), { value: v })));
      select.dataset.texts = texts;
    }
    select.value = value;
  };
  return { box, fill, select };
}

function button(text, words, action, className = "") {
  const one = explain(make("button", className, text), words);
  one.type = "button";
  one.addEventListener("click", action);
  return one;
}

// Pictures by key side:row:stream; those wanted in one turn are asked for in one message.
function createPictures(model) {
  const urls = new Map(), waiting = new Map();
  let wanted = [];
  model.on("msg:custom", (content, buffers) => {
    if (content.do !== "pictures") return;
    content.keys.forEach((key, k) => {
      const url = URL.createObjectURL(new Blob([buffers[k]], { type: "image/png" }));
      urls.set(key, url);
      (waiting.get(key) || []).forEach((use) => use(url));
      waiting.delete(key);
    });
    while (urls.size > 3000) {  // the oldest go
      const [key, url] = urls.entries().next().value;
      URL.revokeObjectURL(url);
      urls.delete(key);
    }
  });
  return function want(key, use) {
    if (urls.has(key)) return use(urls.get(key));
    if (waiting.has(key)) return waiting.get(key).push(use);
    waiting.set(key, [use]);
    wanted.push(key);
    if (wanted.length === 1) queueMicrotask(() => { model.send({ do: "pictures", keys: wanted }); wanted = []; });
  };
}

function pictureOf(want, key, words) {
  const image = make("img", "shot");
  image.alt = words;
  image.dataset.key = key;
  want(key, (url) => { if (image.dataset.key === key) image.src = url; });
  return image;
}

// One cell's ranked list: a hit has a whole frame and a tick, a miss a broken one and a cross.
function drawList(list, { side, stream, chosen, want, compare, ask, fit }) {
  const row = make("div", "list");
  row.setAttribute("role", "group");
  for (const entry of list.entries.filter((e) => e.place <= fit || e.place === list.first)) {
    const verdict = entry.right ? "right" : "wrong", camera = entry.camera ? `, camera ${entry.camera}` : "";
    const words = `place ${entry.place}: person ${entry.person}${camera}, distance ${entry.distance.toFixed(3)}, ${verdict}`;
    const one = button("", `${words}. Click or Enter: where the likeness lies. Double click or Q: ask with this picture.`, () => compare(side, entry.row), `entry ${verdict}`);
    one.setAttribute("aria-label", words);
    one.setAttribute("aria-pressed", String(chosen === entry.row));
    one.dataset.row = entry.row;
    one.addEventListener("dblclick", () => ask(entry.row));
    one.addEventListener("keydown", (event) => { if (event.key === "q" || event.key === "Q") ask(entry.row); });
    const mark = make("span", "mark", entry.right ? "✓" : "✗");
    one.append(pictureOf(want, `${side}:${entry.row}:${stream}`, ""), mark, make("span", "number", `${entry.place} · ${entry.distance.toFixed(2)}`));
    if (entry.place > fit) one.classList.add("later");
    row.append(one);
  }
  return row;
}

function verdictOf(list) {
  if (!list.first) return "no right picture in the gallery";
  const rank = list.rank ? ` (rank ${list.rank} among people)` : "", ap = list.ap === null ? "" : `, average precision ${(100 * list.ap).toFixed(0)} %`;
  return `first right at place ${list.first} of ${list.length}${rank}${ap}`;
}

// A picture under the blocks of its map: purple and + adds to the likeness, orange and - takes away.
function drawLikeness(panel, most, want, side, tell) {
  const box = make("figure", "likeness"), frame = make("div", "frame"), canvas = make("canvas", ""), name = NAMES_OF_STREAMS[panel.stream];
  const rows = panel.values.length, columns = panel.values[0].length, size = 24;
  Object.assign(canvas, { width: columns * size, height: rows * size });
  const pens = canvas.getContext("2d");
  panel.values.forEach((line, y) => line.forEach((value, x) => {
    const strength = Math.abs(value) / (most || 1);
    pens.fillStyle = value > 0 ? `rgba(94,60,153,${0.75 * strength})` : `rgba(230,97,1,${0.75 * strength})`;
    pens.fillRect(x * size, y * size, size, size);
    if (strength < 1 / 3) return;
    pens.fillStyle = "#fff";
    pens.font = "bold 16px sans-serif";
    pens.textAlign = "center";
    pens.fillText(value > 0 ? "+" : "−", (x + 0.5) * size, (y + 0.75) * size);
  }));
  explain(canvas, `${name}: the blocks add up to ${panel.sum.toFixed(2)}, the cosine similarity`);
  canvas.addEventListener("pointermove", (event) => {
    const at = canvas.getBoundingClientRect(), x = Math.floor(((event.clientX - at.left) / at.width) * columns), y = Math.floor(((event.clientY - at.top) / at.height) * rows);
    const value = panel.values[y] && panel.values[y][x];
    if (value !== undefined) tell(`${name}, block ${y + 1} down, ${x + 1} across: ${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(3)} of ${panel.sum.toFixed(2)}`);
  });
  frame.append(pictureOf(want, `${side}:${panel.row}:${panel.stream}`, `${WORDS_OF_STREAMS[panel.stream]}, likeness ${panel.sum.toFixed(2)}`), canvas);
  const plain = pictureOf(want, `${side}:${panel.row}:${panel.stream}`, WORDS_OF_STREAMS[panel.stream]);
  const both = make("div", "both");
  both.append(plain, frame);
  box.append(both, make("figcaption", "", `${name} ${panel.sum >= 0 ? "+" : "−"}${Math.abs(panel.sum).toFixed(2)}`));
  return box;
}
