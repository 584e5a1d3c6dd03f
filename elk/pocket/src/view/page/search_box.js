// The search box, on every page.

import * as completion from "./completion.js";
import { by, plain } from "./element.js";

/**
 * Makes the box. `label` and `hint` say what it searches; `search(text)` is called when a text is meant, `range()` says the
 * time of which values are offered.
 */
export function start({ label, hint, search, range }) {
  const input = by("query");
  input.setAttribute("aria-label", label);
  input.placeholder = hint;
  const meant = () => search(input.value.trim());
  by("search").addEventListener("submit", (event) => { event.preventDefault(); meant(); });
  input.addEventListener("change", meant);
  input.addEventListener("input", showClear);
  completion.start(range);
  by("clear-query").addEventListener("click", () => { input.value = ""; meant(); input.focus(); });
}

/** Shows the text of the address, unless somebody is typing. */
export function show(text) {
  if (document.activeElement !== by("query")) by("query").value = text;
  showClear();
}

function showClear() {
  by("clear-query").hidden = by("query").value === "";
}

/** Says why the text cannot be read, and puts the cursor there; `null`: it can. */
export function showFault(fault) {
  const isQuery = fault?.kind === "query";
  by("query").setAttribute("aria-invalid", isQuery);
  by("query-fault").hidden = !fault;
  by("query-fault").textContent = fault ? plain(fault.message) : "";
  if (isQuery && document.activeElement === by("query")) by("query").setSelectionRange(fault.position, fault.position);
}
