//! Work that takes CPU time.

use super::failure::Failure;
use serde_json::{Map, Value};
use std::hint::black_box;

/// The entries of the object in `json` whose key starts with `a` or `A`; read `rounds` times, at least once.
pub(super) fn entries_with_a(json: &[u8], rounds: u64) -> Result<Map<String, Value>, Failure> {
    for _ in 1..rounds {
        black_box(once(black_box(json))?);
    }
    once(json)
}

fn once(json: &[u8]) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_slice(json).map_err(|error| Failure::bad("the body is not JSON").because(error))? {
        Value::Object(entries) => {
            Ok(entries.into_iter().filter(|(key, _)| key.starts_with(['a', 'A'])).collect())
        }
        _ => Err(Failure::bad("the body is no JSON object")),
    }
}

/// Runs `work` where it keeps no other request from being served; a panic in it goes on in the request.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Entered there too, so that a panic is logged with the request it belongs to.
    let span = tracing::Span::current();
    let done = tokio::task::spawn_blocking(move || span.in_scope(work)).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
