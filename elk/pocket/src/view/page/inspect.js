// What a panel asked and what was answered.

import * as store from "./board_store.js";
import { by, element, plain } from "./element.js";

/** Asks again for a panel, and shows both sides. */
export async function open({ id, title }) {
  const dialog = by("inspect");
  const content = by("inspect-content");
  by("inspect-title").textContent = title || id;
  content.replaceChildren(element("p", { class: "dim" }, "Asking…"));
  dialog.showModal();
  try {
    const { exchanges = [], took, rows } = await store.inspected(id);
    content.replaceChildren(
      element("p", { class: "dim" }, `${rows} rows, ${exchanges.length} ${exchanges.length === 1 ? "request" : "requests"}, ${took} ms in all`),
      ...exchanges.flatMap(exchange));
  } catch (fault) {
    content.replaceChildren(element("p", { class: "fault" }, plain(fault.message)));
  }
}

function exchange({ request, answer, bytes, took }, at) {
  const cut = bytes > answer.length ? `, the first ${Math.round(answer.length / 1024)} of ${Math.round(bytes / 1024)} KiB` : "";
  return [
    element("h3", {}, `Request ${at + 1}`), element("pre", { class: "json", tabindex: "0" }, plain(request)),
    element("h3", {}, `Answer ${at + 1}, after ${took} ms${cut}`), element("pre", { class: "json", tabindex: "0" }, plain(answer)),
  ];
}
