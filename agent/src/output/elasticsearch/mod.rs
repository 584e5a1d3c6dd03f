//! Elasticsearch and OpenSearch by `_bulk`.
