//! Kibana's query language.
