// Numbers as people read them. A format comes from the server: `kind`, `digits`, `suffix`, `compact`, `nanos`, `grouped`.

import { clock, day } from "./moment.js";

const DURATIONS = [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"], [60e9, "min"], [3600e9, "h"], [86_400e9, "d"]];

/** A value with its unit; an en dash where there is none. */
export function written(value, format) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  switch (format.kind) {
    case "percent": return `${decimal(value * 100, format.digits ?? 2)}%`;
    case "bytes": return stepped(value, 1024, ["B", "KB", "MB", "GB", "TB", "PB"], format.digits ?? 1);
    case "bits": return stepped(value, 1024, ["bit", "kbit", "Mbit", "Gbit", "Tbit"], format.digits ?? 1);
    case "duration": return duration(value * format.nanos, format.digits ?? 1);
    case "date": return moment(value);
    default: return plain(value, format);
  }
}

/** A value at an axis: no more digits than it needs, and no unit at its foot, where it would be another one than above. */
export function tick(value, format) {
  if (value === 0 && ["duration", "bytes", "bits"].includes(format.kind)) return "0";
  if (format.kind === "percent") return `${decimal(value * 100, value !== 0 && Math.abs(value) < 0.01 ? 2 : Math.abs(value) < 0.1 ? 1 : 0, true)}%`;
  if (format.kind === "number" || format.kind === "text") return Math.abs(value) >= 1e5 ? compact(value) : decimal(value, Math.abs(value) < 1 ? 3 : 1, true);
  if (format.kind === "duration") return duration(value * format.nanos, 1, true);
  return written(value, { ...format, digits: 0 });
}

function plain(value, { digits, suffix = "", compact: short, grouped = true }) {
  if (short) return compact(value) + suffix;
  return decimal(value, digits ?? (Number.isInteger(value) ? 0 : 3), digits === null || digits === undefined, grouped) + suffix;
}

function decimal(value, digits, trimmed = false, grouped = true) {
  return value.toLocaleString("en", { minimumFractionDigits: trimmed ? 0 : digits, maximumFractionDigits: digits, useGrouping: grouped });
}

function compact(value) {
  return value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
}

function stepped(value, step, units, digits) {
  const size = Math.min(units.length - 1, value === 0 ? 0 : Math.max(0, Math.floor(Math.log(Math.abs(value)) / Math.log(step))));
  return `${decimal(value / step ** size, size === 0 ? 0 : digits)} ${units[size]}`;
}

function duration(nanos, digits, trimmed = false) {
  if (nanos === 0) return "0 ms";
  const [size, unit] = DURATIONS.findLast(([size]) => Math.abs(nanos) >= size) ?? DURATIONS[0];
  const value = nanos / size;
  return `${decimal(value, Math.abs(value) >= 100 ? 0 : digits, trimmed)} ${unit}`;
}

function moment(value) {
  const date = new Date(value);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock(date) : `${day(date)} ${clock(date)}`;
}
