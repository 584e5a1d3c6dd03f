//! Sets a cluster up: templates, retention, roles, boards.
