// The address of a board holds its whole state: `/app/dashboards#/view/ID?from=…&to=…&q=…&filter=…&c.CONTROL=…&full=PANEL`.

/** What is not in the address is as the board is saved: `null`. */
export const state = { view: "", q: null, from: null, to: null, refresh: null, filters: [], controls: {}, full: "" };

const SINGLE = ["q", "from", "to", "refresh"];
const CONTROL = "c.";

let changed = () => {};

/** Calls `listener(old)` after every change, by the page or by the browser's own buttons. */
export function onChange(listener) {
  changed = listener;
  addEventListener("popstate", () => {
    const old = structuredClone(state);
    read();
    changed(old);
  });
}

export function read() {
  const [path, search = ""] = location.hash.split(/\?(.*)/su);
  const given = new URLSearchParams(search);
  const view = /^#\/view\/([^/]+)/u.exec(path);
  state.view = view ? decoded(view[1]) : "";
  for (const key of SINGLE) state[key] = given.get(key);
  state.filters = given.getAll("filter");
  state.full = given.get("full") ?? "";
  state.controls = {};
  for (const key of new Set(given.keys())) {
    if (key.startsWith(CONTROL)) state.controls[key.slice(CONTROL.length)] = given.getAll(key).filter((value) => value !== "");
  }
  readKibana(given.get("_g"));
}

// A link made for Kibana has the time range in its own notation.
function readKibana(global) {
  const time = /time:\(from:'?([^',)]+)'?,to:'?([^',)]+)'?\)/u.exec(global ?? "");
  if (time) [, state.from, state.to] = time;
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** Changes the state: a new entry in the history, or with `replace` the same one. */
export function change(changes, { replace = false } = {}) {
  const old = structuredClone(state);
  Object.assign(state, changes);
  const hash = address(state);
  if (hash === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", location.pathname + hash);
  changed(old);
}

/** The part after the page's path that stands for a state. */
export function address({ view, filters, controls, full, ...single }) {
  if (view === "") return "#/list";
  const pairs = SINGLE.filter((key) => single[key] !== null && single[key] !== undefined).map((key) => [key, single[key]]);
  for (const filter of filters) pairs.push(["filter", filter]);
  // An empty value says that nothing is chosen, where the board is saved with a choice.
  for (const [id, values] of Object.entries(controls)) for (const value of values.length > 0 ? values : [""]) pairs.push([CONTROL + id, value]);
  if (full !== "") pairs.push(["full", full]);
  const search = new URLSearchParams(pairs).toString();
  return `#/view/${encodeURIComponent(view)}${search === "" ? "" : `?${search}`}`;
}

/** Adds a clause that all panels have to match, or takes it away where it is. */
export function toggleFilter(clause) {
  const rest = state.filters.filter((one) => one !== clause);
  change({ filters: rest.length === state.filters.length ? [...rest, clause] : rest });
}

export const opposite = (clause) => (/^not \(.*\)$/su.test(clause) ? clause.slice(5, -1) : `not (${clause})`);

/** Shows a span of time, in milliseconds. */
export function zoom(from, to) {
  change({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
}

/** Where another board is found with what is set here. */
export function link({ board, keepsFilters, keepsTime }) {
  const time = keepsTime ? { from: state.from, to: state.to, refresh: state.refresh } : {};
  const kept = keepsFilters ? { q: state.q, filters: state.filters, controls: state.controls } : { filters: [], controls: {} };
  return address({ view: board, full: "", ...time, ...kept });
}
