// Colours that stand out from the ground they are drawn on. A colour keeps its hue, so that a name is known again in the
// other theme.

/** Least contrast with the ground, of what is drawn and of what is read: WCAG 2.1, 1.4.11 and 1.4.3. */
const [DRAWN, READ] = [3, 4.5];

/** How much of its own a colour loses in a step. */
const STEP = 0.04;

/** A drawing with every colour of one value made to stand out. */
export function inked(drawing) {
  const page = getComputedStyle(document.documentElement).getPropertyValue("--panel").trim();
  const ground = channels(page) ?? [255, 255, 255];
  const known = new Map();
  const ink = (color, least) => {
    const key = `${color} ${least}`;
    if (!known.has(key)) known.set(key, standing(color, ground, least));
    return known.get(key);
  };
  return mapped(drawing, ink, DRAWN);
}

/** Points, of which there may be thousands, have no colours and are taken as they are. */
function mapped(value, ink, least) {
  if (Array.isArray(value)) return typeof value[0] === "object" && !Array.isArray(value[0]) ? value.map((one) => mapped(one, ink, least)) : value;
  if (value === null || typeof value !== "object") return value;
  const own = ([key, one]) => [key, key === "color" && typeof one === "string" ? ink(one, least) : mapped(one, ink, key === "label" ? READ : least)];
  return Object.fromEntries(Object.entries(value).map(own));
}

/** The colour, as far darker on a light ground and lighter on a dark one as it needs. */
function standing(color, ground, least) {
  let own = channels(color);
  if (!own) return color;
  const end = light(ground) > 0.18 ? 0 : 255;
  while (contrast(own, ground) < least) own = own.map((part) => part + (end - part) * STEP);
  return `#${own.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** Red, green and blue of `#rrggbb` or `#rgb`; nothing of what is written another way. */
function channels(color) {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/iu.exec(color)?.[1];
  if (!digits) return null;
  const size = digits.length / 3;
  return [0, 1, 2].map((at) => parseInt(digits.slice(at * size, (at + 1) * size).repeat(size === 1 ? 2 : 1), 16));
}

function contrast(one, other) {
  const [bright, dim] = [light(one), light(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

/** Relative luminance, from 0 to 1. */
function light(color) {
  const [red, green, blue] = color.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
