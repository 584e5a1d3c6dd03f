// What the pointer stands on, told beside it. Elements and texts only.

import { by, element, plain } from "./element.js";
import { written } from "./format.js";
import { clock, day } from "./moment.js";

const ROWS_MAX = 14;

export function hide() {
  by("tooltip").hidden = true;
}

/** Values of a chart at a place. */
export function show({ shown, place, chart }, value, rows, event) {
  const title = shown.time ? `${spanOf(value, shown.bucket)}${isCut(shown, value) ? " · not all of it" : ""}` : String(shown.option[shown.horizontal ? "yAxis" : "xAxis"].data?.[value] ?? "");
  const more = rows.length - ROWS_MAX;
  fill(title, rows.slice(0, ROWS_MAX).map(({ color, name, value, format }) => row(color, name, written(value, format))),
    more > 0 ? `${more} more` : rows.length === 0 ? "no values" : "");
  const box = place.getBoundingClientRect();
  const x = shown.horizontal ? 40 : chart.convertToPixel({ xAxisIndex: 0 }, value + (shown.shift ?? 0));
  put(box.left + x, event?.clientY ?? box.top + 20);
}

/** Whether the range ends within this bucket, or begins there: its counts are too low. */
const isCut = ({ range, bucket }, start) => start < range[0] || start + bucket > range[1];

/** One thing of a chart. */
export function showItem({ title, color, name, text }, event) {
  fill(title, [row(color, name, text)], "");
  put(event.clientX, event.clientY);
}

export function spanOf(start, length) {
  const [from, to] = [new Date(start), new Date(start + length)];
  const whole = from.toDateString() === new Date().toDateString() ? "" : `${day(from)} `;
  return `${whole}${clock(from)} – ${clock(to)}`;
}

function row(color, name, text) {
  const dot = element("i", { class: "dot" });
  dot.style.background = color ?? "transparent";
  return element("div", { class: "count" }, dot, element("bdi", {}, plain(name)), element("b", {}, plain(text)));
}

function fill(title, rows, note) {
  by("tooltip").replaceChildren(element("div", { class: "when" }, plain(title)), ...rows, ...(note === "" ? [] : [element("div", { class: "dim" }, note)]));
  by("tooltip").hidden = false;
}

function put(x, y) {
  const { offsetWidth: width, offsetHeight: height, style } = by("tooltip");
  const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
  style.left = `${Math.max(4, left)}px`;
  style.top = `${Math.max(4, Math.min(y + 12, innerHeight - height - 8))}px`;
}
