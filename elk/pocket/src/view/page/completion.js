// What the search box offers to go on with: a list that arrows, Enter, Tab and Esc work on.

import { ask } from "./ask.js";
import { by, element, plain } from "./element.js";

/** Rest after a key before the server is asked, in milliseconds. */
const REST = 80;

let range = () => ({});
let running = null;
let timer = 0;
let choices = [];
let active = -1;

const input = () => by("query");

/** Begins to complete; `given()` says the time of which values are offered, as the address has it. */
export function start(given) {
  range = given;
  input().addEventListener("input", soon);
  input().addEventListener("click", soon);
  input().addEventListener("blur", close);
  input().addEventListener("keydown", key);
  by("search").addEventListener("submit", close);
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(look, REST);
}

async function look() {
  running?.abort();
  const mine = (running = new AbortController());
  const { selectionStart, selectionEnd, value } = input();
  if (selectionStart !== selectionEnd || document.activeElement !== input()) return close();
  try {
    const answer = await ask("/api/complete", { before: value.slice(0, selectionStart), ...range() }, mine.signal);
    if (mine === running && input().value === value) show(answer.choices);
  } catch {
    // Without help the text can still be typed.
    if (mine === running) close();
  }
}

function show(found) {
  [choices, active] = [found, -1];
  by("choices").replaceChildren(...choices.map(({ kind, text, detail }, at) =>
    element("li", { role: "option", id: `choice-${at}`, class: `choice of-${kind}`, "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(at); } },
      element("bdi", {}, plain(text.trim())), element("span", { class: "dim" }, plain(detail)))));
  by("choices").hidden = choices.length === 0;
  input().setAttribute("aria-expanded", choices.length > 0);
  input().removeAttribute("aria-activedescendant");
}

function close() {
  clearTimeout(timer);
  running?.abort();
  show([]);
}

function move(step) {
  const count = choices.length;
  by(`choice-${active}`)?.setAttribute("aria-selected", "false");
  // One place more than there are choices: that of the text as it is.
  active = ((active + 1 + step + count + 1) % (count + 1)) - 1;
  const chosen = by(`choice-${active}`);
  chosen?.setAttribute("aria-selected", "true");
  chosen?.scrollIntoView({ block: "nearest" });
  if (chosen) input().setAttribute("aria-activedescendant", chosen.id);
  else input().removeAttribute("aria-activedescendant");
}

function take(at) {
  const { text, from } = choices[at];
  // What stands behind the cursor stays.
  input().setRangeText(text, from, input().selectionStart, "end");
  input().dispatchEvent(new Event("input"));
}

function key(event) {
  const isOpen = choices.length > 0;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (step) isOpen ? move(step) : soon();
  else if (event.key === "Enter" && active >= 0) take(active);
  else if (event.key === "Tab" && isOpen && !event.shiftKey) take(Math.max(active, 0));
  else if (event.key === "Escape" && isOpen) close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
