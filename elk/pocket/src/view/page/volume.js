// The chart: lines over time, stacked by level. Hover tells, dragging zooms.

import { by, drawn, element } from "./element.js";
import { RANKS, rank } from "./level.js";
import { clock, day, local, number, roundStep, short, tick } from "./moment.js";

const HEIGHT = 104;
const BOTTOM = 18;
const LEFT = 40;
const TOP = 8;
/** Lines of the scale, at most. */
const LINES = 3;
/** What a label of a moment takes, in pixels. */
const LABEL = 72;

let shown = null;
let current = -1;
let drag = null;
let zoom = () => {};

/** `onZoom(from, to)` in milliseconds. */
export function start(onZoom) {
  zoom = onZoom;
  const chart = by("volume");
  chart.addEventListener("pointermove", (event) => (drag ? brush(event) : point(barAt(event))));
  chart.addEventListener("pointerleave", () => drag || point(-1));
  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !shown) return;
    chart.setPointerCapture(event.pointerId);
    drag = { from: within(event), to: within(event) };
  });
  chart.addEventListener("pointerup", finish);
  chart.addEventListener("pointercancel", () => { drag = null; draw(); });
  chart.addEventListener("keydown", key);
  chart.addEventListener("blur", () => point(-1));
  new ResizeObserver(() => draw()).observe(chart);
}

/** Shows a summary; one bar per step of its width, empty ones included. */
export function show(summary) {
  const first = Math.floor(summary.from / summary.width);
  const last = Math.floor(summary.to / summary.width);
  const bars = Array.from({ length: Math.min(last - first + 1, 200) }, () => ({ total: 0, ranks: {}, names: [] }));
  for (const { start, levels } of summary.bars) {
    const bar = bars[Math.round(start / summary.width) - first];
    if (!bar) continue;
    for (const { name, count } of levels) {
      bar.total += count;
      bar.ranks[rank(name)] = (bar.ranks[rank(name)] ?? 0) + count;
    }
  }
  shown = { bars, start: first * summary.width, width: summary.width, from: summary.from, to: summary.to };
  if (!drag) draw();
}

const step = () => Math.max(1, by("volume").clientWidth - LEFT) / shown.bars.length;
const within = (event) => Math.max(0, event.clientX - by("volume").getBoundingClientRect().left - LEFT);
const barAt = (event) => (shown ? Math.min(Math.floor(within(event) / step()), shown.bars.length - 1) : -1);
const moment = (x) => shown.start + (x / step()) * shown.width;

function draw() {
  const chart = by("volume");
  const width = chart.clientWidth;
  if (!shown || width === 0) return;
  chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const most = Math.max(...shown.bars.map((bar) => bar.total), 1);
  const rise = nice(most / LINES);
  const lines = Math.ceil(most / rise);
  const top = lines * rise;
  const y = (count) => (HEIGHT - BOTTOM) - (count / top) * (HEIGHT - BOTTOM - TOP);
  const parts = Array.from({ length: lines }, (_, at) => line((at + 1) * rise, y((at + 1) * rise), width));
  parts.push(drawn("line", { class: "axis", x1: LEFT, x2: width, y1: y(0), y2: y(0) }), ...ticks(width));
  shown.bars.forEach((bar, at) => parts.push(stack(bar, at, y)));
  parts.push(drawn("rect", { class: "brush", id: "brush", x: 0, y: TOP, width: 0, height: HEIGHT - BOTTOM - TOP }));
  chart.replaceChildren(...parts);
  const total = shown.bars.reduce((sum, bar) => sum + bar.total, 0);
  chart.setAttribute("aria-label", `${number(total)} lines over time, by level. Arrow keys go through the bars, Enter zooms in.`);
  if (current >= 0) point(Math.min(current, shown.bars.length - 1));
}

function line(count, y, width) {
  return drawn("g", {},
    drawn("line", { class: "grid", x1: LEFT, x2: width, y1: y, y2: y }),
    drawn("text", { class: "tick", x: LEFT - 6, y: y + 3.5, "text-anchor": "end" }, short(count)));
}

/** Round moments, each where it is: at the left end of the bar that begins with it. */
function ticks(width) {
  const every = roundStep((LABEL / step()) * shown.width);
  const first = shown.start + (every - (local(shown.start) % every)) % every;
  const marks = [];
  for (let moment = first; ; moment += every) {
    const x = LEFT + ((moment - shown.start) / shown.width) * step();
    if (x > width - LABEL / 2) return marks;
    marks.push(drawn("text", { class: "tick", x, y: HEIGHT - 4, "text-anchor": "middle" }, tick(new Date(moment), every)));
  }
}

function stack(bar, at, y) {
  const gap = step() > 5 ? 1.5 : step() > 3 ? 0.75 : 0;
  const x = LEFT + at * step() + gap / 2;
  const group = drawn("g", { class: "bar", "data-bar": at });
  let below = 0;
  // The worst at the bottom: it stands on the axis, where it can be compared.
  for (const name of RANKS) {
    const count = bar.ranks[name] ?? 0;
    if (count === 0) continue;
    // A single error among thousands must still be seen.
    const height = Math.max(y(below) - y(below + count), 1.5);
    group.append(drawn("rect", { class: `fill-${name}`, x, y: y(below) - height, width: Math.max(step() - gap, 0.5), height }));
    below += count;
  }
  return group;
}

/** The next whole number of the kind 1, 2, 2.5, 5, 10 … */
function nice(value) {
  const size = 10 ** Math.max(0, Math.floor(Math.log10(value)));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((edge) => edge >= value && Number.isInteger(edge));
}

function point(at) {
  const tooltip = by("tooltip");
  by("volume").querySelector(".bar.current")?.classList.remove("current");
  current = at;
  if (at < 0 || !shown) {
    tooltip.hidden = true;
    return;
  }
  const bar = shown.bars[at];
  by("volume").querySelector(`[data-bar="${at}"]`)?.classList.add("current");
  const start = new Date(shown.start + at * shown.width);
  const end = new Date(shown.start + (at + 1) * shown.width);
  const rows = RANKS.filter((name) => bar.ranks[name]).map((name) =>
    element("div", { class: "count" }, element("i", { class: `dot bg-${name}` }), element("span", {}, name), element("b", {}, number(bar.ranks[name]))));
  tooltip.replaceChildren(
    element("div", { class: "when" }, `${day(start)} ${clock(start)} – ${clock(end)}`),
    ...(rows.length > 0 ? rows : [element("div", { class: "dim" }, "no lines")]));
  tooltip.hidden = false;
  const x = LEFT + (at + 0.5) * step();
  const most = by("volume").clientWidth - tooltip.offsetWidth;
  tooltip.style.left = `${Math.max(0, Math.min(x + 14 > most ? x - tooltip.offsetWidth - 14 : x + 14, most)) + inset()}px`;
}

/** How far the chart stands from the left of its frame, in which the tooltip is placed. */
const inset = () => by("volume").getBoundingClientRect().left - by("volume").parentNode.getBoundingClientRect().left;

function brush(event) {
  drag.to = within(event);
  const [left, right] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
  const area = by("brush");
  area.setAttribute("x", LEFT + left);
  area.setAttribute("width", right - left);
  by("tooltip").hidden = true;
}

function finish(event) {
  if (!drag) return;
  const [left, right] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
  drag = null;
  // Less than a few points is a click: the bar itself.
  if (right - left > 4) zoom(Math.round(moment(left)), Math.round(moment(right)));
  else zoomBar(barAt(event));
}

function zoomBar(at) {
  if (at < 0) return;
  const start = shown.start + at * shown.width;
  zoom(start, start + shown.width - 1);
}

function key(event) {
  if (!shown) return;
  const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const last = shown.bars.length - 1;
  if (move) point(current < 0 ? last : Math.max(0, Math.min(current + move, last)));
  else if (event.key === "Enter") zoomBar(current);
  else if (event.key === "Escape") point(-1);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
