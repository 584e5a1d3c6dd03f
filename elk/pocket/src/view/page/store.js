// What the page asks of its server.

import { state } from "./address.js";
import { ask } from "./ask.js";

const asked = (name, parameters, signal) => ask(`/api/logs/${name}`, parameters, signal);

function selection(more = {}) {
  const { q, level, service, from, to } = state;
  return { q, level, service, from, to, ...more };
}

export const lines = (signal, more) => asked("lines", selection(more), signal);
export const summary = (signal) => asked("summary", selection(), signal);
export const whole = ({ index, id }, signal) => asked("document", { index, id }, signal);
export const around = ({ index, id }, count, signal) => asked("around", { index, id, count }, signal);
