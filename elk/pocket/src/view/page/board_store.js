// What the boards ask of their server.

import { ask } from "./ask.js";
import { state } from "./board_address.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What decides about the figures, as the server reads it. */
export function asked() {
  const set = { filters: state.filters, controls: state.controls, zone };
  for (const key of ["q", "from", "to"]) if (state[key] !== null) set[key] = state[key];
  return JSON.stringify(set);
}

const at = (...names) => `/api/boards${names.map((name) => `/${encodeURIComponent(name)}`).join("")}`;

export const list = (signal) => ask(at(), {}, signal);
export const layout = (board, signal) => ask(at(board), {}, signal);
export const panel = (id, signal) => ask(at(state.view, "panels", id), { asked: asked() }, signal);
export const inspected = (id, signal) => ask(at(state.view, "panels", id), { asked: asked(), inspect: true }, signal);
export const choices = (id, prefix, signal) => ask(at(state.view, "controls", id), { asked: asked(), prefix }, signal);
