// Turns the slides: arrow keys, space, buttons; a block that waits comes before the next slide.
// Without this script all slides stand below each other.
"use strict";
const body = document.body;
const all = [...document.querySelectorAll("section")];
const LEAST = 0.55;  // of the usual size of letters; what is longer scrolls
let now = 0;

function waiting() {
  return [...all[now].querySelectorAll(".waits:not(.come)")];
}

// Letters get smaller until the slide holds them; a formula that is too wide does so by itself.
function fit() {
  const slide = all[now];
  for (const formula of slide.querySelectorAll(".formula")) {
    formula.style.fontSize = "";
    const share = formula.clientWidth / formula.scrollWidth;
    if (share < 1) formula.style.fontSize = `${Math.max(share, LEAST)}em`;
  }
  for (let size = 1; size >= LEAST; size -= 0.05) {
    slide.style.setProperty("--size", `${size}em`);
    if (slide.scrollHeight <= slide.clientHeight) return;
  }
}

function show(k, complete = false) {
  now = Math.min(Math.max(k, 0), all.length - 1);
  all.forEach((slide, at) => slide.classList.toggle("now", at === now));
  all[now].querySelectorAll(".waits").forEach((block) => block.classList.toggle("come", complete));
  document.getElementById("place").textContent = `${now + 1} / ${all.length}`;
  history.replaceState(null, "", `#${now + 1}`);
  fit();
}

function on() {
  const next = waiting()[0];
  if (next) next.classList.add("come");
  else if (now < all.length - 1) show(now + 1);
}

function back() {
  if (now > 0) show(now - 1, true);
}

const KEYS = {
  ArrowRight: on, ArrowDown: on, PageDown: on, " ": on,
  ArrowLeft: back, ArrowUp: back, PageUp: back,
  Home: () => show(0), End: () => show(all.length - 1),
  n: () => { body.classList.toggle("notes"); fit(); },
  f: () => document.fullscreenElement
    ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
};

document.addEventListener("keydown", (event) => {
  const button = event.target.closest("button, summary, a");
  const pressed = button && (event.key === " " || event.key === "Enter");
  if (pressed || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
document.getElementById("on").addEventListener("click", on);
document.getElementById("back").addEventListener("click", back);
window.addEventListener("resize", fit);
window.addEventListener("hashchange", () => show(Number(location.hash.slice(1)) - 1 || 0));
body.classList.add("turned");
show(Number(location.hash.slice(1)) - 1 || 0);
