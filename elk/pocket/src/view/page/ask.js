// How the pages ask their server.

/** An answer that is none: `kind` is `query`, `time`, `store`, `gone`, `unknown`, `request` or `away`. */
export class Fault extends Error {
  constructor({ kind, reason, position }) {
    super(reason);
    this.kind = kind;
    this.position = position;
  }
}

const TIMEOUT = 30_000;

/** The JSON at a path; throws a `Fault`, or an `AbortError` where `signal` says so. */
export async function ask(path, parameters, signal) {
  const limits = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(`${path}?${new URLSearchParams(parameters)}`, { signal: AbortSignal.any(limits) });
  } catch (error) {
    if (signal?.aborted) throw error;
    const reason = error.name === "TimeoutError" ? "the store did not answer within 30 seconds" : "the store does not answer; is pocket-elk still running?";
    throw new Fault({ kind: "away", reason });
  }
  const body = await answer.json().catch(() => ({ error: { kind: "store", reason: `unreadable answer, status ${answer.status}` } }));
  if (!answer.ok) throw new Fault(body.error ?? { kind: "store", reason: `status ${answer.status}` });
  return body;
}
