// The lines, newest first.

import { change, isLive, state } from "./address.js";
import * as pages from "./document.js";
import { by, element, marked, plain } from "./element.js";
import { rank } from "./level.js";
import { day, duration, precise } from "./moment.js";

/** So many lines that come at once are lit up; more would be a flicker. */
const FRESH_MAX = 10;

const lines = new Map();

export const keyOf = ({ index, id }) => `${index}/${id}`;
const nodes = () => [...by("list").children];

/** The last line of the list, after which older ones follow. */
export const last = () => lines.get(nodes().at(-1)?.dataset.key);
export const isEmpty = () => lines.size === 0;

/** Shows these lines and no others. Lines that stay keep their elements, and with them focus and what is open. */
export function show(wanted, { fresh }) {
  const list = by("list");
  const found = new Map(wanted.map((line) => [keyOf(line), line]));
  const pinned = pinnedLine(found);
  const all = pinned ? [pinned, ...wanted] : wanted;
  if (pinned) found.set(keyOf(pinned), pinned);
  for (const node of nodes()) {
    // The same line can come with other words marked.
    if (found.get(node.dataset.key)?.message === lines.get(node.dataset.key).message) continue;
    lines.delete(node.dataset.key);
    node.remove();
  }
  const known = new Map(nodes().map((node) => [node.dataset.key, node]));
  const light = fresh && all.filter((line) => !known.has(keyOf(line))).length <= FRESH_MAX;
  let place = list.firstChild;
  for (const line of all) {
    const node = known.get(keyOf(line)) ?? made(line, light);
    if (node === place) place = place.nextSibling;
    else list.insertBefore(node, place);
  }
  showDays();
  open();
}

/** Older lines, below. */
export function append(more) {
  by("list").append(...more.filter((line) => !lines.has(keyOf(line))).map((line) => made(line, false)));
  showDays();
}

/** Days are shown where they are not all today. */
function showDays() {
  const days = new Set([...lines.values()].map(({ time }) => new Date(time).toDateString()));
  days.delete(new Date().toDateString());
  by("list").classList.toggle("dated", days.size > 0);
}

// An opened line stays above when the selection no longer holds it.
function pinnedLine(found) {
  return state.open !== "" && !found.has(state.open) ? lines.get(state.open) : null;
}

function made(line, fresh) {
  const key = keyOf(line);
  lines.set(key, line);
  const row = element("div", { class: "row", role: "button", tabindex: "-1", "aria-expanded": "false", onclick: (event) => clicked(event, key) }, cells(line));
  const name = rank(line.level);
  return element("div", { class: `line rank-${name}${fresh ? " fresh" : ""}`, role: "listitem", "data-key": key }, row);
}

/** What a row shows of a line. */
export function cells(line) {
  const date = new Date(line.time);
  const [seconds, millis] = precise(date);
  return [
    element("time", { class: "time", datetime: line.time, title: line.time },
      element("span", { class: "day" }, `${day(date)} `), seconds, element("span", { class: "millis" }, millis)),
    element("span", { class: "level" }, plain(String(line.level ?? "–"))),
    element("bdi", { class: "service" }, plain(String(line.service ?? "–"))),
    element("span", { class: "text" }, element("bdi", { class: "message" }, marked(line.message)), details(line)),
  ];
}

// A request end says little in its message and all in its fields.
function details(line) {
  const { method, route, path, status, duration: nanos, error, bytes } = line;
  const parts = [];
  if (status !== undefined) parts.push(element("span", { class: `status status-${String(status)[0]}` }, plain(String(status))));
  if (method !== undefined) parts.push(element("span", {}, plain(`${method} ${route ?? path ?? ""}`.trim())));
  if (typeof nanos === "number") parts.push(element("span", {}, duration(nanos)));
  if (error !== undefined && error !== line.message) parts.push(element("bdi", { class: "cause" }, plain(String(error))));
  if (bytes !== undefined) parts.push(element("span", { class: "cut" }, `cut, ${Math.round(bytes / 1024)} KiB in all`));
  return parts.length === 0 ? null : element("span", { class: "details" }, parts);
}

function clicked(event, key) {
  // Who marks text to copy it does not want the line to open.
  if (String(getSelection()) !== "" && getSelection().containsNode(event.currentTarget, true)) return;
  event.currentTarget.focus({ preventScroll: true });
  toggle(key);
}

/** Opens a line, or closes the one that is open. Reading pauses the tail. */
export function toggle(key) {
  if (state.open === key) return change({ open: "", tab: "fields" });
  change({ open: key, ...(isLive() ? { live: "0" } : {}) });
}

/** Shows what the address has open; one that is not in the list is fetched and put above it. */
export async function open() {
  for (const node of nodes()) if (node.dataset.key !== state.open) close(node);
  if (state.open === "") return;
  let node = nodes().find(({ dataset }) => dataset.key === state.open);
  if (!node) {
    const found = await pages.lineOf(place(state.open)).catch(() => null);
    if (!found || keyOf(found) !== state.open || lines.has(state.open)) return;
    node = made(found, false);
    by("list").prepend(node);
  }
  if (!node.querySelector(".document")) node.append(pages.page(place(state.open)));
  node.classList.add("open");
  node.firstChild.setAttribute("aria-expanded", "true");
}

function close(node) {
  node.querySelector(".document")?.remove();
  node.classList.remove("open");
  node.firstChild.setAttribute("aria-expanded", "false");
}

function place(key) {
  const at = key.indexOf("/");
  return { index: key.slice(0, at), id: key.slice(at + 1) };
}

/** Moves the focus by lines: 1 down, -1 up. */
export function move(step) {
  const all = nodes();
  const at = all.findIndex((node) => node.contains(document.activeElement));
  const next = all[at < 0 ? 0 : Math.max(0, Math.min(at + step, all.length - 1))];
  next?.firstChild.focus();
}

/** The key of the line that has the focus. */
export const focused = () => document.activeElement?.closest?.(".line")?.dataset.key;
