// Runs before the first paint: a page must not flash in the other colours.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const read = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window */ } };
  let chosen = read();
  const show = () => { root.dataset.theme = ["dark", "light"].includes(chosen) ? chosen : system.matches ? "dark" : "light"; };
  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme")?.addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      keep(chosen);
      show();
    });
  });
})();
