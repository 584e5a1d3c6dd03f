// Markdown as elements: headings, lists, paragraphs, code, emphasis, links. What else there is stays text.

import { element, plain } from "./element.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)/gu;

/** The elements of a text. */
export function blocks(text) {
  // Fences may hold empty lines; every second part is one.
  const parts = text.replace(/\r/gu, "").split(/^(```[^\n]*\n.*?^```[^\S\n]*$)/msu);
  return parts.flatMap((part, at) => (at % 2 === 1 ? [fence(part)] : part.split(/\n{2,}/u).filter((one) => one.trim() !== "").flatMap(block)));
}

const fence = (text) => element("pre", {}, plain(text.split("\n").slice(1, -1).join("\n")));

function block(text) {
  const heading = /^(#{1,6})\s+([^\n]*)\n?(.*)$/su.exec(text);
  if (heading) {
    const title = element(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2]));
    return heading[3].trim() === "" ? [title] : [title, ...block(heading[3])];
  }
  const lines = text.split("\n");
  if (lines.every((line) => /^\s*(?:[-*]|\d+\.)\s/u.test(line))) {
    const items = lines.map((line) => element("li", {}, inline(line.replace(/^\s*(?:[-*]|\d+\.)\s+/u, ""))));
    return [element(/^\s*\d/u.test(lines[0]) ? "ol" : "ul", {}, items)];
  }
  return [element("p", {}, inline(lines.join(" ")))];
}

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(plain(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const [whole, code, strong, emphasis, label, address] = match;
    if (code !== undefined) nodes.push(element("code", {}, plain(code)));
    else if (strong !== undefined) nodes.push(element("strong", {}, plain(strong)));
    else if (emphasis !== undefined) nodes.push(element("em", {}, plain(emphasis)));
    else nodes.push(isSafe(address) ? element("a", { href: address, rel: "noreferrer" }, plain(label)) : plain(whole));
  }
  return [...nodes, plain(text.slice(end))];
}

/** Anything else could run, or leave what a link is expected to do. */
export const isSafe = (address) => /^(?:https?:\/\/|#|\/(?!\/))/u.test(address);
