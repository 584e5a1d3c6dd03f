// Elements from values. Text only ever becomes text nodes: nothing of a log is read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** `element("td", {class: "x", onclick: f}, "text", child)`; null children are left out. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export const by = (id) => document.getElementById(id);

// Control characters would vanish, and direction overrides would turn the line around: both are shown by name.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Text with its invisible characters made visible. */
export function plain(text) {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "\u2421" : `\u27e8${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

const START = "\ue000";
const END = "\ue001";

/** Nodes of a text in which the store has marked the words looked for. */
export function marked(text) {
  const [first, ...rest] = text.split(START);
  const nodes = [plain(first.replaceAll(END, ""))];
  for (const piece of rest) {
    const end = piece.indexOf(END);
    const word = end < 0 ? piece : piece.slice(0, end);
    nodes.push(element("mark", {}, plain(word)), plain(end < 0 ? "" : piece.slice(end + 1)));
  }
  return nodes;
}
