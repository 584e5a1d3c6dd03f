// Lines, bars and areas over an axis.

import { toggleFilter, zoom } from "./board_address.js";
import { brush } from "./brush.js";
import { canvas, dressed } from "./chart_dress.js";
import * as crosshair from "./crosshair.js";
import { element } from "./element.js";
import { written } from "./format.js";
import { inked } from "./ink.js";
import * as legend from "./legend.js";

export function make(body, panel) {
  const place = element("div", { class: "canvas", tabindex: "0", role: "img" });
  const names = element("div", { class: "legend" });
  const frame = element("div", { class: "chart" }, place, names);
  body.replaceChildren(frame);
  const { chart, dispose } = canvas(place);
  const hidden = new Set();
  const view = { chart, place, panel, shown: null, hidden, key: 0 };
  const leave = crosshair.join(view);
  brush(view, (from, to) => zoom(from, to));
  place.addEventListener("keydown", (event) => key(view, event));
  chart.on("click", ({ seriesId }) => {
    const series = view.shown?.series.find(({ id }) => id === seriesId);
    if (series?.filter) toggleFilter(series.filter);
  });
  view.draw = () => {
    const drawing = view.shown;
    const option = dressed(drawing, place.clientWidth);
    option.series = option.series.map((series) => (hidden.has(series.id) ? { ...series, data: [] } : series));
    chart.setOption(option, { replaceMerge: ["series", "xAxis", "yAxis"], lazyUpdate: false });
    crosshair.again(view);
  };
  return {
    show(given) {
      const drawing = (view.shown = inked(given));
      frame.dataset.legend = drawing.legend ?? "none";
      for (const id of hidden) if (!drawing.series.some((series) => series.id === id)) hidden.delete(id);
      legend.show(names, view);
      place.setAttribute("aria-label", summary(panel, drawing));
      chart.resize();
      view.draw();
    },
    dispose() {
      leave();
      dispose();
    },
  };
}

/** What a screen reader says of the picture. */
function summary({ title }, { series, option, time }) {
  const last = (at) => option.series[at].data.findLast((point) => (point[1] ?? null) !== null)?.[1] ?? null;
  const parts = series.slice(0, 8).map(({ name, format }, at) => `${name} ${written(last(at), format)}`);
  return `${title}. ${series.length} series${time ? " over time, last values" : ""}: ${parts.join(", ")}. Arrow keys go through the points${time ? ", Enter zooms in" : ""}.`;
}

function key(view, event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) crosshair.step(view, step);
  else if (event.key === "Enter" && view.shown.time && crosshair.moment() !== null) zoom(crosshair.moment(), crosshair.moment() + view.shown.bucket - 1);
  else if (event.key === "Escape" && crosshair.moment() !== null) crosshair.point(null, null);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
