// Dragging over a chart over time marks a span and goes there.

import { element } from "./element.js";
import * as crosshair from "./crosshair.js";

/** Less than this many points is a click. */
const LEAST = 5;

export function brush(view, done) {
  const { place, chart } = view;
  const area = element("div", { class: "brush-area", hidden: true });
  place.parentNode.append(area);
  let from = null;
  const within = (event) => event.clientX - place.getBoundingClientRect().left;
  const moment = (x) => chart.convertFromPixel({ xAxisIndex: 0 }, x);
  place.addEventListener("pointerdown", (event) => {
    // A finger scrolls the page.
    if (event.button !== 0 || event.pointerType === "touch" || !view.shown?.time || view.shown.horizontal) return;
    from = within(event);
  });
  place.addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(within(event) - from) < LEAST) return;
    if (!view.brushing) {
      view.brushing = true;
      place.setPointerCapture(event.pointerId);
      crosshair.point(null, null);
    }
    const [left, right] = [Math.min(from, within(event)), Math.max(from, within(event))];
    area.hidden = false;
    area.style.left = `${place.offsetLeft + Math.max(0, left)}px`;
    area.style.width = `${Math.min(right, place.clientWidth) - Math.max(0, left)}px`;
    area.style.height = `${place.clientHeight}px`;
  });
  const end = (event) => {
    const brushed = view.brushing;
    const ends = brushed ? [from, within(event)].map(moment).sort((a, b) => a - b) : null;
    from = null;
    view.brushing = false;
    area.hidden = true;
    if (!brushed || event.type === "pointercancel") return;
    const [least, most] = [view.shown.option.xAxis.min, view.shown.option.xAxis.max];
    done(Math.round(Math.max(least, ends[0])), Math.round(Math.min(most, ends[1])));
  };
  place.addEventListener("pointerup", end);
  place.addEventListener("pointercancel", end);
}
