// All boards.

import * as store from "./board_store.js";
import { address } from "./board_address.js";
import { element, plain } from "./element.js";

/** The list as elements. */
export async function list(signal) {
  const { boards } = await store.list(signal);
  const empty = { filters: [], controls: {}, full: "" };
  return boards.map(({ id, title, description, panels }) =>
    element("a", { class: "board-card", href: `/app/dashboards${address({ view: id, ...empty })}` },
      element("h2", {}, plain(title)), element("p", {}, plain(description)), element("p", { class: "dim" }, `${panels} panels`)));
}
