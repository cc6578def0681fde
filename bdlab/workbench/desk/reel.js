// The film of the map: play, or any epoch by the slider. `look` sets the view's epoch; where the
// points then lie comes from Python.
const STILL = 450; // milliseconds from one epoch to the next while it plays

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function createReel(model, look) {
  const box = make("div", "film"), why = make("span", "hint"), at = make("output", "counter");
  const slider = explain(make("input", ""), "The epoch after which the points lay like this; arrow keys go on by one");
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  slider.setAttribute("aria-label", "epoch");
  const play = button("▶", "Play the film of the epochs, or stop it", () => (running ? stop() : start()), "play");
  const end = button("end", "The finished network's own map", () => { stop(); look({ epoch: null }); });
  let running = false, timer = 0;
  box.append(play, slider, at, end, why);

  const last = () => model.get("film").epochs;
  const now = () => model.get("view").epoch ?? last();

  function start() {
    running = true;
    show();
    if (now() >= last()) look({ epoch: 0 });
    else timer = setTimeout(next, 0);
  }

  function stop() {
    running = false;
    clearTimeout(timer);
    show();
  }

  function next() {
    if (!running) return;
    if (last() === undefined || now() >= last()) stop();
    else look({ epoch: now() + 1 });
  }

  // Called when the points of an epoch have come: only then is the next one asked for.
  function arrived() {
    clearTimeout(timer);
    if (running) timer = setTimeout(next, STILL);
  }

  function show() {
    const { epochs, why: words } = model.get("film"), there = epochs !== undefined;
    for (const one of [play, slider, at, end]) one.hidden = !there;
    why.hidden = there;
    why.textContent = words || "";
    play.textContent = running ? "⏸" : "▶";
    play.setAttribute("aria-label", running ? "stop the film" : "play the film");
    if (!there) return;
    slider.max = epochs;
    slider.value = now();
    at.textContent = model.get("view").epoch === null ? "end" : `epoch ${now()} of ${epochs}`;
    slider.setAttribute("aria-valuetext", at.textContent);
    end.disabled = model.get("view").epoch === null;
  }

  function go(epoch) {
    if (running) stop();
    look({ epoch: Math.min(last(), Math.max(0, epoch)) });
  }

  slider.addEventListener("input", () => go(Number(slider.value)));
  // JupyterLab keeps arrow keys from a slider: they are handled here
  const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity };
  slider.addEventListener("keydown", (event) => {
    if (!(event.key in by)) return;
    go(now() + by[event.key]);
    event.preventDefault();
    event.stopPropagation();
  });
  return { box, show, arrived, stop };
}
