//! `sample`: one event in so many, but every error and every slow request.

use super::condition::{characters, find};
use super::edit::Edit;
use crate::config::Sample;
use crate::event::scan::Node;
use xxhash_rust::xxh3::xxh3_64;

/// Where the rate is kept: how many events this one stands for.
const OBJECT: &str = "numeric_labels";
const KEY: &str = "sample_rate";

/// How many events this one stands for; `None` if it is left out. Events of one trace stay together.
pub(super) fn weigh(sample: &Sample, document: &[u8], nodes: &[Node], id: &[u8]) -> Option<u64> {
    if matters(sample, document, nodes) {
        return Some(1);
    }
    let chance = match find(document, nodes, "trace.id") {
        Some(trace) => xxh3_64(trace.value(document)),
        None => xxh3_64(id),
    };
    chance.is_multiple_of(sample.one_in).then_some(sample.one_in)
}

/// Whether only its id decides on an event.
pub(super) fn is_chosen_by_id(sample: &Sample, document: &[u8], nodes: &[Node]) -> bool {
    !matters(sample, document, nodes) && find(document, nodes, "trace.id").is_none()
}

fn matters(sample: &Sample, document: &[u8], nodes: &[Node]) -> bool {
    let text = |path: &str| find(document, nodes, path).map(|node| characters(document, node));
    let failed = text("event.outcome").as_deref() == Some("failure");
    let loud = matches!(text("log.level").as_deref(), Some("error" | "fatal"));
    let duration = text("event.duration").and_then(|duration| duration.parse::<u64>().ok());
    failed || loud || duration.is_some_and(|duration| u128::from(duration) >= sample.slow.as_nanos())
}

/// The edit that writes the rate into the document. None if a field of that name is there already.
pub(super) fn record(rate: u64, document: &[u8], nodes: &[Node]) -> Vec<Edit> {
    if find(document, nodes, &format!("{OBJECT}.{KEY}")).is_some() {
        return Vec::new();
    }
    let (end, text) = match find(document, nodes, OBJECT) {
        Some(object) => (object.range().end - 1, format!(",\"{KEY}\":{rate}")),
        None => (document.len() - 1, format!(",\"{OBJECT}\":{{\"{KEY}\":{rate}}}")),
    };
    vec![Edit { range: end..end, text: text.into_bytes() }]
}
