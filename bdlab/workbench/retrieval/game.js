// Person against machine: an infrared picture, a few visible ones; who is it?
//
// Traits: rounds [{query, candidates, answer, distances: {machine: one a candidate}}] where query
// is the number of a picture of `infrared`, candidates are numbers of pictures of `visible` and
// answer is a place among them; machines [{name, title, overall}], overall the share of rounds won
// if each of the `asked` infrared test pictures asks once among as many people; small [width,
// height] as the machines saw them. `picks` are the places chosen so far.

import { assign, html, ownKeys, svg, watcher } from "../live.js";

// The place a machine takes: the nearest.
export function choice(round, name) {
  const far = round.distances[name];
  return far.indexOf(Math.min(...far));
}

// How many rounds somebody got right; `picks` are places.
export function right(rounds, picks) {
  return picks.filter((pick, n) => pick === rounds[n].answer).length;
}

// What guessing finds on average.
export function chance(rounds) {
  return rounds.reduce((sum, round) => sum + 1 / round.candidates.length, 0);
}

function sign(good) {
  const path = good ? "M 4 11 L 9 16 L 17 5" : "M 5 5 L 16 16 M 16 5 L 5 16";
  return svg("svg", { viewBox: "0 0 21 21", class: good ? "hit" : "miss", role: "img",
    "aria-label": good ? "right" : "wrong" }, svg("path", { d: path }));
}

// A picture; where `small` is asked for, only as many pixels as the machine had.
function picture(address, alt, model, watch) {
  const image = html("img", { src: address, alt, draggable: "false" });
  const canvas = html("canvas", { role: "img", "aria-label": alt, hidden: true });
  const [width, height] = model.get("small");
  Object.assign(canvas, { width, height });
  watch.follow(["coarse"], async () => {
    const coarse = Boolean(model.get("coarse"));
    image.hidden = coarse;
    canvas.hidden = !coarse;
    if (!coarse) return;
    await image.decode();
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
  });
  return html("span", { class: "shot" }, image, canvas);
}

// One round: the question, the candidates, and after the pick who took whom.
function board(model, watch, number, done) {
  const round = model.get("rounds")[number];
  const many = model.get("rounds").length;
  const said = html("p", { class: "said", role: "status",
    text: "Who is it? Click a picture, or press its number." });
  const next = html("button", { type: "button", class: "strong", "data-do": "next", hidden: true,
    text: number + 1 < many ? "next" : "the result", onclick: done });
  const buttons = round.candidates.map((which, place) => html("button", {
    type: "button", class: "candidate", "data-place": place, onclick: () => pick(place),
  }, picture(model.get("visible")[which], `visible picture ${place + 1}`, model, watch),
    html("span", { class: "tag", text: place + 1 })));
  const pick = (place) => {
    if (model.get("picks").length > number) return;
    assign(model, { picks: [...model.get("picks"), place] });
    const good = place === round.answer;
    buttons.forEach((button, n) => {
      button.disabled = true;
      if (n === round.answer) button.classList.add("answer");
      const names = model.get("machines").map(({ name }) => name);
      const by = names.filter((name) => choice(round, name) === n);
      if (n === place) by.unshift("you");
      if (by.length) button.append(html("span", { class: "by" },
        ...by.map((name) => html("b", { text: name })), sign(n === round.answer)));
    });
    const machines = model.get("machines").map(({ name }) =>
      `${name} ${choice(round, name) === round.answer ? "right" : "wrong"}`);
    said.replaceChildren(sign(good), good ? " Right. "
      : ` Wrong: it is number ${round.answer + 1}. `,
      machines.length ? `${machines.join(", ")}.` : "");
    next.hidden = false;
    next.focus({ preventScroll: true });
  };
  const query = html("figure", { class: "query" }, picture(model.get("infrared")[round.query],
    "the infrared picture that asks", model, watch),
    html("figcaption", {}, `infrared, ${number + 1} of ${many}`));
  const box = html("div", { class: "round" }, query, html("div", {},
    html("div", { class: "candidates" }, ...buttons), html("div", { class: "bar" }, said, next)));
  box.addEventListener("keydown", (event) => {
    const place = Number(event.key) - 1;
    if (!(place >= 0 && place < buttons.length)) return;
    event.preventDefault();
    event.stopPropagation();
    pick(place);
  });
  return { box, first: buttons[0] };
}

// Eight rounds are few; so the machines' share over the whole test stands below.
function overall(model) {
  const rounds = model.get("rounds");
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const shares = model.get("machines").map(({ name, overall: share }) =>
    `${name} ${percent(share)}`);
  const luck = percent(chance(rounds) / rounds.length);
  const many = rounds[0].candidates.length;
  const few = `${rounds.length} rounds say little: one more or less is luck. `;
  if (!shares.length) return `${few}Guessing finds ${luck}.`;
  return `${few}Over all ${model.get("asked")} infrared test pictures, each among ${many} people `
    + `drawn for it: ${shares.join(", ")}; guessing ${luck}.`;
}

// The table at the end: a mark a round, and the sums beside chance.
function result(model, again) {
  const rounds = model.get("rounds");
  const players = [["you", "", model.get("picks")],
    ...model.get("machines").map(({ name, title }) => [name, title,
    rounds.map((round) => choice(round, name))])];
  const lines = players.map(([name, title, picks]) => html("tr", { "data-player": name },
    html("th", { scope: "row", text: name, title }),
    ...picks.map((place, n) => html("td", {}, sign(place === rounds[n].answer))),
      html("td", { class: "sum", text: `${right(rounds, picks)} of ${rounds.length}` })));
  const luck = html("tr", { "data-player": "chance" }, html("th", { scope: "row", text: "chance" }),
    html("td", { colspan: rounds.length, text: "guessing, on average" }),
    html("td", { class: "sum", text: `${chance(rounds).toFixed(1)} of ${rounds.length}` }));
  return html("div", { class: "result" }, html("div", { class: "scroll" },
    html("table", { class: "score" }, html("caption", { text: "Right answers, round by round" }),
    html("tbody", {}, ...lines, luck))), html("p", { class: "overall" }, overall(model)),
  html("button", { type: "button", class: "strong", "data-do": "again", text: "play again",
    onclick: again }));
}

function render({ model, el }) {
  let watch = watcher(model);
  const place = html("div", { class: "place" });
  const coarse = html("input", { type: "checkbox", onchange: () =>
    assign(model, { coarse: coarse.checked }) });
  const [width, height] = model.get("small");
  const bar = html("div", { class: "bar" }, html("label", { class: "check" }, coarse,
    ` as small as the machines see them (${width} × ${height} pixels)`));
  bar.hidden = !model.get("machines").length;
  el.append(html("div", { class: "bdlab-live game", ...ownKeys }, bar, place));
  const show = (focus) => {
    watch.stop();
    watch = watcher(model);
    const number = model.get("picks").length;
    if (number >= model.get("rounds").length) {
      place.replaceChildren(result(model, () => {
        assign(model, { picks: [] });
        show(true);
      }));
      return;
    }
    const { box, first } = board(model, watch, number, () => show(true));
    place.replaceChildren(box);
    if (focus) first.focus({ preventScroll: true });
  };
  show(false);
  return () => watch.stop();
}

export default { render };
