//! All documents of an engine as they should be, and which of them a query finds.

use super::document::Document;
use dashboards::kql::Query;
use dashboards::lens::TimeRange;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Documents, found by their place.
pub struct Archive {
    documents: Vec<Document>,
    /// Whether each document matches, by query: few queries are asked often.
    matches: Mutex<HashMap<String, Arc<Vec<bool>>>>,
}

/// Places of documents.
pub type Places = Vec<u32>;

/// What the reader of a board has chosen.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    pub range: TimeRange,
    /// In the control of environments: each scene has its own.
    pub environment: Option<&'a str>,
}

impl Archive {
    pub fn new(documents: Vec<Document>) -> Self {
        Self { documents, matches: Mutex::default() }
    }

    pub fn get(&self, place: u32) -> &Document {
        &self.documents[place as usize]
    }

    /// Documents in the time, of the environment and with what the query asks for.
    pub fn find(&self, query: &str, choice: Choice<'_>) -> Places {
        let within = |document: &Document| {
            let time = document.time();
            choice.range.from() <= time && time <= choice.range.to()
        };
        let chosen = |document: &Document| {
            choice.environment.is_none_or(|name| document.text("service.environment") == Some(name))
        };
        let matches = self.matches(query);
        let places = (0..).zip(&self.documents).zip(&*matches);
        let found =
            places.filter(|((_, document), matches)| **matches && within(document) && chosen(document));
        found.map(|((place, _), _)| place).collect()
    }

    /// Those of `places` with what the query asks for.
    pub fn filter(&self, places: &[u32], query: &str) -> Places {
        let matches = self.matches(query);
        places.iter().copied().filter(|place| matches[*place as usize]).collect()
    }

    fn matches(&self, text: &str) -> Arc<Vec<bool>> {
        let mut known = self.matches.lock().expect("no test has failed in here");
        let matches = known.entry(text.to_owned()).or_insert_with(|| {
            let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            Arc::new(self.documents.iter().map(|document| document.matches(&query)).collect())
        });
        Arc::clone(matches)
    }
}
