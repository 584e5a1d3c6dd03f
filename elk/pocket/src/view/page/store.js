// What the page asks of its server.

import { state } from "./address.js";

/** An answer that is none: `kind` is `query`, `time`, `store`, `gone`, `request` or `away`. */
export class Fault extends Error {
  constructor({ kind, reason, position }) {
    super(reason);
    this.kind = kind;
    this.position = position;
  }
}

const TIMEOUT = 30_000;

async function ask(name, parameters, signal) {
  const limits = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(`/api/logs/${name}?${new URLSearchParams(parameters)}`, { signal: AbortSignal.any(limits) });
  } catch (error) {
    if (signal?.aborted) throw error;
    const reason = error.name === "TimeoutError" ? "the store did not answer within 30 seconds" : "the store does not answer; is pocket-elk still running?";
    throw new Fault({ kind: "away", reason });
  }
  const body = await answer.json().catch(() => ({ error: { kind: "store", reason: `unreadable answer, status ${answer.status}` } }));
  if (!answer.ok) throw new Fault(body.error ?? { kind: "store", reason: `status ${answer.status}` });
  return body;
}

function selection(more = {}) {
  const { q, level, service, from, to } = state;
  return { q, level, service, from, to, ...more };
}

export const lines = (signal, more) => ask("lines", selection(more), signal);
export const summary = (signal) => ask("summary", selection(), signal);
export const whole = ({ index, id }, signal) => ask("document", { index, id }, signal);
export const around = ({ index, id }, count, signal) => ask("around", { index, id, count }, signal);
