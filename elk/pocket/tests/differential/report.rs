//! What was found, by feature; a file.

use super::request::Case;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How a case went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// All three say the same.
    Equal,
    /// All three refuse.
    Refused,
    /// As Elasticsearch, of which OpenSearch differs.
    EnginesDiffer(String),
    /// Not as Elasticsearch.
    Differs(String),
}

#[derive(Default)]
struct Row {
    equal: usize,
    refused: usize,
    engines_differ: usize,
    differs: usize,
}

#[derive(Default)]
pub(crate) struct Report {
    rows: BTreeMap<&'static str, Row>,
    pub(crate) cases: usize,
    pub(crate) failures: Vec<String>,
    disagreements: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, case: &Case, outcome: &Outcome) {
        self.cases += 1;
        for feature in &case.features {
            let row = self.rows.entry(feature).or_default();
            match outcome {
                Outcome::Equal => row.equal += 1,
                Outcome::Refused => row.refused += 1,
                Outcome::EnginesDiffer(_) => row.engines_differ += 1,
                Outcome::Differs(_) => row.differs += 1,
            }
        }
        let told = |what: &str| format!("case {}: {what}\n    {} {}", case.number, case.path, case.body);
        match outcome {
            Outcome::Differs(what) => self.failures.push(told(what)),
            Outcome::EnginesDiffer(what) => self.disagreements.push(told(what)),
            Outcome::Equal | Outcome::Refused => {}
        }
    }

    /// Features that were asked for less than `least` times with an answer.
    pub(crate) fn rare(
        &self,
        features: impl Iterator<Item = &'static str>,
        least: usize,
    ) -> Vec<&'static str> {
        let answered =
            |feature: &&str| self.rows.get(feature).map_or(0, |row| row.equal + row.engines_differ);
        features.filter(|feature| answered(feature) < least).collect()
    }

    pub(crate) fn text(&self, head: &str) -> String {
        let mut text = format!(
            "{head}\n\n| feature | cases | equal | all refuse | as Elasticsearch, OpenSearch differs | differs |\n| --- | --- | --- | --- | --- | --- |\n"
        );
        for (feature, row) in &self.rows {
            let cases = row.equal + row.refused + row.engines_differ + row.differs;
            let _ = writeln!(
                text,
                "| {feature} | {cases} | {} | {} | {} | {} |",
                row.equal, row.refused, row.engines_differ, row.differs
            );
        }
        for (title, list) in [
            ("Differs from Elasticsearch", &self.failures),
            ("As Elasticsearch, OpenSearch differs", &self.disagreements),
        ] {
            let _ = writeln!(text, "\n## {title}: {}\n", list.len());
            list.iter().for_each(|entry| text.push_str(&format!("- {entry}\n")));
        }
        text
    }
}
