//! Pocket ELK: an embedded store with the HTTP dialect of Elasticsearch, and its viewer.
