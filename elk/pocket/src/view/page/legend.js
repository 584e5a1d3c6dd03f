// The series of a chart by name: a click hides one, a second click on the sign filters by it.

import { toggleFilter } from "./board_address.js";
import { element, plain } from "./element.js";

/** Characters of a long name that always stay. */
const TAIL = 10;

/** Fills the legend; entries are kept, so that the focus stays where it is. */
export function show(place, view) {
  const { series, legend } = view.shown;
  if (!legend) return place.replaceChildren();
  const old = new Map([...place.children].map((entry) => [entry.dataset.id, entry]));
  const entries = series.map((one) => old.get(one.id) ?? made(one, view));
  if (entries.length !== place.children.length || entries.some((entry, at) => place.children[at] !== entry)) place.replaceChildren(...entries);
  entries.forEach((entry, at) => {
    entry.firstChild.setAttribute("aria-pressed", !view.hidden.has(entry.dataset.id));
    entry.querySelector(".dot").style.background = series[at].color;
  });
}

function made({ id, name, filter }, view) {
  const dot = element("i", { class: "dot", "aria-hidden": "true" });
  const light = (type) => view.chart.dispatchAction({ type, seriesId: id });
  const button = element("button", { type: "button", class: "name", title: `${plain(name)}: click hides it, with Shift all others`, onclick: (event) => toggle(event, id, view) },
    dot, nameOf(plain(name)));
  const only = filter ? element("button", { type: "button", class: "bare only", title: `Filter: ${plain(filter)}`, "aria-label": `Filter by ${plain(name)}`, onclick: () => toggleFilter(filter) }, "+") : null;
  return element("div", { class: "entry", "data-id": id, onpointerenter: () => light("highlight"), onpointerleave: () => light("downplay") }, button, only);
}

/** Names that begin alike differ at their ends: where there is no room, the middle goes. */
function nameOf(name) {
  if (name.length <= TAIL * 2) return element("bdi", {}, name);
  return element("span", { class: "long-name" }, element("bdi", {}, name.slice(0, -TAIL)), element("bdi", { class: "tail" }, name.slice(-TAIL)));
}

function toggle(event, id, view) {
  const { hidden, shown } = view;
  const others = shown.series.map((series) => series.id).filter((other) => other !== id);
  if (event.shiftKey) {
    const alone = others.every((other) => hidden.has(other));
    hidden.clear();
    if (!alone) for (const other of others) hidden.add(other);
  } else if (!hidden.delete(id)) hidden.add(id);
  show(event.currentTarget.closest(".legend"), view);
  view.draw();
}
