//! Bounds of queries.

use crate::store::ApiError;

/// `index.max_terms_count`
const TERMS_MAX: usize = 65_536;

/// Fails where a `terms` names too many: each is looked for in every segment.
pub(super) fn check_terms(count: usize) -> Result<(), ApiError> {
    if count <= TERMS_MAX {
        return Ok(());
    }
    let reason = format!(
        "failed to create query: The number of terms [{count}] used in the Terms Query request has exceeded the allowed maximum of [{TERMS_MAX}]. This maximum can be set by changing the [index.max_terms_count] index level setting."
    );
    Err(ApiError::new(400, "query_shard_exception", reason))
}
