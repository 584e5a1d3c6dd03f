// One line, opened: its fields, its JSON, the lines around it.

import { change, narrow, state } from "./address.js";
import { element, plain } from "./element.js";
import { rank } from "./level.js";
import { cells } from "./list.js";
import * as store from "./store.js";

const TABS = { fields: "Fields", json: "JSON", around: "Surrounding lines" };
/** Values longer than this are no use as a filter. */
const FILTER_MAX = 200;
const AROUND = 8;

/** The line at a place, as the list shows it. */
export const lineOf = async (place) => (await store.whole(place)).line;

/** The opened line; it fills itself when the answer comes. */
export function page(place) {
  const body = element("div", { class: "tab-body", role: "tabpanel", "aria-busy": "true" }, element("p", { class: "dim" }, "Loading…"));
  const tabs = Object.entries(TABS).map(([tab, name]) =>
    element("button", { type: "button", role: "tab", "data-tab": tab, onclick: () => select(tab) }, name));
  const select = (tab) => {
    change({ tab }, { replace: true });
    for (const button of tabs) button.setAttribute("aria-selected", button.dataset.tab === tab);
    fill(body, tab, place);
  };
  select(Object.hasOwn(TABS, state.tab) ? state.tab : "fields");
  return element("div", { class: "document" }, element("div", { class: "tabs", role: "tablist" }, tabs), body);
}

const CONTENT = { fields: fieldsOf, json: jsonOf, around: (place) => aroundOf(place, AROUND) };

async function fill(body, tab, place) {
  body.dataset.tab = tab;
  body.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await CONTENT[tab](place);
  } catch (fault) {
    content = element("p", { class: "fault" }, fault.message);
  }
  if (body.dataset.tab !== tab) return;
  body.replaceChildren(content);
  body.setAttribute("aria-busy", "false");
}

async function fieldsOf(place) {
  const { fields } = await store.whole(place);
  const weight = ({ name }) => (name === "message" ? 0 : name.startsWith("error.") ? 1 : 2);
  fields.sort((a, b) => weight(a) - weight(b) || a.name.localeCompare(b.name));
  // Text fields come a second time as `.keyword` where nobody made a template.
  const rows = fields.filter(({ name }) => !name.endsWith(".keyword")).map(({ name, values }) => element("tr", {},
    element("td", { class: "filters" }, filters(name, values)),
    element("th", { scope: "row" }, plain(name)),
    element("td", {}, values.map((value) => element("bdi", { class: "value" }, plain(value))))));
  return element("table", { class: "fields" }, element("tbody", {}, rows));
}

function filters(name, [value]) {
  if (name === "@timestamp" || value === undefined || value.length > FILTER_MAX || value.includes("\n")) return [];
  const clause = `${name}: "${value.replace(/["\\]/gu, "\\$&")}"`;
  const button = (sign, title, text) =>
    element("button", { type: "button", class: "bare", title, "aria-label": `${title} ${name}`, onclick: () => narrow(text) }, sign);
  return [button("+", "Only lines with this", clause), button("−", "Only lines without this", `not ${clause}`)];
}

async function jsonOf(place) {
  const { source } = await store.whole(place);
  return element("pre", { class: "json", tabindex: "0" }, plain(source));
}

async function aroundOf(place, count) {
  const { newer, line, older, file } = await store.around(place, count);
  const row = (one) => element("div", { class: `line rank-${rank(one.level)}${one === line ? " here" : ""}` }, element("div", { class: "row" }, cells(one)));
  const whole = newer.length < count && older.length < count;
  const box = element("div", { class: "around" });
  const more = element("button", { type: "button", class: "quiet", onclick: async () => box.replaceWith(await aroundOf(place, count * 3)) }, "Show more");
  box.append(
    element("p", { class: "hint" }, file ? element("span", {}, "The lines of ", element("code", {}, plain(String(file)))) : "All lines around this one"),
    ...[...newer, line, ...older].map(row),
    ...(whole || count > 200 ? [] : [more]));
  return box;
}
