// The filters that were added by a click.

import { change, opposite, state } from "./board_address.js";
import { by, element, plain } from "./element.js";

export function show() {
  const pills = state.filters.map((clause, at) => {
    const negated = opposite(clause);
    return element("span", { class: `pill${clause.startsWith("not ") ? " negated" : ""}` },
      element("button", { type: "button", title: "Turn into its opposite", onclick: () => replace(at, negated) }, element("bdi", {}, plain(clause))),
      element("button", { type: "button", "aria-label": `Remove the filter ${plain(clause)}`, onclick: () => replace(at) }, "×"));
  });
  by("pills").replaceChildren(...pills);
  by("pills").hidden = pills.length === 0;
}

function replace(at, ...clause) {
  change({ filters: state.filters.toSpliced(at, 1, ...clause) });
}
