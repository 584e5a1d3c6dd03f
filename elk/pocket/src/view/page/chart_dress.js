// What a chart has of the page: its colours and type, and numbers written at its axes.

import { tick } from "./format.js";
import { DAY, local, roundStep } from "./moment.js";

const TIME_LABELS = { year: "{yyyy}", month: "{MMM}", day: "{d} {MMM}", hour: "{HH}:{mm}", minute: "{HH}:{mm}", second: "{HH}:{mm}:{ss}", millisecond: "{HH}:{mm}:{ss}.{SSS}", none: "{HH}:{mm}" };

/** What a label of a moment takes, in pixels. */
const LABEL_WIDTH = 80;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** An instance of ECharts in an element. */
export function canvas(node) {
  // ECharts empties its place by writing markup, which the page forbids; emptying it is all it wants.
  Object.defineProperty(node, "innerHTML", { set: () => node.replaceChildren(), configurable: true });
  const chart = echarts.init(node, null, { renderer: "canvas" });
  const size = new ResizeObserver(() => node.clientWidth > 0 && chart.resize());
  size.observe(node);
  return { chart, dispose: () => { size.disconnect(); chart.dispose(); } };
}

/** Bars that stand closer than this, in pixels, overlap by one: gaps of parts of a pixel would be stripes. */
const CLOSE = 6;

/** The option in the page's colours. */
export function dressed({ option, formats = [], time, bucket, range }, width = 600) {
  const dressedOption = {
    ...option,
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: color("--text") },
  };
  const axes = (axis, place) => (Array.isArray(axis) ? axis : [axis]).map((one, at) => axisOf(one, { format: formats[at], time, bucket, width: place === "x" ? width : 0 }));
  if (option.xAxis) dressedOption.xAxis = axes(option.xAxis, "x");
  if (option.yAxis) dressedOption.yAxis = axes(option.yAxis, "y");
  const band = time && range ? (width * bucket) / (range[1] - range[0]) : CLOSE;
  if (option.series && band < CLOSE) {
    const barWidth = `${(1 + 1 / band) * 100}%`;
    dressedOption.series = option.series.map((series) => (series.type === "bar" && series.stack ? { ...series, barWidth } : series));
  }
  return dressedOption;
}

/** Labels of buckets side by side: only those that hold a round moment. */
function momentsOf(starts, bucket, width) {
  const least = (bucket * starts.length * LABEL_WIDTH) / width;
  const step = roundStep(Math.max(least, bucket));
  const pattern = step < 60_000 ? "{HH}:{mm}:{ss}" : step < DAY ? "{HH}:{mm}" : "{d} {MMM}";
  return {
    interval: (_, start) => (local(Number(start)) + bucket - 1) % step < bucket,
    formatter: (start) => echarts.time.format(Math.ceil(local(Number(start)) / step) * step, pattern, true),
  };
}

/** `width` is 0 for the axis that goes up. */
function axisOf(axis, { format, time, bucket, width }) {
  const label = { color: color("--dim"), fontSize: 11, hideOverlap: true, showMaxLabel: axis.type === "time" ? false : null };
  if (axis.type === "time") label.formatter = TIME_LABELS;
  else if (axis.type === "category" && time && width > 0) Object.assign(label, momentsOf(axis.data, bucket, width));
  else if (axis.type === "category") Object.assign(label, { width: 130, overflow: "truncate" });
  else if (format) label.formatter = (value) => tick(value, format);
  const isValue = axis.type === "value" || axis.type === "log";
  return {
    splitNumber: isValue ? 4 : Math.max(2, Math.floor(width / 110)),
    ...axis,
    axisLabel: label,
    axisLine: { show: !isValue, lineStyle: { color: color("--edge-strong") } },
    axisTick: { show: !isValue && axis.axisTick?.show !== false, lineStyle: { color: color("--edge-strong") } },
    splitLine: { show: isValue && axis.splitLine?.show !== false, lineStyle: { color: color("--edge") } },
    nameTextStyle: { color: color("--dim") },
  };
}
