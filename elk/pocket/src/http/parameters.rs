//! The parameters each address of Elasticsearch takes: those of 8.19, whether or not this store has a use for them.

use super::call::Call;
use crate::store::ApiError;

const EVERYWHERE: &[&str] = &["error_trace", "filter_path", "format", "human", "pretty"];
/// Which indices a name stands for.
const NAMES: &[&str] = &["allow_no_indices", "expand_wildcards", "ignore_throttled", "ignore_unavailable"];
/// How long to wait for the cluster.
const CLUSTER: &[&str] = &["local", "master_timeout", "timeout"];
const SOURCE: &[&str] = &["_source", "_source_excludes", "_source_includes"];
const WRITE: &[&str] = &[
    "if_primary_term",
    "if_seq_no",
    "include_source_on_error",
    "list_executed_pipelines",
    "op_type",
    "pipeline",
    "refresh",
    "require_alias",
    "require_data_stream",
    "retry_on_conflict",
    "routing",
    "timeout",
    "version",
    "version_type",
    "wait_for_active_shards",
];
const READ: &[&str] = &["force_synthetic_source", "preference", "realtime", "stored_fields"];
/// A query in the address.
const QUERY: &[&str] =
    &["analyze_wildcard", "analyzer", "default_operator", "df", "lenient", "preference", "q", "routing"];
const SEARCH: &[&str] = &[
    "allow_partial_search_results",
    "batched_reduce_size",
    "ccs_minimize_roundtrips",
    "docvalue_fields",
    "explain",
    "force_synthetic_source",
    "from",
    "include_named_queries_score",
    "max_concurrent_searches",
    "max_concurrent_shard_requests",
    "min_compatible_shard_node",
    "pre_filter_shard_size",
    "request_cache",
    "rest_total_hits_as_int",
    "scroll",
    "search_type",
    "seq_no_primary_term",
    "size",
    "sort",
    "stats",
    "stored_fields",
    "suggest_field",
    "suggest_mode",
    "suggest_size",
    "suggest_text",
    "terminate_after",
    "timeout",
    "track_scores",
    "track_total_hits",
    "typed_keys",
    "version",
];
const STATISTICS: &[&str] = &[
    "completion_fields",
    "fielddata_fields",
    "fields",
    "flat_settings",
    "forbid_closed_indices",
    "groups",
    "include_segment_file_sizes",
    "include_unloaded_segments",
    "level",
    "types",
];
const CAT: &[&str] = &[
    "active_only",
    "allow_closed",
    "bytes",
    "detailed",
    "full_id",
    "h",
    "health",
    "help",
    "include_bootstrap",
    "include_unloaded_segments",
    "pri",
    "s",
    "time",
    "ts",
    "v",
];
/// What is shown of settings and templates.
const SHOWN: &[&str] = &["features", "flat_settings", "include_defaults", "settings_filter"];
const TEMPLATE: &[&str] = &["cause", "create"];
const HEALTH: &[&str] = &[
    "level",
    "wait_for_active_shards",
    "wait_for_events",
    "wait_for_no_initializing_shards",
    "wait_for_no_relocating_shards",
    "wait_for_nodes",
    "wait_for_status",
];

/// Parameters of an address; none where this store has no such address.
fn known(path: &[&str]) -> Option<&'static [&'static [&'static str]]> {
    let verb = path.iter().copied().find(|part| part.starts_with('_') && *part != "_all");
    Some(match verb {
        None if path.is_empty() => &[],
        None => &[NAMES, CLUSTER, SHOWN, &["wait_for_active_shards"]],
        Some("_license" | "_xpack") => &[&["accept_enterprise", "categories", "local"]],
        Some("_cluster") => &[NAMES, CLUSTER, HEALTH],
        Some("_nodes" | "_stats") => &[NAMES, STATISTICS, &["timeout"]],
        Some("_cat") => &[NAMES, CLUSTER, CAT],
        Some("_bulk" | "_create" | "_update") => &[WRITE, SOURCE, &["lang"]],
        Some("_doc") => &[WRITE, READ, SOURCE],
        Some("_source" | "_mget") => &[READ, SOURCE, &["refresh", "routing", "version", "version_type"]],
        Some("_search" | "_msearch") => &[NAMES, QUERY, SEARCH, SOURCE],
        Some("_count") => &[NAMES, QUERY, &["min_score", "terminate_after"]],
        Some("_field_caps") => {
            &[NAMES, &["fields", "filters", "include_empty_fields", "include_unmapped", "types"]]
        }
        Some("_mapping" | "_mappings") => &[NAMES, CLUSTER, &["write_index_only"]],
        Some("_settings") => &[NAMES, CLUSTER, SHOWN],
        Some("_refresh") => &[NAMES],
        Some("_flush") => &[NAMES, &["force", "wait_if_ongoing"]],
        Some("_forcemerge") => {
            &[NAMES, &["flush", "max_num_segments", "only_expunge_deletes", "wait_for_completion"]]
        }
        Some("_aliases" | "_alias" | "_resolve") => &[NAMES, CLUSTER],
        Some("_component_template" | "_index_template") => &[CLUSTER, SHOWN, TEMPLATE],
        Some("_data_stream") => &[NAMES, CLUSTER, &["include_defaults", "verbose"]],
        Some("_rollover") => &[CLUSTER, &["dry_run", "lazy", "wait_for_active_shards"]],
        Some("_ingest") => &[CLUSTER, &["if_version", "summary"]],
        Some("_ilm") => &[CLUSTER],
        Some(_) => return None,
    })
}

/// Refuses parameters that the address does not take: a misspelt one would change nothing, silently.
pub(super) fn check(call: &Call, path: &[&str]) -> Result<(), ApiError> {
    let Some(known) = known(path) else { return Ok(()) };
    let known = || known.iter().copied().chain([EVERYWHERE]).flatten().copied();
    let named = |key: &str| match nearest(key, known()) {
        Some(near) => format!("[{key}] -> did you mean [{near}]?"),
        None => format!("[{key}]"),
    };
    let unknown: Vec<String> = call
        .parameters
        .keys()
        .filter(|key| !known().any(|name| name == *key))
        .map(|key| named(key))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let (target, plural) =
        (call.target.split('?').next().unwrap_or_default(), if unknown.len() > 1 { "s" } else { "" });
    let unknown = unknown.join(", ");
    Err(ApiError::illegal(format!("request [{target}] contains unrecognized parameter{plural}: {unknown}")))
}

/// The name of which more than half is the same.
fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = names.map(|name| (strsim::normalized_levenshtein(key, name), name));
    let nearest = alike.filter(|(share, _)| *share > 0.5).max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map(|(_, name)| name)
}
