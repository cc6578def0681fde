// The desk: one board over one selection. It draws and listens; every number comes from Python.
const ENTRY = 58; // pixels of one picture in a list
const STREAMS = ["V", "I", "DV", "DI"], SIGNS = { o: "●", "^": "▲", s: "□", D: "◇" };
const HELP = "Map: drag to move, wheel or + − to magnify, Shift-drag for a lasso; arrow keys go from point to point, Enter asks, Space gathers. N and P: next and previous query.";

const rgb = (text) => (text.match(/[\d.]+/g) || [255, 255, 255]).slice(0, 3).map((v) => Math.round(Number(v)));
const hex = (parts) => `#${parts.map((v) => v.toString(16).padStart(2, "0")).join("")}`;

function render({ model, el }) {
  const about = model.get("about"), watched = [];
  const follow = (names, action) => {
    for (const name of names) { model.on(`change:${name}`, action); watched.push([name, action]); }
  };
  const put = (name, part) => { model.set(name, { ...model.get(name), ...part }); model.save_changes(); };
  const select = (part) => put("selection", part), look = (part) => put("view", part);
  const ask = (row) => select({ query: row, result: null });
  const want = createPictures(model);
  const root = make("div", "bdlab-desk");
  root.dataset.lmSuppressShortcuts = "true"; // keys pressed here are the desk's, not JupyterLab's
  root.style.setProperty("--ratio", about.ratio);

  // -- controls
  const setting = chooser("direction", "Who asks whom: the settings of the data set's protocol", (value) => look({ setting: value, draw: 0, filter: "all", camera: 0 }));
  const draw = chooser("draw", "Which drawn gallery, where the protocol draws", (value) => look({ draw: Number(value) }));
  const filter = chooser("queries", "Which queries: found is a right picture at rank 1", (value) => look({ filter: value }));
  const camera = chooser("camera", "Queries of one camera only", (value) => look({ camera: Number(value) }));
  const sorted = chooser("order", "Hardest first: by cell A's rank of the first right picture", (value) => look({ order: value }));
  const step = (by) => {
    const queries = model.get("queries"), at = queries.indexOf(model.get("selection").query);
    if (queries.length) ask(queries[at < 0 ? 0 : (at + by + queries.length) % queries.length]);
  };
  const counter = explain(make("output", "counter"), "Where the query stands among those that are shown");
  const top = make("div", "top"), steps = make("span", "steps");
  steps.append(button("◀", "Previous query (P)", () => step(-1)), counter, button("▶", "Next query (N)", () => step(1)));
  const busy = make("span", "busy");
  top.append(make("b", "", about.data), setting.box, draw.box, filter.box, camera.box, sorted.box,
    steps, busy);

  // -- the map
  const mapside = make("section", "mapside"), tools = make("div", "tools"), stage = make("div", "stage");
  const canvas = make("canvas", "points"), overlay = make("canvas", "over"), card = make("div", "card"), told = make("div", "told");
  overlay.tabIndex = 0;
  overlay.setAttribute("role", "application");
  overlay.setAttribute("aria-label", "map of the embedding: arrow keys go from point to point, Enter asks with a point");
  overlay.dataset.help = HELP;
  const side = chooser("map of", "Whose embedding is drawn", (value) => look({ side: Number(value) }));
  const way = chooser("by", "PCA at once; t-SNE keeps neighbours and takes its time", (value) => look({ map: value }));
  const colour = chooser("colour", "What a point's colour says", (value) => look({ colour: value }));
  const lasso = button("lasso", "Draw round points; queries then come from among them. Escape on the map ends it.", () => lasso.setAttribute("aria-pressed", String(lasso.getAttribute("aria-pressed") !== "true")), "toggle");
  lasso.setAttribute("aria-pressed", "false");
  const whole = button("whole", "Show the whole map and forget the lasso (0)", () => { look({ window: [0, 0, 1] }); select({ lasso: [] }); });
  tools.append(side.box, way.box, colour.box, lasso, whole);
  stage.append(canvas, overlay, card);
  const legend = make("div", "legend");
  const reel = createReel(model, look);
  mapside.append(tools, stage, legend, reel.box, told);

  const row = (k) => map.state.points.rows[k];
  const map = createMap(canvas, overlay, {
    hover: (k, at) => hovered(k, at),
    choose: (k) => ask(row(k)),
    lassoing: () => lasso.getAttribute("aria-pressed") === "true",
    lasso: (chosen) => select({ lasso: [...new Set(chosen.map(row))].sort((a, b) => a - b) }),
    gather: (k) => {
      const gathered = new Set(model.get("selection").lasso);
      if (!gathered.delete(row(k))) gathered.add(row(k));
      select({ lasso: [...gathered].sort((a, b) => a - b) });
    },
    moved: (window_) => { clearTimeout(map.later); map.later = setTimeout(() => look({ window: window_ }), 150); },
  });

  function hovered(k, at) {
    card.hidden = k < 0;
    if (k < 0) return;
    const { ids, cameras, streams, verdicts } = map.state.points, stream = STREAMS[streams[k]], scale = canvas.width / canvas.clientWidth;
    const camera_ = cameras[k] ? `, camera ${cameras[k]}` : "", verdict = ["not asked here", "missed at rank 1", "found at rank 1"][verdicts[k] + 1];
    const words = `person ${ids[k]}${camera_}, ${WORDS_OF_STREAMS[stream]}: ${verdict}`;
    card.replaceChildren(pictureOf(want, `${model.get("view").side}:${row(k)}:${stream}`, words), make("span", "", words));
    const x = at[0] / scale, y = at[1] / scale, left = x > canvas.clientWidth / 2;
    Object.assign(card.style, { left: left ? "" : `${x + 14}px`, right: left ? `${canvas.clientWidth - x + 14}px` : "", top: `${Math.min(y, canvas.clientHeight - 130)}px` });
    say(words);
  }

  // -- lists and pair
  const listside = make("section", "listside"), asked = make("div", "asked"), lists = make("div", "lists"), pair = make("div", "pair");
  const upper = make("div", "upper");
  upper.append(asked, lists);
  listside.append(upper, pair);
  const main = make("div", "main");
  main.append(mapside, listside);

  // -- the foot: help, state, files
  const foot = make("div", "foot"), help = make("div", "help", HELP), message = make("div", "message");
  help.setAttribute("role", "status");
  message.setAttribute("role", "status");
  const say = (words) => { help.textContent = words || HELP; };
  const state = explain(make("input", "state"), "The state as a string: copy it, or paste another and press Enter");
  state.setAttribute("aria-label", "state");
  state.addEventListener("keydown", (event) => { if (event.key === "Enter") model.send({ do: "restore", state: state.value }); });
  state.addEventListener("focus", () => state.select());
  foot.append(help, make("label", "", "state"), state,
    button("restore", "Be what the string says", () => model.send({ do: "restore", state: state.value })),
    button("save", "What is seen as a PNG, and the state that restores it as JSON", () => model.send({ do: "save" }), "save"), message);
  for (const kind of ["focusin", "pointerover"]) {
    root.addEventListener(kind, (event) => { const told_ = event.target.closest("[data-help]"); if (told_) say(told_.dataset.help); });
  }
  root.addEventListener("keydown", (event) => {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey) return;
    const by = { n: 1, N: 1, p: -1, P: -1 }[event.key];
    if (!by) return;
    step(by);
    event.stopPropagation();
    event.preventDefault();
  });

  // -- what follows what
  function theme() {
    const style = getComputedStyle(root), ground = hex(rgb(style.backgroundColor));
    map.state.theme = { ground, ink: style.color, accent: style.getPropertyValue("--accent").trim(), hit: about.verdicts.hit };
    map.draw();
  }

  // The same points where they lay after another epoch; the map of another cell is drawn anew.
  function place() {
    const where = new Float32Array(bytes(model.get("where"))), { points } = map.state;
    if (!points || !points.inks || 2 * points.rows.length !== where.length) return shape();
    const { side: whose } = model.get("view");
    map.move(where, map.state.whose === whose && !calm());
    map.state.whose = whose;
    reel.arrived();
  }

  function shape() {
    const view = model.get("view"), flat = new Uint32Array(bytes(model.get("points"))), where = new Float32Array(bytes(model.get("where")));
    const column = (n) => Array.from({ length: flat.length / 4 }, (_, k) => flat[4 * k + n]);
    const signs = about.streams[view.side].map((m) => about.marks[m]);
    map.setPoints({ where, rows: column(0), ids: column(1), cameras: column(2), streams: column(3), marks: STREAMS.map((m) => about.marks[m]), hollow: [false, false, true, true] });
    legend.replaceChildren(...about.streams[view.side].map((m, n) => {
      const one = button(`${SIGNS[signs[n]]} ${NAMES_OF_STREAMS[m]}`, `Show or hide ${WORDS_OF_STREAMS[m]}`, () => {
        const hidden = model.get("view").hidden;
        look({ hidden: hidden.includes(m) ? hidden.filter((h) => h !== m) : [...hidden, m] });
      }, "toggle stream");
      one.dataset.stream = m;
      one.style.setProperty("--mark", about.colours[m]);
      return one;
    }));
    told.textContent = model.get("told");
    paint();
  }

  const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

  // Colours, hidden streams, the lasso's dimming, rings and lines.
  function paint() {
    const points = map.state.points;
    if (!points) return;
    const view = model.get("view"), selection = model.get("selection"), verdicts = new Int8Array(bytes(model.get("right")));
    if (verdicts.length !== points.rows.length) return;  // the rest of this message is on its way
    const people = new Map([...new Set(points.ids)].sort((a, b) => a - b).map((id, n) => [id, n]));
    const palette = about.palette.map(channels), tints = STREAMS.map((m) => channels(about.colours[m]));
    const judged = [channels("#9a9a9a"), channels(about.verdicts.miss), channels(about.verdicts.hit)];
    const inks = {
      person: (k) => palette[people.get(points.ids[k]) % palette.length],
      modality: (k) => tints[points.streams[k]],
      camera: (k) => palette[points.cameras[k] % palette.length],
      "right or wrong": (k) => judged[verdicts[k] + 1],
    }[view.colour];
    const gathered = new Set(selection.lasso);
    points.verdicts = verdicts;
    points.inks = new Uint8Array(3 * points.rows.length);
    points.rows.forEach((_, k) => points.inks.set(inks(k), 3 * k));
    points.dim = gathered.size ? Uint8Array.from(points.rows, (r) => !gathered.has(r)) : null;
    points.hidden = STREAMS.map((m) => view.hidden.includes(m));
    for (const one of legend.children) one.setAttribute("aria-pressed", String(!view.hidden.includes(one.dataset.stream)));
    const base = new Map();
    points.rows.forEach((r, k) => { if (points.streams[k] < 2) base.set(r, k); });
    const found = (r) => base.get(r) ?? -1, list = model.get("lists")[view.side];
    map.state.query = found(selection.query);
    map.state.result = selection.result === null ? -1 : found(selection.result);
    map.state.lines = (list ? list.matches : []).map(found).filter((k) => k >= 0);
    map.state.window = view.window;
    map.draw();
  }

  function fill() {
    const view = model.get("view"), selection = model.get("selection"), counts = model.get("counts"), queries = model.get("queries");
    setting.fill(Object.entries(about.settings), view.setting);
    draw.fill(Array.from({ length: about.draws[view.setting] }, (_, k) => [k, `gallery ${k + 1}`]), view.draw);
    draw.box.hidden = about.draws[view.setting] < 2;
    filter.fill(about.filters.map((name) => [name, `${name} (${counts[name] ?? 0})`]), view.filter);
    camera.fill([[0, "all"], ...about.cameras.map((c) => [c, `camera ${c}`])], view.camera);
    camera.box.hidden = !about.cameras.length;
    sorted.fill(about.orders.map((o) => [o, o]), view.order);
    side.fill(about.cells.map((name, k) => [k, `${"AB"[k]}: ${name}`]), view.side);
    way.fill(about.maps.map((m) => [m, m]), view.map);
    colour.fill(about.colourings.map((c) => [c, c]), view.colour);
    const at = queries.indexOf(selection.query), among = selection.lasso.length ? " in the lasso" : "";
    counter.textContent = queries.length ? `${at < 0 ? "–" : at + 1} of ${queries.length}${among}` : `no query${among}`;
  }

  function listing() {
    const selection = model.get("selection"), view = model.get("view"), asks = about.asks[view.setting], answers = asks === "V" ? "I" : "V";
    const found = map.state.points ? map.state.points.rows.indexOf(selection.query) : -1, who = found < 0 ? "" : `person ${map.state.points.ids[found]}`;
    const family = about.streams[selection.side].filter((m) => m[m.length - 1] === asks);
    asked.replaceChildren(make("div", "head", "query"), ...family.map((m) => pictureOf(want, `${selection.side}:${selection.query}:${m}`, `query, ${WORDS_OF_STREAMS[m]}`)), make("div", "who", who));
    const fit = Math.max(3, Math.floor((lists.clientWidth - 74) / ENTRY));
    lists.replaceChildren(...model.get("lists").map((list, n) => {
      const box = make("div", "cell"), head = make("div", "head");
      head.append(make("b", "", `${"AB"[n]}: ${about.cells[n]}`), ` ${about.scores[n][view.setting] || ""} · `, make("span", "verdict", verdictOf(list)));
      const chosen = selection.side === n ? selection.result : null;
      box.append(head, drawList(list, { side: n, fit, stream: answers, chosen, want, ask, compare: (which, r) => select({ result: r, side: which }) }));
      return box;
    }));
  }

  // What has the keyboard keeps it when the lists are drawn anew.
  function keep(action) {
    const active = root.contains(document.activeElement) && document.activeElement.closest(".entry"), place = active && [...root.querySelectorAll(".entry")].indexOf(active);
    action();
    if (active) (root.querySelectorAll(".entry")[place] || overlay).focus({ preventScroll: true });
  }

  function paired() {
    const { panels, side: which, lacks } = model.get("pair");
    if (!panels) return pair.replaceChildren(make("p", "hint", "Click a result: where its likeness to the query lies."));
    const most = Math.max(...panels.flatMap((p) => p.values.flat().map(Math.abs)));
    const result = model.get("selection").result;
    const next = button("ask with this result", "The result becomes the query (Q on a result)", () => ask(result), "swap");
    const strip = make("div", "strip");
    strip.append(...panels.map((p) => drawLikeness(p, most, want, which, say)));
    pair.replaceChildren(make("div", "head", `Likeness by ${"AB"[which]}: purple and + add, orange and − take away. `), strip, make("p", "hint", lacks));
    pair.firstChild.append(next);
  }

  follow(["points"], shape);
  follow(["where"], place);
  follow(["film"], reel.show);
  follow(["right", "view"], () => { paint(); fill(); reel.show(); });
  follow(["lists"], () => { keep(listing); paint(); });
  follow(["queries", "counts"], fill);
  follow(["selection"], () => {
    keep(listing);
    paint();
    fill();
    root.dispatchEvent(new CustomEvent("bdlab-selection", { bubbles: true, detail: model.get("selection") }));
  });
  follow(["pair"], paired);
  follow(["told"], () => { told.textContent = model.get("told"); });
  follow(["busy"], () => { busy.textContent = model.get("busy"); });
  follow(["message"], () => { message.textContent = model.get("message"); });
  follow(["state"], () => { state.value = model.get("state"); });

  root.append(top, main, foot);
  el.append(root);
  root.desk = { map, get selection() { return model.get("selection"); }, get view() { return model.get("view"); }, select, look };
  card.hidden = true;
  state.value = model.get("state");
  const sized = new ResizeObserver(() => map.resize());
  sized.observe(stage);
  const widened = new ResizeObserver(() => keep(listing));
  widened.observe(listside);
  const themed = new MutationObserver(theme);
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", theme);
  shape(); fill(); listing(); paired(); reel.show();
  requestAnimationFrame(() => { map.resize(); theme(); });
  return () => {
    reel.stop();
    sized.disconnect();
    widened.disconnect();
    themed.disconnect();
    dark.removeEventListener("change", theme);
    watched.forEach(([name, action]) => model.off(`change:${name}`, action));
  };
}

export default { render };
