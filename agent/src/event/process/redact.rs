//! `redact`: secrets in the values of a document.

use super::card;
use super::condition::characters;
use super::edit::Edit;
use crate::config::{Redact, Secrets};
use crate::event::scan::{Kind, Node};
use crate::event::text;
use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;

/// What looks for secrets; all patterns run in time linear in the text.
#[derive(Debug)]
pub(super) struct Redactor {
    /// Where a pattern has a group, only that is replaced.
    patterns: Vec<Regex>,
    cards: bool,
    with: String,
}

/// Access key ids of AWS by their prefixes, and secret keys by the name in front of them.
const AWS: [&str; 2] = [
    r"\b((?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA)[A-Z2-7]{16})\b",
    r#"(?i)secret_?(?:access_?)?key["']?\s*[:=]\s*["']?([a-z0-9/+]{40})"#,
];
/// RFC 6750.
const BEARER: &str = r"(?i)\bbearer\s+([a-z0-9._~+/-]+=*)";

impl Redactor {
    pub(super) fn new(redact: &Redact) -> Self {
        let built_in = |pattern: &&str| Regex::new(pattern).expect("a valid pattern");
        let mut patterns = Vec::new();
        if redact.secrets.contains(&Secrets::AwsKey) {
            patterns.extend(AWS.iter().map(built_in));
        }
        if redact.secrets.contains(&Secrets::BearerToken) {
            patterns.push(built_in(&BEARER));
        }
        patterns.extend(redact.patterns.iter().cloned());
        Self { patterns, cards: redact.secrets.contains(&Secrets::CardNumber), with: redact.with.clone() }
    }

    /// What has to change in the document.
    pub(super) fn edits(&self, document: &[u8], nodes: &[Node]) -> Vec<Edit> {
        nodes.iter().filter_map(|node| self.edit(document, node)).collect()
    }

    fn edit(&self, document: &[u8], node: &Node) -> Option<Edit> {
        match node.kind {
            Kind::Text => {
                let Cow::Owned(clean) = self.clean(&characters(document, node)) else { return None };
                let mut quoted = Vec::with_capacity(clean.len() + 2);
                text::write_quoted(clean.as_bytes(), &mut quoted);
                Some(Edit { range: node.range(), text: quoted })
            }
            // A number has to stay one; no other number of a document is as long and of an issuer.
            Kind::Number if self.cards && card::is_card(&characters(document, node)) => {
                Some(Edit { range: node.range(), text: b"0".to_vec() })
            }
            _ => None,
        }
    }

    /// The text without its secrets; borrowed where it has none.
    fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for pattern in &self.patterns {
            let found: Vec<Range<usize>> = secrets(pattern, &clean).collect();
            replace(&mut clean, &found, &self.with);
        }
        if self.cards {
            let found: Vec<Range<usize>> = card::cards(&clean).collect();
            replace(&mut clean, &found, &self.with);
        }
        clean
    }
}

fn secrets(pattern: &Regex, text: &str) -> impl Iterator<Item = Range<usize>> {
    let group = usize::from(pattern.captures_len() > 1);
    let found = pattern
        .captures_iter(text)
        .filter_map(move |captures| captures.get(group).or_else(|| captures.get(0)));
    found.map(|found| found.range()).filter(|range| !range.is_empty())
}

fn replace(text: &mut Cow<'_, str>, ranges: &[Range<usize>], with: &str) {
    for range in ranges.iter().rev() {
        text.to_mut().replace_range(range.clone(), with);
    }
}
