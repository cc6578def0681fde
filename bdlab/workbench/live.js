// What every live part is made of: elements, a model where no kernel is, pictures as numbers.

// An HTML element; a key that starts with "on" is a listener, "text" its words.
export function html(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

// An SVG element.
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// Keys pressed within are the part's own: in JupyterLab a digit would turn the cell to a heading.
export const ownKeys = { "data-lm-suppress-shortcuts": "true" };

// The state of a part where no kernel keeps it. A widget's model has the same methods.
export class Model {
  constructor(state) {
    this.state = { ...state };
    this.listeners = new Map();
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    if (this.state[name] === value) return;
    this.state[name] = value;
    for (const action of [...(this.listeners.get(`change:${name}`) || [])]) action();
  }

  on(event, action) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(action);
  }

  off(event, action) {
    this.listeners.get(event)?.delete(action);
  }

  save_changes() {}

  send(message) {
    for (const action of this.listeners.get("sent") || []) action(message);
  }
}

// Calls actions when traits change; `stop` ends all of it.
export function watcher(model) {
  const watched = [];
  return {
    follow(names, action) {
      for (const name of names) {
        model.on(`change:${name}`, action);
        watched.push([name, action]);
      }
      action();
    },
    stop() {
      for (const [name, action] of watched) model.off(`change:${name}`, action);
    },
  };
}

// Sets several traits at once and tells the kernel, if there is one.
export function assign(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

// At most one call a frame, however often it is asked for.
export function eachFrame(action) {
  let asked = 0;
  return () => {
    if (asked) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      action();
    });
  };
}

// At most one call in `wait` milliseconds, the last one always: for what need not follow at once.
export function soon(action, wait = 90) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      action();
    }, wait);
  };
}

// New words only where they differ: a browser lays out anew what is touched.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A picture's bytes, RGBA, as the browser decodes them.
export async function pixels(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = html("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

// The letters of a modality, with its index below.
export function letters(name) {
  if (name.length === 1) return html("i", { text: name });
  return html("i", { text: name[0] }, html("sub", { text: name.slice(1) }));
}

// A number with a sign and a fixed count of digits; never "-0".
export function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? "−" : "+") + text;
}

// The same without a plus.
export function plain(value, digits = 2) {
  return signed(value, digits).replace("+", "");
}

// A slider with its name and its number. `steps` of the arrow keys are the browser's own.
export function slider({ name, label, min, max, step = 0.01, value, digits = 2, onmove }) {
  const shown = html("output", { class: "number" });
  const input = html("input", { type: "range", min, max, step, value, "aria-label": label });
  const row = html("label", { class: "slider", "data-slider": name }, html("span"), input, shown);
  const show = (number) => {
    const text = min < 0 ? signed(number, digits) : number.toFixed(digits);
    if (input.value !== String(number)) input.value = number;
    if (shown.textContent === text) return;
    shown.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", () => onmove(Number(input.value)));
  show(value);
  return { row, input, title: row.firstChild, show };
}

// One of a few, as a group of buttons of which one is pressed.
export function choice({ label, options, onpick }) {
  const group = html("div", { class: "choice", role: "group", "aria-label": label });
  const buttons = options.map(([value, words]) => {
    const press = () => onpick(value);
    return html("button", { type: "button", "data-value": value, text: words, onclick: press });
  });
  group.append(...buttons);
  const show = (value) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.value === String(value)));
    }
  };
  return { group, buttons, show };
}

export const quiet = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
