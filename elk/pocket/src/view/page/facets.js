// Filters by level and service, with what each would show.

import { listed, toggle } from "./address.js";
import { by, element, plain } from "./element.js";
import { byRank, rank } from "./level.js";
import { short } from "./moment.js";

/** Shows the counts of a summary; a chosen value stays even where it has no lines. */
export function show(summary) {
  fill(by("levels"), "level", summary.levels, byRank);
  fill(by("services"), "service", summary.services, (a, b) => a.localeCompare(b));
}

/** Shows what is chosen, before the counts come. */
export function mark() {
  for (const chip of document.querySelectorAll(".chip")) {
    chip.setAttribute("aria-pressed", listed(chip.dataset.key).includes(chip.dataset.value));
  }
}

function fill(place, key, counts, order) {
  const found = new Map(counts.map(({ name, count }) => [String(name), count]));
  for (const value of listed(key)) if (!found.has(value)) found.set(value, 0);
  const names = [...found.keys()].sort(order);
  // Chips are kept, so that the focus stays where it is while counts change.
  const old = new Map([...place.children].map((chip) => [chip.dataset.value, chip]));
  const chips = names.map((name) => {
    const chip = old.get(name) ?? made(key, name);
    chip.lastChild.textContent = short(found.get(name));
    return chip;
  });
  if (chips.length !== place.children.length || chips.some((chip, at) => place.children[at] !== chip)) place.replaceChildren(...chips);
  mark();
}

function made(key, value) {
  const dot = key === "level" ? element("i", { class: `dot bg-${rank(value)}`, "aria-hidden": "true" }) : null;
  return element("button", { class: "chip", type: "button", "data-key": key, "data-value": value, "aria-pressed": "false", onclick: () => toggle(key, value) },
    dot, element("span", {}, element("bdi", {}, plain(value))), element("span", { class: "count" }, ""));
}
