// Single numbers, with their course behind them.

import { toggleFilter } from "./board_address.js";
import { drawn, element, plain } from "./element.js";
import { written } from "./format.js";
import { inked } from "./ink.js";

const WIDTH = 200;
const HEIGHT = 60;

export function make(body, panel) {
  return {
    show(drawing) {
      const tiles = inked(drawing).tiles.filter((tile) => tile !== null).map((tile) => one(tile, drawing.tiles.length > 1 || !panel.titleShown));
      body.replaceChildren(element("div", { class: "tiles" }, tiles));
    },
  };
}

function one(tile, labelled) {
  const value = element("div", { class: "tile-value" }, plain(written(tile.value, tile.format)));
  const small = [
    labelled ? element("div", { class: "tile-label" }, plain(tile.label)) : null,
    tile.subtitle ? element("div", { class: "dim" }, plain(tile.subtitle)) : null,
  ];
  const second = tile.secondary ? element("div", { class: "dim" }, plain(`${tile.secondary.label} ${written(tile.secondary.value, tile.secondary.format)}`)) : null;
  const node = element("div", { class: "tile" }, trend(tile.trend ?? []), element("div", { class: "tile-text" }, small, value, second), share(tile.share));
  node.style.setProperty("--tile", tile.color ?? "var(--accent)");
  node.classList.toggle("toned", Boolean(tile.color));
  if (tile.filter) {
    node.append(element("button", { type: "button", class: "cover", "aria-label": `Filter by ${tile.label}`, onclick: () => toggleFilter(tile.filter) }));
  }
  return node;
}

function share(value) {
  if (value === null || value === undefined) return null;
  const bar = element("div", { class: "tile-share", "aria-hidden": "true" });
  bar.style.width = `${value * 100}%`;
  return bar;
}

/** An area under the line; it breaks where there is no value. */
function trend(points) {
  const values = points.map(([, value]) => value).filter((value) => value !== null);
  if (values.length < 2) return null;
  const most = Math.max(...values, 0);
  const least = Math.min(...values, 0);
  const x = (at) => (at / (points.length - 1)) * WIDTH;
  const y = (value) => HEIGHT - 1 - ((value - least) / (most - least || 1)) * (HEIGHT - 4);
  const parts = [];
  let run = [];
  const close = () => { if (run.length > 0) parts.push(run); run = []; };
  points.forEach(([, value], at) => (value === null ? close() : run.push([x(at), y(value)])));
  close();
  const line = (run) => run.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");
  const area = parts.map((run) => `M${run[0][0].toFixed(1)},${HEIGHT}L${line(run)}L${run.at(-1)[0].toFixed(1)},${HEIGHT}Z`).join("");
  return drawn("svg", { class: "trend", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("path", { class: "trend-area", d: area }),
    drawn("path", { class: "trend-line", d: parts.map((run) => `M${line(run)}`).join("") }));
}
