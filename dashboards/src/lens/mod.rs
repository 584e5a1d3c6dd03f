//! From a Lens panel to a `_search` request, and from the answer to rows.
