//! Other index templates that claim our data streams.

use crate::SetupError;
use crate::cluster::ask_json;
use crate::object::{Kind, NAME, PRIORITY};
use crate::transport::{Method, Request, Transport};
use serde_json::Value;
use std::fmt;

/// An index template of somebody else with our priority or a higher one, and patterns that meet ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    name: String,
    priority: u64,
    patterns: Vec<String>,
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, priority) = (&self.name, self.priority);
        write!(
            f,
            "index template {name} (priority {priority}) wins over ours for data streams like {}",
            self.patterns.join(", ")
        )
    }
}

impl Rival {
    /// Whether a data stream of this name is made by it.
    pub fn claims(&self, stream: &str) -> bool {
        self.patterns.iter().any(|pattern| overlap(pattern, stream))
    }

    fn read(answer: &Value, own: &[String]) -> Option<Self> {
        let priority = answer["index_template"]["priority"].as_u64().unwrap_or(0);
        let name = answer["name"].as_str().filter(|name| *name != NAME && priority >= PRIORITY)?.to_owned();
        let patterns = &answer["index_template"]["index_patterns"];
        let one = patterns.as_str().into_iter();
        let all = one.chain(patterns.as_array().into_iter().flatten().filter_map(Value::as_str));
        let meets = |pattern: &&str| own.iter().any(|own| overlap(own, pattern));
        let patterns: Vec<String> = all.filter(meets).map(str::to_owned).collect();
        (!patterns.is_empty()).then_some(Self { name, priority, patterns })
    }
}

/// Templates that win over ours. One with the same priority is an error: the server would refuse ours.
pub fn rivals(transport: &mut dyn Transport, own: &[String]) -> Result<Vec<Rival>, SetupError> {
    let request = Request::new(
        Method::Get,
        "/_index_template?filter_path=index_templates.name,index_templates.index_template.index_patterns,index_templates.index_template.priority",
    );
    let needed = format!("the cluster privilege `{}`", Kind::Template.privilege());
    let answer = ask_json(transport, &request, "list the index templates", &needed)?.unwrap_or_default();
    let all = answer["index_templates"].as_array().into_iter().flatten();
    let rivals: Vec<Rival> = all.filter_map(|template| Rival::read(template, own)).collect();
    match rivals.iter().find(|rival| rival.priority == PRIORITY) {
        Some(Rival { name, priority, patterns }) => {
            let (template, pattern) = (name.clone(), patterns[0].clone());
            Err(SetupError::Conflict { template, priority: *priority, pattern })
        }
        None => Ok(rivals),
    }
}

/// Whether a name exists that both patterns match; `*` is any text, and a pattern without one is a name.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // reach[j]: the part of `one` read so far and the first j bytes of `other` can match the same text.
    let mut reach = vec![false; other.len() + 1];
    reach[0] = true;
    skip_stars(&mut reach, other);
    for byte in one {
        let mut next = vec![false; other.len() + 1];
        for (at, reached) in reach.iter().enumerate() {
            next[at] |= *reached && (*byte == b'*' || other.get(at) == Some(&b'*'));
            if at < other.len() {
                let before = if *byte == b'*' { next[at] } else { *reached };
                let same = *byte == b'*' || other[at] == *byte || other[at] == b'*';
                next[at + 1] |= before && same;
            }
        }
        skip_stars(&mut next, other);
        reach = next;
    }
    reach[other.len()]
}

/// A star may match nothing.
fn skip_stars(reach: &mut [bool], pattern: &[u8]) {
    for (at, byte) in pattern.iter().enumerate() {
        if *byte == b'*' && reach[at] {
            reach[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_overlap_where_one_name_fits_both() {
        for (one, other, expected) in [
            ("logs-app-*", "logs-app-*", true),
            ("logs-app-*", "logs-*", true),
            ("logs-app-*", "*", true),
            ("logs-app-*", "logs-app.*-*", false),
            ("logs-app.*-*", "logs-app.shop-default", true),
            ("logs-app-*", "*-default", true),
            ("logs-app-*", "metrics-*", false),
            ("logs-app-*", "logs-app", false),
            ("a*b", "*ab", true),
            ("a*b", "c*b", false),
            ("a", "a", true),
            ("a", "", false),
            ("*", "", true),
            ("logs-*-*", "logs-app-", true),
        ] {
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        }
    }
}
