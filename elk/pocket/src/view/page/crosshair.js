// One moment, marked on every chart over time; the chart under the pointer tells the values.

import { element } from "./element.js";
import * as tooltip from "./tooltip.js";

const views = new Set();
/** The start of the bucket that is marked, or the name on an axis that is not time; null: none. */
let current = null;

export const moment = () => current;

/** Takes a chart in; the answer takes it out again. */
export function join(view) {
  view.line = element("div", { class: "crosshair", hidden: true });
  view.place.parentNode.append(view.line);
  view.place.addEventListener("pointermove", (event) => view.shown && !view.brushing && point(view, nearest(view, event), event));
  view.place.addEventListener("pointerleave", () => point(null, null));
  view.place.addEventListener("blur", () => point(null, null));
  views.add(view);
  return () => views.delete(view);
}

/** Marks a place that `owner` is asked about. */
export function point(owner, value, event) {
  current = value;
  for (const view of views) mark(view, owner);
  if (!owner || value === null) tooltip.hide();
  else tooltip.show(owner, value, rows(owner, value), event);
}

/** After a chart was drawn anew its mark may stand elsewhere. */
export function again(view) {
  mark(view, view);
}

/** Goes on by places of the chart. */
export function step(view, by) {
  const all = places(view);
  const at = all.indexOf(current);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(at + by, all.length - 1))];
  if (next !== undefined) point(view, next);
}

function mark(view, owner) {
  const shows = current !== null && view.shown && !view.shown.horizontal && (view === owner || view.shown.time === owner?.shown.time && view.shown.time);
  view.line.hidden = !shows;
  if (!shows) return;
  const x = view.chart.convertToPixel({ xAxisIndex: 0 }, current + (view.shown.shift ?? 0));
  view.line.hidden = !(x >= 0 && x <= view.place.clientWidth);
  view.line.style.left = `${view.place.offsetLeft + x}px`;
  view.line.style.height = `${view.place.clientHeight}px`;
}

/** Places with a point, in their order. Points of bars stand in the middle of their bucket. */
function places({ shown, hidden }) {
  const axis = shown.horizontal ? 1 : 0;
  const all = new Set(shown.series.flatMap(({ id }, at) => (hidden.has(id) ? [] : shown.option.series[at].data.map((point) => point[axis] - shown.shift))));
  return [...all].sort((a, b) => a - b);
}

function nearest(view, event) {
  const { shown, chart, place } = view;
  const box = place.getBoundingClientRect();
  const pixel = shown.horizontal ? event.clientY - box.top : event.clientX - box.left;
  const value = chart.convertFromPixel(shown.horizontal ? { yAxisIndex: 0 } : { xAxisIndex: 0 }, pixel) - shown.shift;
  const all = places(view);
  return all.reduce((best, one) => (best === null || Math.abs(one - value) < Math.abs(best - value) ? one : best), null);
}

/** Names and values at a place, the greatest first where they do not stand on each other. */
function rows({ shown, hidden }, value) {
  const axis = shown.horizontal ? 1 : 0;
  const found = shown.series.map((series, at) => {
    const point = hidden.has(series.id) ? undefined : shown.option.series[at].data.find((point) => point[axis] - shown.shift === value);
    return { ...series, value: point?.[1 - axis] ?? null };
  }).filter((row) => row.value !== null);
  return shown.series.some(({ stacked }) => stacked) ? found.reverse() : found.sort((a, b) => b.value - a.value);
}
