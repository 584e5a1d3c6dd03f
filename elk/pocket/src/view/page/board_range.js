// Which time is shown, and how often it is looked at again.

import { change, state } from "./board_address.js";
import { by, element } from "./element.js";
import { span } from "./moment.js";
import * as menu from "./range_menu.js";

const REFRESHES = [5000, 10_000, 30_000, 60_000];

let board = null;

export const from = () => state.from ?? board.from;
export const to = () => state.to ?? board.to;

/** Both ends, as the address or the board has them. */
export const given = () => (board ? { from: from(), to: to() } : {});

/** Milliseconds between two looks; 0: none. */
export function refresh() {
  const set = state.refresh === null ? board.refresh : Number(state.refresh);
  return Number.isFinite(set) && set > 0 ? Math.max(set, 1000) : 0;
}

/** The board whose own time holds where the address says nothing. */
export function of(layout) {
  board = layout;
}

export function show() {
  menu.show(from(), to());
  const every = refresh();
  by("live").setAttribute("aria-pressed", every > 0);
  by("live-name").textContent = every > 0 ? `Every ${span(every).replace("seconds", "s").replace("1 minute", "60 s")}` : "Paused";
  by("zoom-out").hidden = state.from === null && state.to === null;
}

export function start(rangeShown) {
  menu.start({ given: () => (board ? [from(), to()] : ["", ""]), shown: rangeShown, choose: change });
  by("zoom-out").addEventListener("click", () => change({ from: null, to: null }));
  by("live").addEventListener("click", pauseOrFollow);
  for (const every of REFRESHES) {
    by("refreshes").append(element("button", { type: "button", onclick: () => { by("rate").open = false; change({ refresh: String(every) }); } }, `Every ${span(every)}`));
  }
}

export function pauseOrFollow() {
  if (!board) return;
  const every = board.refresh ?? 10_000;
  change({ refresh: refresh() > 0 ? "0" : String(every) }, { replace: true });
}
