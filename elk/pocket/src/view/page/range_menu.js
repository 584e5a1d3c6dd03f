// The menu that chooses a time, on every page.

import { by, element } from "./element.js";
import { rangeName, typed, written } from "./moment.js";

const PRESETS = ["now-5m", "now-15m", "now-1h", "now-6h", "now-1d", "now-7d"];

/**
 * Makes the menu. `given()` says both ends as the address has them, `shown()` the moments they stood for, where there
 * were any; `choose({from, to})` takes what is chosen.
 */
export function start({ given, shown, choose }) {
  const take = (range) => {
    by("range").open = false;
    choose(range);
  };
  by("presets").replaceChildren(...PRESETS.map((from) =>
    element("button", { type: "button", "data-from": from, onclick: () => take({ from, to: "now" }) }, rangeName(from, "now"))));
  const form = by("custom").elements;
  by("range").addEventListener("toggle", () => {
    if (!by("range").open) return;
    const moments = shown() ?? [];
    given().forEach((text, at) => {
      const isMath = text.startsWith("now") || moments[at] === undefined;
      form[["from", "to"][at]].value = isMath ? text : written(new Date(moments[at]));
    });
  });
  by("custom").addEventListener("submit", (event) => {
    event.preventDefault();
    take({ from: typed(form.from.value), to: typed(form.to.value) });
  });
}

/** Names the range, and marks the preset that it is. */
export function show(from, to) {
  by("range-name").textContent = rangeName(from, to);
  for (const preset of by("presets").children) preset.setAttribute("aria-pressed", preset.dataset.from === from && to === "now");
}
