// The tree of a text as elements; which there are is decided by the server.

import { element, plain } from "./element.js";

/** Elements of the nodes of a text. */
export const nodesOf = (nodes) => nodes.map((node) => (typeof node === "string" ? plain(node) : element(node.tag, attributes(node), nodesOf(node.nodes))));

const attributes = ({ href }) => (href && isSafe(href) ? { href, rel: "noreferrer" } : {});

/** Anything else could run, or leave what a link is expected to do. */
export const isSafe = (address) => /^(?:https?:\/\/|#|\/(?![/\\]))/u.test(address);
