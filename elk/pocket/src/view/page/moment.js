// Moments, spans and numbers as people read them. Times are the browser's own.

const two = (number) => String(number).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
export const day = (date) => `${MONTHS[date.getMonth()]} ${two(date.getDate())}`;

export const DAY = 86_400_000;

/** Steps between marks of moments, in milliseconds. */
const ROUND_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400].map((seconds) => seconds * 1000);

/** The next step that is a round one, in milliseconds. */
export const roundStep = (least) => ROUND_STEPS.find((step) => step >= least) ?? Math.ceil(least / DAY) * DAY;

/** A moment as if the clocks here were UTC's, so that whole hours and days divide it. */
export const local = (moment) => moment - new Date(moment).getTimezoneOffset() * 60_000;

/** `14:03:22.123`, of which the end is the finer print. */
export function precise(date) {
  return [clock(date), `.${String(date.getMilliseconds()).padStart(3, "0")}`];
}

/** `2026-11-24 14:03:22`, what the fields of the range take. */
export function written(date) {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date)}`;
}

/** A mark on a time axis of this many milliseconds. */
export function tick(date, width) {
  if (width < 120_000) return clock(date);
  return width < 86_400_000 ? `${two(date.getHours())}:${two(date.getMinutes())}` : day(date);
}

export const number = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");

/** `1.2k`, for small places. */
export function short(value) {
  if (value < 1000) return String(value);
  const [size, unit] = value < 1e6 ? [1e3, "k"] : value < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return (value / size).toFixed(value / size < 10 ? 1 : 0).replace(/\.0$/u, "") + unit;
}

/** Nanoseconds. */
export function duration(nanos) {
  const [size, unit] = nanos < 1e6 ? [1e3, "µs"] : nanos < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  const value = nanos / size;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

const UNITS = [["d", 86_400_000, "day"], ["h", 3_600_000, "hour"], ["m", 60_000, "minute"], ["s", 1000, "second"]];

/** `3 minutes` of milliseconds. */
export function span(millis) {
  const [, size, word] = UNITS.find(([, size]) => millis >= size) ?? UNITS[3];
  const count = Math.max(1, Math.round(millis / size));
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** What a range is called. */
export function rangeName(from, to) {
  const math = /^now-(\d+)([smhd])$/u.exec(from);
  if (math && to === "now") {
    const word = UNITS.find(([sign]) => sign === math[2])[2];
    return math[1] === "1" ? `Last ${word}` : `Last ${math[1]} ${word}s`;
  }
  return `${endName(from)} – ${endName(to)}`;
}

function endName(text) {
  const date = new Date(text);
  if (text.startsWith("now") || Number.isNaN(date.getTime())) return text;
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock(date) : `${day(date)} ${clock(date)}`;
}

/** A moment somebody typed, for the address: date math stays, a local time becomes UTC. */
export function typed(text) {
  if (text.startsWith("now")) return text.trim();
  const date = new Date(text.trim().replace(" ", "T"));
  return Number.isNaN(date.getTime()) ? text.trim() : date.toISOString();
}
