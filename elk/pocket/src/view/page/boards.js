// The page: what happens when, and nothing else.

import { change, onChange, read, state } from "./board_address.js";
import * as boards from "./board_list.js";
import * as range from "./board_range.js";
import * as store from "./board_store.js";
import * as controls from "./controls.js";
import { by, element, plain } from "./element.js";
import * as panels from "./panel.js";
import * as pills from "./pills.js";
import * as box from "./search_box.js";

/** Panels that are asked for at once. */
const AT_ONCE = 4;

let running = null;
let timer = 0;
let board = null;
let shown = [];

/** Shows what the address says: the list, or a board. */
async function open() {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  for (const panel of shown) panels.dispose(panel);
  [board, shown] = [null, []];
  document.body.classList.toggle("is-list", state.view === "");
  by("page-fault").hidden = true;
  try {
    if (state.view === "") await openList(mine);
    else await openBoard(mine);
  } catch (fault) {
    if (mine.signal.aborted) return;
    by("page-fault").hidden = false;
    by("page-fault").replaceChildren(plain(fault.message), " ", element("button", { type: "button", class: "quiet", onclick: open }, "Try again"));
  }
}

async function openList({ signal }) {
  document.title = "Boards · Pocket ELK";
  by("title").textContent = "Boards";
  by("description").textContent = "";
  const cards = await boards.list(signal);
  if (signal.aborted) return;
  by("grid").replaceChildren(...cards);
  document.body.classList.add("loaded");
}

async function openBoard(mine) {
  const layout = await store.layout(state.view, mine.signal);
  if (mine.signal.aborted) return;
  board = layout;
  range.of(board);
  document.title = `${board.title} · Pocket ELK`;
  by("title").textContent = plain(board.title);
  by("description").textContent = plain([board.description, ...board.omitted.map((part) => `Left out: ${part}.`)].join(" "));
  controls.start(board.controls);
  // Screen readers and phones go by the order of elements: rows, then columns.
  const inOrder = [...board.panels].sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);
  shown = inOrder.map(panels.make);
  by("grid").replaceChildren(...shown.map(({ node }) => node));
  showControls();
  await load("user");
}

/** Asks for all panels, a few at a time, and looks again later. */
async function load(cause) {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  if (cause === "user") by("progress").classList.add("busy");
  box.showFault(null);
  const begun = performance.now();
  // What is in sight comes first.
  const seen = (panel) => (panel.node.getBoundingClientRect().top < innerHeight ? 0 : 1);
  const waiting = shown.filter(({ id, asks }) => asks && (state.full === "" || state.full === id)).sort((a, b) => seen(a) - seen(b));
  let unreadable = null;
  const work = async () => {
    for (let panel = waiting.shift(); panel && !mine.signal.aborted; panel = waiting.shift()) {
      await panels.load(panel, mine.signal).catch((fault) => { if (panels.isOfAll(fault)) unreadable = fault; });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (mine.signal.aborted) return;
  by("progress").classList.remove("busy");
  document.body.classList.add("loaded");
  document.body.dataset.loads = Number(document.body.dataset.loads ?? 0) + 1;
  if (unreadable) return box.showFault(unreadable);
  rest(performance.now() - begun);
}

function rest(took) {
  const every = range.refresh();
  if (every > 0 && !document.hidden) timer = setTimeout(load, Math.max(every - took, took), "refresh");
}

/** Brings everything around the panels to what the address says. */
function showControls() {
  if (!board) return;
  box.show(state.q ?? board.query);
  range.show();
  controls.show();
  pills.show();
  for (const panel of shown) panel.relink?.();
  panels.showFull(shown);
}

function search(text) {
  change({ q: text === board?.query ? null : text });
}

const figures = ({ q, from, to, filters, controls }) => JSON.stringify([q, from, to, filters, controls]);

function startKeys() {
  const keys = { "/": () => by("query").select(), " ": range.pauseOrFollow, r: () => load("user"), "?": () => by("keys").showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return escape();
    const { target } = event;
    const acts = target.matches("button, summary, a") && (event.key === " " || event.key === "Enter");
    if (target.matches("input") || acts || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function escape() {
  const menu = document.querySelector(".menu[open]");
  if (menu) menu.open = false;
  else if (document.activeElement === by("query")) by("query").blur();
  else if (state.full !== "") change({ full: "" });
}

/** Menus close when something else is clicked; charts take the colours of the page. */
function startPage() {
  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(target) && target.isConnected) menu.open = false;
  });
  const recolor = () => shown.forEach(panels.redraw);
  new MutationObserver(recolor).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
  document.addEventListener("visibilitychange", () => document.hidden || range.refresh() === 0 || load("refresh"));
  by("help").addEventListener("click", () => by("keys").showModal());
}

function start() {
  read();
  range.start(() => shown.find(({ drawing }) => drawing)?.drawing.range);
  startKeys();
  startPage();
  box.start({ label: "Filter all panels, in KQL", hint: 'Filter…  service.name: "shop"   http.response.status_code >= 500', search, range: range.given });
  onChange((old) => {
    // A board that is still on its way begins again.
    if (old.view !== state.view || !board) return open();
    showControls();
    if (figures(old) !== figures(state)) load("user");
    else if (old.full !== state.full) { shown.forEach(panels.redraw); load("refresh"); }
    else if (range.refresh() > 0) load("refresh");
    else clearTimeout(timer);
  });
  open();
}

start();
