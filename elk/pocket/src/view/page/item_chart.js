// Charts of single things: slices, cells, a gauge.

import { toggleFilter } from "./board_address.js";
import { canvas, dressed } from "./chart_dress.js";
import { element, plain } from "./element.js";
import { written } from "./format.js";
import { inked } from "./ink.js";
import * as tooltip from "./tooltip.js";

/** What the names beside a heatmap take, in pixels. */
const NAMES_WIDTH = 90;
const PERCENT = { kind: "percent", digits: 1 };

export function make(body, panel) {
  const place = element("div", { class: "canvas", role: "img" });
  const names = element("div", { class: "legend" });
  const frame = element("div", { class: "chart" }, place, names);
  body.replaceChildren(frame);
  const { chart, dispose } = canvas(place);
  let shown = null;
  chart.on("mousemove", (params) => tooltip.showItem(told(shown, params), params.event.event));
  chart.on("mouseout", tooltip.hide);
  chart.on("click", (params) => {
    const filter = shown.kind === "pie" ? params.data.filter : shown.kind === "heatmap" ? shown.filters[params.value[1]] : null;
    if (filter) toggleFilter(filter);
  });
  return {
    show(given) {
      const drawing = (shown = inked(given));
      const slices = drawing.kind === "pie" && drawing.legend ? drawing.option.series.at(-1).data : [];
      const entries = drawing.kind === "heatmap" && drawing.legend ? [steps(drawing)] : slices.map((slice) => entry(slice, drawing));
      frame.dataset.legend = entries.length === 0 ? "none" : slices.length > 0 && body.clientWidth > 420 ? "right" : "bottom";
      names.replaceChildren(...entries);
      place.setAttribute("aria-label", summary(panel, drawing));
      chart.resize();
      chart.setOption(dressedItem(drawing, place.clientWidth), { replaceMerge: ["series"] });
    },
    dispose,
  };
}

function dressedItem(drawing, width) {
  const option = dressed(drawing, width - NAMES_WIDTH);
  const ink = getComputedStyle(document.documentElement);
  const color = (name) => ink.getPropertyValue(name).trim();
  if (drawing.kind === "gauge") {
    option.series = option.series.map((series) => ({
      ...series,
      axisLabel: { color: color("--dim"), distance: -36, fontSize: 10, formatter: (value) => (value === series.min || value === series.max ? written(value, drawing.format) : "") },
      title: { ...series.title, color: color("--dim") },
      detail: { ...series.detail, color: color("--text"), formatter: () => written(drawing.value, drawing.format) },
    }));
  }
  if (drawing.kind === "pie") {
    option.series = option.series.map((series) => ({ ...series, itemStyle: { ...series.itemStyle, borderColor: color("--panel") } }));
  }
  return option;
}

const total = ({ option }) => option.series.at(-1).data.reduce((sum, { value }) => sum + value, 0);

function told(drawing, { name, value, color, data }) {
  if (drawing.kind === "heatmap") {
    const [x, y, number] = value;
    const [columns, rows] = [drawing.option.xAxis.data, drawing.option.yAxis.data];
    const title = drawing.time ? tooltip.spanOf(columns[x], drawing.bucket) : String(columns[x]);
    return { title, color, name: String(rows[y]), text: written(number, drawing.format) };
  }
  if (drawing.kind === "gauge") return { title: "", color, name, text: written(drawing.value, drawing.format) };
  return { title: "", color: data.itemStyle.color, name, text: `${written(value, drawing.format)} · ${written(value / total(drawing), PERCENT)}` };
}

/** Which colour stands for how many. */
function steps({ option, format, label }) {
  const { min, max, inRange } = option.visualMap;
  const bar = element("i", { class: "steps", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(to right, ${inRange.color.join(", ")})`;
  return element("div", { class: "entry dim" }, label ? element("bdi", {}, plain(label)) : null, element("span", {}, written(min, format)), bar, element("span", {}, written(max, format)));
}

function entry({ name, value, filter, itemStyle }, drawing) {
  const dot = element("i", { class: "dot", "aria-hidden": "true" });
  dot.style.background = itemStyle.color;
  const text = drawing.percent ? written(value / total(drawing), PERCENT) : written(value, drawing.format);
  const content = [dot, element("bdi", {}, plain(name)), element("span", { class: "dim" }, text)];
  return element("div", { class: "entry" }, filter
    ? element("button", { type: "button", class: "name", title: `Filter: ${plain(filter)}`, onclick: () => toggleFilter(filter) }, content)
    : element("span", { class: "name" }, content));
}

function summary({ title }, drawing) {
  if (drawing.kind === "gauge") return `${title}: ${written(drawing.value, drawing.format)}`;
  if (drawing.kind === "heatmap") return `${title}. ${drawing.option.series[0].data.length} cells.`;
  return `${title}: ${drawing.option.series.at(-1).data.map(({ name, value }) => `${name} ${written(value / total(drawing), PERCENT)}`).join(", ")}`;
}
