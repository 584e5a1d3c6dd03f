// Levels: many words, six ranks.

export const RANKS = ["fatal", "error", "warn", "info", "debug", "trace", "other"];

const WORDS = {
  fatal: "fatal", critical: "fatal", crit: "fatal", emergency: "fatal", emerg: "fatal", alert: "fatal", panic: "fatal",
  error: "error", err: "error", severe: "error",
  warn: "warn", warning: "warn",
  info: "info", information: "info", informational: "info", notice: "info",
  debug: "debug", trace: "trace", verbose: "trace",
};

/** Which of the ranks a word is. */
export function rank(word) {
  const key = String(word ?? "").toLowerCase();
  return Object.hasOwn(WORDS, key) ? WORDS[key] : "other";
}

/** The worst first, as readers look for them. */
export const byRank = (a, b) => RANKS.indexOf(rank(a)) - RANKS.indexOf(rank(b)) || a.localeCompare(b);
