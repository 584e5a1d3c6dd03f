//! What the operator asks for.

use std::fmt;

/// What a set-up is to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// How long events are kept.
    pub retention: Retention,
    /// Datasets beside `app` and `app.<name>`: each adds the pattern `logs-<dataset>-*`.
    pub datasets: Vec<String>,
    /// How Elasticsearch stores the events.
    pub index_mode: IndexMode,
    /// An API key for the agent.
    pub key: Option<KeyWish>,
}

/// `index.mode` of the backing indices, from Elasticsearch 8.17 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexMode {
    /// As in every older version. Stated, because 9.x would take `logsdb` for each `logs-*-*`.
    #[default]
    Standard,
    /// Less disk, slower to write.
    Logsdb,
}

/// An API key is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWish {
    /// Id of the key that is at hand already.
    pub at_hand: Option<String>,
}

/// A time as Elasticsearch and OpenSearch write it: a whole number of days, hours or minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention(String);

/// A text that is no [`Retention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no time to keep events; write a whole number of days, hours or minutes above 0, such as 7d, 36h")]
pub struct RetentionError;

impl Retention {
    /// Reads `7d`, `36h`, `90m`.
    pub fn parse(text: &str) -> Result<Self, RetentionError> {
        let number = text.strip_suffix(['d', 'h', 'm']).ok_or(RetentionError)?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        // Both engines count in 64-bit nanoseconds: 100 000 days are below their end.
        match number.parse::<u32>() {
            Ok(1..=100_000) if digits && !number.starts_with('0') => Ok(Self(text.to_owned())),
            _ => Err(RetentionError),
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for Wish {
    /// 7 days, no further dataset, `index.mode: standard`, no key.
    fn default() -> Self {
        Self {
            retention: Retention("7d".to_owned()),
            datasets: Vec::new(),
            index_mode: IndexMode::Standard,
            key: None,
        }
    }
}

impl Wish {
    /// Patterns of the data streams, in the order of the template.
    pub fn patterns(&self) -> Vec<String> {
        let own = ["logs-app-*", "logs-app.*-*"].map(str::to_owned);
        let further = self.datasets.iter().filter(|dataset| !is_covered(dataset));
        let mut patterns: Vec<String> =
            own.into_iter().chain(further.map(|dataset| format!("logs-{dataset}-*"))).collect();
        let mut seen = std::collections::BTreeSet::new();
        patterns.retain(|pattern| seen.insert(pattern.clone()));
        patterns
    }
}

fn is_covered(dataset: &str) -> bool {
    dataset == "app" || dataset.starts_with("app.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retentions_are_whole_numbers_with_a_unit() {
        for text in ["7d", "36h", "1m", "100000d"] {
            assert_eq!(Retention::parse(text).map(|retention| retention.to_string()), Ok(text.to_owned()));
        }
        for text in
            ["", "d", "7", "0d", "07d", "-1d", "+1d", "1.5d", "7 d", "7w", "7days", "100001d", "99999999999d"]
        {
            assert_eq!(Retention::parse(text), Err(RetentionError), "{text}");
        }
    }

    #[test]
    fn further_datasets_add_one_pattern_each() {
        let datasets = ["app", "app.shop", "nginx", "nginx", "k8s.pod"].map(str::to_owned).to_vec();
        let wish = Wish { datasets, ..Wish::default() };
        assert_eq!(wish.patterns(), ["logs-app-*", "logs-app.*-*", "logs-nginx-*", "logs-k8s.pod-*"]);
    }
}
