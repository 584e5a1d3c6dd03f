// The page: what happens when, and nothing else.

import { change, isFiltered, isLive, onChange, read, selects, state } from "./address.js";
import { by, element } from "./element.js";
import * as facets from "./facets.js";
import * as list from "./list.js";
import { clock, day, number, span } from "./moment.js";
import * as range from "./range_menu.js";
import * as box from "./search_box.js";
import * as store from "./store.js";
import * as volume from "./volume.js";

const SIZE = 200;
/** Rest between two looks, and how many times longer than the look itself it is at least. */
const REST = 1000;
const REST_RATIO = 2;

let running = null;
let timer = 0;
let shown = null;

/** Asks for lines and counts, and shows them. `cause`: `user` shows that something is under way, `tail` does not. */
async function load(cause) {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  const begun = performance.now();
  let unreadable = false;
  if (cause === "user") by("progress").classList.add("busy");
  try {
    const [found, counts] = await Promise.all([store.lines(mine.signal, { size: SIZE }), store.summary(mine.signal)]);
    if (mine !== running) return;
    showFault(null);
    list.show(found.lines, { fresh: cause === "tail" });
    showCounts(counts);
    by("older").hidden = !found.more;
  } catch (fault) {
    if (mine !== running) return;
    unreadable = fault.kind === "query" || fault.kind === "time" || fault.kind === "request";
    showFault(fault);
  }
  by("progress").classList.remove("busy");
  document.body.classList.add("loaded");
  // What cannot be read now cannot be read in a second either.
  if (!unreadable) rest(performance.now() - begun);
}

function rest(took) {
  if (isLive() && !document.hidden) timer = setTimeout(load, Math.max(REST, took * REST_RATIO), "tail");
}

function showCounts(counts) {
  shown = counts;
  volume.show(counts);
  facets.show(counts);
  by("total").textContent = `${number(counts.total)} ${counts.total === 1 ? "line" : "lines"}`;
  const [from, to] = [new Date(counts.from), new Date(counts.to)];
  const sameDay = from.toDateString() === to.toDateString();
  by("span").textContent = `${day(from)} ${clock(from)} – ${sameDay ? "" : `${day(to)} `}${clock(to)} · ${span(counts.width)} a bar`;
  showState(counts);
}

/** Says why there is nothing, and what to do. */
function showState({ total, latest }) {
  const place = by("state");
  place.hidden = total > 0;
  if (total > 0) return;
  const button = (name, changes) => element("button", { type: "button", class: "quiet", onclick: () => change(changes) }, name);
  if (latest === null || latest === undefined) {
    place.replaceChildren(
      element("h2", {}, "No lines yet"),
      element("p", {}, "The store is empty. Ship a log file to it, and its lines appear here by themselves:"),
      element("pre", {}, "blueox run /var/log/app.log --to http://127.0.0.1:9200"));
    return;
  }
  const ago = Date.now() - latest;
  const actions = [];
  if (isFiltered()) actions.push(button("Clear search and filters", { q: "", level: "", service: "" }));
  actions.push(button("Last 24 hours", { from: "now-1d", to: "now" }));
  if (latest < shown.from || latest > shown.to) actions.push(button("Go to the newest line", { q: "", level: "", service: "", ...moments(latest - 900_000, latest + 1000) }));
  place.replaceChildren(
    element("h2", {}, isFiltered() ? "Nothing matches" : "No lines in this time"),
    element("p", {}, `The newest line of all is ${ago < 60_000 ? "less than a minute" : span(ago)} old.`),
    element("div", { class: "actions" }, actions));
}

function showFault(fault) {
  const query = fault?.kind === "query";
  box.showFault(query ? fault : null);
  by("fault").hidden = !fault || query;
  document.body.classList.toggle("stale", Boolean(fault));
  if (!fault || query) return;
  by("fault").replaceChildren(element("b", {}, "No answer: "), fault.message, " ",
    element("button", { type: "button", class: "quiet", onclick: () => load("user") }, "Try again"));
}

async function showOlder() {
  const { sort } = list.last() ?? {};
  if (!sort) return;
  change({ live: "0" }, { replace: true });
  by("older").disabled = true;
  try {
    const to = new Date(shown.to).toISOString();
    const found = await store.lines(null, { to, size: SIZE, after: JSON.stringify(sort) });
    list.append(found.lines);
    by("older").hidden = !found.more;
  } catch (fault) {
    showFault(fault);
  }
  by("older").disabled = false;
}

/** Brings the controls to what the address says. */
function showControls() {
  box.show(state.q);
  range.show(state.from, state.to);
  by("live").setAttribute("aria-pressed", isLive());
  by("live-name").textContent = isLive() ? "Live" : "Paused";
  document.title = `${state.q === "" ? "Logs" : state.q} · Pocket ELK`;
  facets.mark();
}

const moments = (from, to) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), live: "0" });

function pauseOrFollow() {
  if (isLive()) return change({ live: "0" }, { replace: true });
  change({ live: "1", to: "now", from: state.from.startsWith("now") ? state.from : "now-15m", open: "" }, { replace: true });
}

function startRange() {
  range.start({
    given: () => [state.from, state.to],
    shown: () => shown && [shown.from, shown.to],
    choose: ({ from, to }) => change({ from, to, ...(to === "now" ? { live: "1" } : {}) }),
  });
  document.addEventListener("click", (event) => {
    if (!by("range").contains(event.target)) by("range").open = false;
  });
}

function startKeys() {
  const enter = () => { const key = list.focused(); if (key) list.toggle(key); };
  const keys = { "/": () => by("query").select(), j: () => list.move(1), k: () => list.move(-1), Enter: enter, " ": pauseOrFollow, "?": () => by("keys").showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || by("keys").open) return;
    if (event.key === "Escape") return escape();
    const { target } = event;
    const types = target.matches("input");
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (arrow && by("list").contains(target)) {
      event.preventDefault();
      return list.move(arrow);
    }
    const acts = target.matches("button, summary, a") && (event.key === " " || event.key === "Enter");
    if (types || acts || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function escape() {
  if (by("range").open) by("range").open = false;
  else if (document.activeElement === by("query")) by("query").blur();
  else if (state.open !== "") change({ open: "", tab: "fields" });
  else document.activeElement?.blur();
}

function start() {
  read();
  startRange();
  startKeys();
  volume.start((from, to) => change(moments(from, to)));
  box.start({ label: "Search the lines, in KQL", hint: 'Search…  timeout   log.level: "error"   http.response.status_code >= 500', search: (q) => change({ q }), range: () => ({ from: state.from, to: state.to }) });
  by("live").addEventListener("click", pauseOrFollow);
  by("help").addEventListener("click", () => by("keys").showModal());
  by("older").addEventListener("click", showOlder);
  document.addEventListener("visibilitychange", () => document.hidden || !isLive() || load("tail"));
  onChange((old) => {
    showControls();
    if (selects(old)) load("user");
    else if (old.live !== state.live && isLive()) load("tail");
    else if (!isLive()) clearTimeout(timer);
    if (old.open !== state.open) list.open();
  });
  showControls();
  load("user");
}

start();
