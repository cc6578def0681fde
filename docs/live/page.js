// The page itself: opens every part with its data, and switches between light and dark.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { Model } = modules.live;
  const part = (name) => document.querySelector(`[data-part="${name}"]`);

  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null; // what the reader asked for; nothing is stored
  const look = () => {
    root.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
    const other = root.dataset.theme === "dark" ? "light" : "dark";
    button.textContent = other;
    button.setAttribute("aria-label", `switch to ${other} colours`);
  };
  dark.addEventListener("change", look);
  button.addEventListener("click", () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    look();
  });
  look();

  const [first] = data.channels.people;
  const shown = [first.visible, first.infrared].map((src) => modules.live.html("img", { src, alt: "" }));
  part("pair").append(shown[0], modules.live.html("b", { text: "?" }), shown[1]);

  for (const name of ["channels", "hinge", "game"]) {
    modules[name].default.render({ model: new Model(data[name]), el: part(name) });
  }
  const graph = modules.recorded.recorded(data.graph);
  modules.graph.default.render({ model: graph, el: part("graph") });
  part("rows").append(modules.recorded.rows(graph, data.graph));
  for (const line of data.origin) {
    document.getElementById("origin").append(modules.live.html("li", { text: line }));
  }
})();
