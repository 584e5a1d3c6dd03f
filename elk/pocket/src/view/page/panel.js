// A panel: its frame, its states, and who draws what is in it.

import { change, link, state } from "./board_address.js";
import * as store from "./board_store.js";
import { makeDocuments, makeTable } from "./cells.js";
import { make as makeChart } from "./chart.js";
import { by, element, plain } from "./element.js";
import { open as inspect } from "./inspect.js";
import { make as makeItems } from "./item_chart.js";
import { isSafe, nodesOf } from "./markdown.js";
import { make as makeTiles } from "./tiles.js";

const DRAWN = { xy: makeChart, heatmap: makeItems, pie: makeItems, gauge: makeItems, metric: makeTiles, table: makeTable, documents: makeDocuments };
const STILL = { markdown: textOf, links: linksOf, unsupported: unsupportedOf };

/** Makes the panel of a layout. */
export function make(layout) {
  const node = element("section", { class: `panel kind-${layout.kind}`, id: `panel-${layout.id}`, "aria-label": plain(layout.title || layout.id) });
  const { x, y, width, height } = layout.grid;
  node.style.gridArea = `${y + 1} / ${x + 1} / span ${height} / span ${width}`;
  node.style.setProperty("--rows", height);
  const body = element("div", { class: "panel-body" });
  const asks = Object.hasOwn(DRAWN, layout.kind);
  const panel = { ...layout, node, body, asks, view: null, drawing: null };
  node.append(...(layout.titleShown || asks ? [head(panel)] : []), body);
  if (asks) {
    node.dataset.state = "loading";
    panel.note = element("p", { class: "panel-note", role: "status", hidden: true });
    node.append(panel.note);
  } else {
    STILL[layout.kind](panel);
    node.dataset.state = "ready";
  }
  return panel;
}

function head(panel) {
  const button = (name, sign, act) => element("button", { type: "button", class: "bare", title: name, "aria-label": `${name}: ${plain(panel.title)}`, onclick: act }, sign);
  const full = () => change({ full: state.full === panel.id ? "" : panel.id });
  return element("header", { class: "panel-head" },
    element("h2", { title: panel.description ? plain(panel.description) : null }, panel.titleShown ? plain(panel.title) : null),
    panel.asks ? element("span", { class: "panel-tools" }, button("Inspect", "{ }", () => inspect(panel)), button("Full screen", "⤢", full)) : null);
}

/** Asks for the panel's figures and draws them; what stands stays until the answer is there. */
export async function load(panel, signal) {
  if (!panel.asks) return;
  panel.node.setAttribute("aria-busy", "true");
  try {
    show(panel, await store.panel(panel.id, signal));
  } catch (fault) {
    if (signal.aborted) return;
    fail(panel, fault);
    throw fault;
  } finally {
    if (!signal.aborted) panel.node.setAttribute("aria-busy", "false");
  }
}

function show(panel, drawing) {
  panel.drawing = drawing;
  panel.node.dataset.took = drawing.took;
  panel.node.dataset.rows = drawing.rows;
  // A number that is not there is said by its tile.
  if (drawing.rows === 0 && panel.kind !== "metric") return tell(panel, "empty", "Nothing in this time", true);
  if (panel.node.dataset.state !== "ready" && !panel.view) panel.body.replaceChildren();
  panel.view ??= DRAWN[panel.kind](panel.body, panel);
  tell(panel, drawing.partial ? "partial" : "ready", drawing.partial ? `Not all of it: ${drawing.partial}` : "");
  panel.view.show(drawing);
}

/** What is wrong with the question itself is said once, above; what is shown here is then only marked as old. */
function fail(panel, fault) {
  tell(panel, "failed", panel.view && isOfAll(fault) ? "" : fault.message, !panel.view);
}

/** Whether no panel can be asked for, rather than this one. */
export const isOfAll = ({ kind }) => ["query", "time", "request"].includes(kind);

/** Says a state; with `alone` nothing else is shown. */
function tell(panel, name, text, alone = false) {
  panel.node.dataset.state = name;
  panel.node.classList.toggle("alone", alone);
  panel.note.hidden = text === "";
  panel.note.textContent = plain(text);
}

/** Draws again what is there: in other colours, in another size. */
export function redraw(panel) {
  if (panel.view && (panel.drawing.rows > 0 || panel.kind === "metric")) panel.view.show(panel.drawing);
}

export function dispose(panel) {
  panel.view?.dispose?.();
  panel.node.remove();
}

function textOf({ body, text }) {
  body.classList.add("markdown");
  body.append(...nodesOf(text));
}

function unsupportedOf({ body, node, reason }) {
  node.classList.add("alone");
  body.append(element("p", { class: "panel-note" }, plain(`Not shown here: ${reason}`)));
}

function linksOf(panel) {
  const nav = element("nav", { class: "links", "aria-label": "Boards" });
  panel.body.append(nav);
  panel.relink = () => {
    nav.replaceChildren(...panel.links.map(anchor));
    // Where there is no room for all of them, the board that is open is in sight.
    const here = nav.querySelector("[aria-current]");
    if (here) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
  };
  panel.relink();
}

function anchor({ label, title, url, board, known, newTab, ...keeps }) {
  const target = newTab ? { target: "_blank", rel: "noreferrer" } : {};
  if (board === undefined) {
    return url && isSafe(url) ? element("a", { href: url, ...target }, plain(label)) : element("span", { class: "dim" }, plain(label));
  }
  if (!known) return element("span", { class: "dim", title: "This board is not here" }, plain(label));
  const here = board === state.view;
  return element("a", { href: `/app/dashboards${link({ board, ...keeps })}`, title: plain(title), "aria-current": here ? "page" : null, ...target }, plain(label));
}

/** Shows one panel over all of the window, or the whole board. */
export function showFull(panels) {
  const full = panels.find((panel) => panel.id === state.full);
  document.body.classList.toggle("has-full", Boolean(full));
  for (const panel of panels) panel.node.classList.toggle("full", panel === full);
  by("grid").classList.toggle("one", Boolean(full));
}
