//! Rollover and retention, executed.

use super::{ApiError, Store};
use crate::time::{duration_millis, now_millis};
use serde_json::Value;

/// A backing index older than this is rolled over, so that retention by age has something to remove.
const ROLL_AGE: i64 = 86_400_000;
/// Or one larger than this, in bytes.
const ROLL_BYTES: u64 = 10 << 30;

/// Milliseconds of a retention like `7d`.
pub fn parse_retention(value: &Value) -> Result<i64, ApiError> {
    let millis = value.as_str().and_then(duration_millis);
    millis.ok_or_else(|| {
        ApiError::illegal(format!(
            "failed to parse setting [data_retention] with value [{value}] as a time value"
        ))
    })
}

impl Store {
    /// Rolls streams over that are due, removes backing indices past their retention, and, while all indices together
    /// are larger than `disk_cap`, the oldest backing index that is not written to. Says what was removed and why.
    pub fn keep_house(&self, disk_cap: Option<u64>) -> Result<Vec<(String, &'static str)>, ApiError> {
        let streams = self.registry().streams.clone();
        let now = now_millis();
        let mut removed = Vec::new();
        for (name, stream) in &streams {
            let Some(newest) = stream.indices.last().and_then(|index| self.index(index)) else { continue };
            let due = now - newest.meta.created >= ROLL_AGE || newest.disk_bytes() >= ROLL_BYTES;
            if due && newest.snapshot().count() > 0 {
                self.roll_over(name)?;
            }
            let Some(retention) = self.retention(&stream.lifecycle, &newest.meta.settings) else { continue };
            for pair in stream.indices.windows(2) {
                // An index holds nothing newer than the moment the next one was made.
                let end = self.index(&pair[1]).map_or(now, |next| next.meta.created);
                if now - end > retention {
                    self.remove_index(&pair[0])?;
                    removed.push((pair[0].clone(), "retention"));
                }
            }
        }
        if let Some(cap) = disk_cap {
            self.shrink_to(cap, &mut removed)?;
        }
        Ok(removed)
    }

    /// Of the stream's own lifecycle, else of the policy its settings name.
    fn retention(&self, lifecycle: &Value, settings: &serde_json::Map<String, Value>) -> Option<i64> {
        if let Some(retention) = lifecycle.get("data_retention") {
            return parse_retention(retention).ok();
        }
        let policy = settings.get("index.lifecycle.name")?.as_str()?;
        let registry = self.registry();
        parse_retention(registry.policies.get(policy)?.pointer("/phases/delete/min_age")?).ok()
    }

    fn shrink_to(&self, cap: u64, removed: &mut Vec<(String, &'static str)>) -> Result<(), ApiError> {
        loop {
            let indices = self.indices();
            let total: u64 = indices.iter().map(|index| index.disk_bytes()).sum();
            if total <= cap {
                return Ok(());
            }
            let written: Vec<String> = self
                .registry()
                .streams
                .values()
                .filter_map(|stream| stream.indices.last().cloned())
                .collect();
            let oldest = indices
                .iter()
                .filter(|index| index.is_stream() && !written.contains(&index.meta.name))
                .min_by_key(|index| index.meta.created);
            let Some(oldest) = oldest else { return Ok(()) };
            self.remove_index(&oldest.meta.name)?;
            removed.push((oldest.meta.name.clone(), "disk cap"));
        }
    }
}
