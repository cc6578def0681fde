// The embedding map: points stamped into one bitmap, everything that moves with the hand above it.
// A point's mark tells its stream, hollow marks are derivative streams; colour says what is asked.
const MARK_RADIUS = 4.2, FINE = 4, GLIDE = 300;

// How much of a pixel a mark covers: inside(x, y) of its shape, around 0.
const SHAPES = {
  o: (x, y, r) => x * x + y * y <= r * r,
  s: (x, y, r) => Math.max(Math.abs(x), Math.abs(y)) <= 0.86 * r,
  D: (x, y, r) => Math.abs(x) + Math.abs(y) <= 1.2 * r,
  "^": (x, y, r) => y <= 0.75 * r && y >= 1.9 * Math.abs(x) - 1.15 * r,
};

// A mark as columns of pixels: dx, dy, and in 256ths the share of its colour and of its rim.
function stampOf(shape, hollow, scale) {
  const radius = MARK_RADIUS * scale, reach = Math.ceil(radius * 1.3), inside = SHAPES[shape], cells = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      let body = 0, all = 0;
      for (let k = 0; k < FINE * FINE; k++) {
        const x = dx + ((k % FINE) + 0.5) / FINE - 0.5, y = dy + (Math.floor(k / FINE) + 0.5) / FINE - 0.5;
        const core = inside(x, y, radius * (hollow ? 0.62 : 0.84)), whole = inside(x, y, radius);
        body += hollow ? whole && !core : core;
        all += whole;
      }
      const share = body / (FINE * FINE), rim = hollow ? 0 : (all - body) / (FINE * FINE);
      if (share + rim > 0.05) cells.push([dx, dy, Math.round(256 * share), Math.round(256 * rim)]);
    }
  }
  const column = (n) => Int32Array.from(cells, (cell) => cell[n]);
  return { dx: column(0), dy: column(1), share: column(2), rim: column(3), reach };
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// points: {where, rows, ids, cameras, streams, marks, hollow, hidden, inks (rgb, rgb, ...), dim}.
function createMap(canvas, overlay, actions) {
  const state = { window: [0, 0, 1], points: null, hover: -1, lasso: null, lines: [], query: -1, result: -1, theme: {} };
  let pens = canvas.getContext("2d", { willReadFrequently: true }), image = null, stamps = new Map(), order = [];
  const over = overlay.getContext("2d");

  function resize() {
    const scale = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
    const width = Math.max(50, Math.round(box.width * scale)), height = Math.max(50, Math.round(box.height * scale));
    if (canvas.width === width && canvas.height === height && image) return;
    for (const one of [canvas, overlay]) Object.assign(one, { width, height });
    image = pens.createImageData(width, height);
    stamps = new Map();
    draw();
  }

  // From the map's -1..1 to pixels, y upwards.
  function place(k) {
    const [x, y, zoom] = state.window, unit = (Math.min(canvas.width, canvas.height) / 2.1) * zoom;
    const { where } = state.points;
    return [canvas.width / 2 + (where[2 * k] - x) * unit, canvas.height / 2 - (where[2 * k + 1] - y) * unit];
  }

  function stamp(stream) {
    if (!stamps.has(stream)) {
      const scale = window.devicePixelRatio || 1;
      stamps.set(stream, stampOf(state.points.marks[stream], state.points.hollow[stream], scale));
    }
    return stamps.get(stream);
  }

  function draw() {
    if (!image) return;
    const began = performance.now(), { width, height, data } = image, ground = channels(state.theme.ground || "#ffffff");
    new Uint32Array(data.buffer).fill((255 << 24) | (ground[2] << 16) | (ground[1] << 8) | ground[0]);
    if (state.points) stampAll(data, width, height, ground);
    pens.putImageData(image, 0, 0);
    trace();
    state.took = performance.now() - began;
  }

  // 10,000 points a frame: plain numbers and typed arrays only, nothing is made in this loop.
  function stampAll(data, width, height, [groundR, groundG, groundB]) {
    const { where, streams, inks, hidden, dim } = state.points, [cx, cy, zoom] = state.window;
    const unit = (Math.min(width, height) / 2.1) * zoom, left = width / 2 - cx * unit, top = height / 2 + cy * unit;
    for (let n = 0; n < order.length; n++) {
      const k = order[n], stream = streams[k];
      if (hidden[stream]) continue;
      const { dx, dy, share, rim, reach } = stamp(stream);
      const x = Math.round(left + where[2 * k] * unit), y = Math.round(top - where[2 * k + 1] * unit);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const r = inks[3 * k], g = inks[3 * k + 1], b = inks[3 * k + 2], faint = dim && dim[k] ? 40 : 256;
      for (let p = 0; p < dx.length; p++) {
        const at = 4 * ((y + dy[p]) * width + x + dx[p]), ink = (share[p] * faint) >> 8, edge = (rim[p] * faint) >> 8, keep = 256 - ink - edge;
        data[at] = (data[at] * keep + r * ink + groundR * edge) >> 8;
        data[at + 1] = (data[at + 1] * keep + g * ink + groundG * edge) >> 8;
        data[at + 2] = (data[at + 2] * keep + b * ink + groundB * edge) >> 8;
      }
    }
  }

  function ring(k, colour, radius, dashes = []) {
    if (k < 0) return;
    const scale = window.devicePixelRatio || 1;
    over.beginPath();
    over.arc(...place(k), radius * scale, 0, 2 * Math.PI);
    over.setLineDash(dashes.map((d) => d * scale));
    over.lineWidth = 2.4 * scale;
    over.strokeStyle = colour;
    over.stroke();
    over.setLineDash([]);
  }

  // What lies above the points: lines to true matches, rings, the lasso.
  function trace() {
    over.clearRect(0, 0, overlay.width, overlay.height);
    if (!state.points) return;
    const scale = window.devicePixelRatio || 1, { ink, hit } = state.theme;
    over.strokeStyle = hit;
    over.lineWidth = 1.3 * scale;
    if (state.query >= 0) {
      over.beginPath();
      for (const k of state.lines) { over.moveTo(...place(state.query)); over.lineTo(...place(k)); }
      over.stroke();
    }
    ring(state.query, ink, 9);
    ring(state.result, ink, 9, [4, 3]);
    ring(state.hover, state.theme.accent, 7);
    if (state.lasso) {
      over.beginPath();
      state.lasso.forEach((p, n) => (n ? over.lineTo(...p) : over.moveTo(...p)));
      over.setLineDash([5 * scale, 4 * scale]);
      over.strokeStyle = ink;
      over.stroke();
      over.setLineDash([]);
    }
  }

  function setPoints(points) {
    state.points = points;
    state.hover = -1;
    stamps = new Map();
    // Derivative streams first, so that what is deployed lies above.
    order = [...points.streams.keys()].sort((a, b) => points.streams[b] - points.streams[a]);
  }

  // The same points elsewhere: they go there in a third of a second, or at once.
  function move(where, glide) {
    const from = state.points.where, began = performance.now();
    Object.assign(state.points, { where, to: where });
    cancelAnimationFrame(state.gliding);
    if (!glide) return draw();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / GLIDE));
      if (state.points.to !== where) return;
      state.points.where = share < 1 ? where.map((to, n) => from[n] + (to - from[n]) * share) : where;
      draw();
      if (share < 1) state.gliding = requestAnimationFrame(step);
    };
    state.points.where = from;
    state.gliding = requestAnimationFrame(step);
  }

  // The nearest visible point within reach of a pixel, or -1.
  function nearest(x, y, reach = 14) {
    const scale = window.devicePixelRatio || 1;
    let best = -1, least = (reach * scale) ** 2;
    for (let k = 0; state.points && k < state.points.streams.length; k++) {
      if (state.points.hidden[state.points.streams[k]]) continue;
      const [px, py] = place(k), far = (px - x) ** 2 + (py - y) ** 2;
      if (far < least) [best, least] = [k, far];
    }
    return best;
  }

  // The next point from the one under the cursor in a direction: by distance, strays punished.
  function next(dx, dy) {
    const from = state.hover >= 0 ? state.hover : state.query;
    if (from < 0) return nearest(canvas.width / 2, canvas.height / 2, 1e6);
    const [x, y] = place(from);
    let best = from, least = Infinity;
    for (let k = 0; k < state.points.streams.length; k++) {
      if (state.points.hidden[state.points.streams[k]]) continue;
      const [px, py] = place(k), ahead = (px - x) * dx + (py - y) * dy, aside = Math.abs((px - x) * dy - (py - y) * dx);
      if (k === from || ahead <= 0.5) continue;
      if (ahead + 2 * aside < least) [best, least] = [k, ahead + 2 * aside];
    }
    return best;
  }

  function within(polygon) {
    const chosen = [];
    for (let k = 0; k < state.points.streams.length; k++) {
      if (state.points.hidden[state.points.streams[k]]) continue;
      const [x, y] = place(k);
      let inside = false;
      for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
        const [ax, ay] = polygon[a], [bx, by] = polygon[b];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      }
      if (inside) chosen.push(k);
    }
    return chosen;
  }

  function pan(dx, dy) {
    const unit = (Math.min(canvas.width, canvas.height) / 2.1) * state.window[2];
    state.window = [state.window[0] - dx / unit, state.window[1] + dy / unit, state.window[2]];
    draw();
  }

  // Magnify around a pixel.
  function zoom(by, x = canvas.width / 2, y = canvas.height / 2) {
    const [cx, cy, old] = state.window, now = Math.min(200, Math.max(0.5, old * by)), unit = Math.min(canvas.width, canvas.height) / 2.1;
    const px = cx + (x - canvas.width / 2) / (unit * old), py = cy - (y - canvas.height / 2) / (unit * old);
    state.window = [px - ((px - cx) * old) / now, py - ((py - cy) * old) / now, now];
    draw();
  }

  function show(hover) {
    if (hover === state.hover) return;
    state.hover = hover;
    trace();
    actions.hover(hover, hover >= 0 ? place(hover) : null);
  }

  const scaled = (event) => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  let drag = null;
  overlay.addEventListener("pointerdown", (event) => {
    const at = scaled(event);
    drag = { start: at, last: at, moved: false, lasso: event.shiftKey || actions.lassoing() };
    overlay.setPointerCapture(event.pointerId);
  });
  overlay.addEventListener("pointermove", (event) => {
    const at = scaled(event);
    if (!drag) return show(nearest(...at));
    if (Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > 4) drag.moved = true;
    if (drag.moved && drag.lasso) { state.lasso = [...(state.lasso || [drag.start]), at]; trace(); }
    else if (drag.moved) pan(at[0] - drag.last[0], at[1] - drag.last[1]);
    drag.last = at;
  });
  overlay.addEventListener("pointerup", () => {
    const { moved, lasso, start } = drag || {};
    drag = null;
    if (moved && lasso) {
      const chosen = within(state.lasso);
      state.lasso = null;
      trace();
      actions.lasso(chosen);
    } else if (moved) actions.moved(state.window);
    else if (start) { const k = nearest(...start); if (k >= 0) actions.choose(k); }
  });
  overlay.addEventListener("pointerleave", () => { if (!drag) show(-1); });
  overlay.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...scaled(event));
    actions.moved(state.window);
  }, { passive: false });
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  overlay.addEventListener("keydown", (event) => {
    const step = arrows[event.key];
    if (step && event.shiftKey) { pan(-40 * step[0], -40 * step[1]); actions.moved(state.window); }
    else if (step) show(next(...step));
    else if (event.key === "Enter" && state.hover >= 0) actions.choose(state.hover);
    else if (event.key === "+" || event.key === "=") { zoom(1.25); actions.moved(state.window); }
    else if (event.key === "-") { zoom(0.8); actions.moved(state.window); }
    else if (event.key === "0") { state.window = [0, 0, 1]; draw(); actions.moved(state.window); }
    else if (event.key === " " && state.hover >= 0) actions.gather(state.hover);
    else if (event.key === "Escape") { show(-1); actions.lasso([]); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  overlay.addEventListener("blur", () => show(-1));
  return { state, resize, draw, trace, setPoints, move, pan, zoom, nearest, place };
}
