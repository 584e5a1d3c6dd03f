// The address of the page holds its whole state.

const DEFAULTS = { q: "", level: "", service: "", from: "now-15m", to: "now", live: "1", open: "", tab: "fields" };

/** What the page shows. Lists are texts with commas, as in the address. */
export const state = { ...DEFAULTS };

let changed = () => {};

/** Calls `listener(old)` after every change, by the page or by the browser's own buttons. */
export function onChange(listener) {
  changed = listener;
  addEventListener("popstate", () => {
    const old = { ...state };
    read();
    changed(old);
  });
}

export function read() {
  const given = new URLSearchParams(location.search);
  for (const key of Object.keys(DEFAULTS)) state[key] = given.get(key) ?? DEFAULTS[key];
}

/** Changes the state: a new entry in the history, or with `replace` the same one. */
export function change(changes, { replace = false } = {}) {
  const old = { ...state };
  Object.assign(state, changes);
  const address = location.pathname + text();
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  changed(old);
}

function text() {
  const pairs = Object.keys(DEFAULTS).filter((key) => state[key] !== DEFAULTS[key]).map((key) => [key, state[key]]);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

/** Whether the lines shown would be others than before. */
export function selects(old) {
  return ["q", "level", "service", "from", "to"].some((key) => state[key] !== old[key]);
}

export function isFiltered() {
  return state.q !== "" || state.level !== "" || state.service !== "";
}

/** A range that ends now can be followed. */
export function isLive() {
  return state.live === "1" && state.to === "now";
}

export const listed = (key) => (state[key] === "" ? [] : state[key].split(","));

/** Adds or takes away a value of a list. */
export function toggle(key, value) {
  const values = listed(key);
  const rest = values.filter((one) => one !== value);
  change({ [key]: (rest.length === values.length ? [...values, value] : rest).join(",") });
}

/** Narrows the search. */
export function narrow(clause) {
  change({ q: state.q === "" ? clause : `${wrapped(state.q)} and ${clause}` });
}

const wrapped = (query) => (/\bor\b/iu.test(query) ? `(${query})` : query);
