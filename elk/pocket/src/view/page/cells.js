// Tables: rows of figures, and lists of documents.

import { toggleFilter } from "./board_address.js";
import { element, marked, plain } from "./element.js";
import { rank } from "./level.js";
import { written } from "./format.js";
import { day, precise } from "./moment.js";

/** Fields of documents whose numbers have a unit. */
const DURATION = { kind: "duration", nanos: 1, digits: 1 };

export function makeTable(body) {
  let sorted = null;
  let shown = null;
  const show = (drawing) => {
    shown = drawing;
    const order = sorted ?? drawing.sorted;
    const heads = drawing.columns.map((column, at) => head(column, at, order, (next) => { sorted = next; show(shown); }));
    const rows = inOrder(drawing.cells, sorted).map((cells) => element("tr", {}, cells.map((cell, at) => figure(cell, drawing.columns[at]))));
    const rest = drawing.all - drawing.cells.length;
    place(body, element("table", { class: "figures" }, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows)),
      rest > 0 ? `${rest} more rows are not shown` : "");
  };
  return { show };
}

export function makeDocuments(body) {
  return {
    show({ columns, hits, total }) {
      const heads = columns.map((name) => element("th", { scope: "col", class: name === "event.duration" ? "right" : null }, plain(name)));
      const rows = hits.map((hit) => element("tr", {}, hit.cells.map((cell, at) => valueOf(cell, columns[at], hit))));
      const of = total === null || total === undefined ? "" : ` of ${total.toLocaleString("en")}`;
      place(body, element("table", { class: "figures documents" }, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows)),
        hits.length > 0 ? `${hits.length.toLocaleString("en")}${of} documents` : "");
    },
  };
}

/** Keeps where the reader has scrolled to. */
function place(body, table, note) {
  const old = body.querySelector(".scroll");
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, table, note === "" ? null : element("p", { class: "hint" }, note));
  const [top, left] = [old?.scrollTop ?? 0, old?.scrollLeft ?? 0];
  body.replaceChildren(scroll);
  scroll.scrollTo(left, top);
}

function head(column, at, order, sort) {
  const mine = order?.column === at;
  const next = { column: at, descending: mine ? !order.descending : column.align === "right" };
  const sign = mine ? (order.descending ? "↓" : "↑") : "";
  return element("th", { scope: "col", class: column.align, "aria-sort": mine ? (order.descending ? "descending" : "ascending") : null },
    element("button", { type: "button", onclick: () => sort(next) }, plain(column.label), element("span", { class: "sign", "aria-hidden": "true" }, sign)));
}

/** The rows in the order that was asked for here; nothing stands last either way. */
function inOrder(rows, order) {
  if (!order) return rows;
  const { column, descending } = order;
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  return [...rows].sort(({ [column]: { v: a } }, { [column]: { v: b } }) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? compare(b, a) : compare(a, b);
  });
}

function figure(cell, { align, format }) {
  const text = plain(written(cell.v, format));
  const node = element("td", { class: align }, cell.f ? filtered(text, cell.f) : text);
  if (cell.c) {
    node.classList.add("toned");
    node.style.setProperty("--tone", cell.c);
  }
  return node;
}

const filtered = (text, clause) =>
  element("button", { type: "button", class: "value-filter", title: `Filter: ${plain(clause)}`, onclick: () => toggleFilter(clause) }, text);

function valueOf(cell, name, hit) {
  if (name === "@timestamp") return element("td", { class: "when" }, moment(cell.v, hit));
  if (name === "log.level") return element("td", { class: `level rank-${rank(cell.v)}` }, filtered(plain(String(cell.v)), cell.f));
  if (name === "event.duration" && typeof cell.v === "number") return element("td", { class: "right" }, written(cell.v, DURATION));
  if (name === "http.response.status_code") return element("td", { class: `status status-${String(cell.v)[0]}` }, cell.f ? filtered(plain(String(cell.v)), cell.f) : plain(String(cell.v)));
  if (name === "trace.id" && cell.f) return element("td", { class: "mono" }, element("a", { href: `/logs?${new URLSearchParams({ q: cell.f, from: "now-7d", live: "0" })}`, title: "All lines of this trace" }, plain(String(cell.v))));
  const content = cell.m ? marked(cell.m) : plain(String(cell.v));
  return element("td", { class: name === "message" || name === "error.message" ? "mono wide" : "mono" }, cell.f && !cell.m ? filtered(content, cell.f) : content);
}

/** The moment, as a way to the whole line. */
function moment(value, { index, id }) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return plain(String(value));
  const [seconds, millis] = precise(date);
  const today = new Date().toDateString() === date.toDateString();
  return element("a", { href: `/logs?${new URLSearchParams({ open: `${index}/${id}`, live: "0" })}`, title: "The whole line" }, `${today ? "" : `${day(date)} `}${seconds}${millis}`);
}
