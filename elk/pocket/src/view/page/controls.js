// The controls of a board: lists to choose values of a field from.

import { change, state } from "./board_address.js";
import * as store from "./board_store.js";
import { by, element, plain } from "./element.js";
import { short } from "./moment.js";

let layouts = [];

/** Makes the controls of a board. */
export function start(controls) {
  layouts = controls;
  by("controls").replaceChildren(...controls.map(make));
  by("controls").hidden = controls.length === 0;
}

const chosen = ({ id, values }) => state.controls[id] ?? values.map(String);

function make(control) {
  const list = element("div", { class: "options", role: "group", "aria-label": plain(control.title) });
  const input = element("input", { type: "text", placeholder: "Search…", "aria-label": `Search ${plain(control.title)}`, autocomplete: "off", spellcheck: "false" });
  const clear = element("button", { type: "button", class: "quiet", onclick: () => set(control, []) }, "Any");
  const menu = element("details", { class: "menu control", "data-control": control.id },
    element("summary", {}, element("span", { class: "dim" }, plain(control.title)), element("b", {}, "Any")),
    element("div", { class: "panel" }, element("div", { class: "control-head" }, input, clear), list));
  menu.addEventListener("toggle", () => menu.open && fill(control, list, input.value));
  input.addEventListener("input", () => fill(control, list, input.value));
  return menu;
}

/** Shows what is chosen. */
export function show() {
  for (const control of layouts) {
    const values = chosen(control);
    const menu = by("controls").querySelector(`[data-control="${CSS.escape(control.id)}"]`);
    menu.classList.toggle("set", values.length > 0);
    menu.querySelector("summary b").textContent = values.length === 0 ? "Any" : plain(values.length > 2 ? `${values.length} chosen` : values.join(", "));
    if (menu.open) fill(control, menu.querySelector(".options"), menu.querySelector("input").value);
  }
}

async function fill(control, list, prefix) {
  let choices;
  try {
    ({ choices } = await store.choices(control.id, prefix));
  } catch (fault) {
    return list.replaceChildren(element("p", { class: "hint" }, plain(fault.message)));
  }
  const values = chosen(control);
  const found = choices.map(({ value, documents }) => [String(value), documents]);
  // What is chosen can be taken away again also where it has no documents.
  const gone = values.filter((value) => prefix === "" && !found.some(([one]) => one === value)).map((value) => [value, 0]);
  const focused = document.activeElement?.dataset?.value;
  list.replaceChildren(...[...gone, ...found].map(([value, documents]) => option(control, value, documents, values.includes(value))));
  if (found.length + gone.length === 0) list.append(element("p", { class: "hint" }, "No values in this time"));
  if (focused !== undefined) [...list.children].find((one) => one.dataset.value === focused)?.focus();
}

function option(control, value, documents, isChosen) {
  const toggle = () => {
    const rest = chosen(control).filter((one) => one !== value);
    set(control, isChosen ? rest : [...rest, value]);
  };
  return element("button", { type: "button", class: "option", "data-value": value, "aria-pressed": isChosen, onclick: toggle },
    element("bdi", {}, plain(value)), element("span", { class: "dim" }, short(documents)));
}

function set(control, values) {
  const controls = { ...state.controls, [control.id]: values };
  // Nothing chosen needs no word, unless the board is saved with a choice.
  if (values.length === 0 && control.values.length === 0) delete controls[control.id];
  change({ controls });
}
