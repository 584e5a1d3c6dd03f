//! Marking the words that were looked for.

use crate::index::split_words;
use crate::mapping::{Field, Mapping};
use crate::pattern::matches;
use crate::query::{DEFAULT_FIELDS, Query, text_of};
use crate::store::ApiError;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

/// The `highlight` of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Highlight {
    /// Patterns of field names.
    pub(super) fields: Vec<String>,
    before: String,
    after: String,
    fragment_size: usize,
    fragments: usize,
}

impl Highlight {
    pub(super) fn parse(value: &Value) -> Result<Self, ApiError> {
        let first = |key: &str, default: &str| match &value[key] {
            Value::Array(tags) => tags.first().and_then(Value::as_str).unwrap_or(default).to_owned(),
            Value::String(tag) => tag.clone(),
            _ => default.to_owned(),
        };
        let fields = match &value["fields"] {
            Value::Object(fields) => fields.keys().cloned().collect(),
            Value::Array(fields) => {
                fields.iter().filter_map(Value::as_object).flat_map(|field| field.keys().cloned()).collect()
            }
            _ => return Err(ApiError::parsing("[highlight] needs [fields]")),
        };
        Ok(Self {
            fields,
            before: first("pre_tags", "<em>"),
            after: first("post_tags", "</em>"),
            fragment_size: value["fragment_size"].as_u64().unwrap_or(100) as usize,
            fragments: value["number_of_fragments"].as_u64().unwrap_or(5) as usize,
        })
    }

    /// Pieces of `text` with the words and phrases marked; none where none is in it.
    pub(super) fn mark(&self, text: &str, wanted: &[Wanted]) -> Vec<String> {
        let hits = hits(text, wanted);
        if hits.is_empty() {
            return Vec::new();
        }
        if self.fragments == 0 || text.len() <= self.fragment_size {
            return vec![self.marked(text, 0, text.len(), &hits)];
        }
        let mut pieces = Vec::new();
        let mut rest = hits.as_slice();
        while let [(start, _), ..] = rest {
            let from = char_floor(text, start.saturating_sub(self.fragment_size / 4));
            let to = char_floor(text, (from + self.fragment_size).min(text.len()));
            let inside = rest.iter().take_while(|(_, end)| *end <= to).count().max(1);
            let to = to.max(rest[inside - 1].1);
            pieces.push(self.marked(text, from, to, &rest[..inside]));
            rest = &rest[inside..];
            if pieces.len() == self.fragments {
                break;
            }
        }
        pieces
    }

    fn marked(&self, text: &str, from: usize, to: usize, hits: &[(usize, usize)]) -> String {
        let mut marked = String::new();
        let mut at = from;
        for (start, end) in hits {
            marked.push_str(&text[at..*start]);
            marked.push_str(&self.before);
            marked.push_str(&text[*start..*end]);
            marked.push_str(&self.after);
            at = *end;
        }
        marked.push_str(&text[at..to]);
        marked
    }
}

/// First and last byte of what is wanted. Phrases that overlap are one.
fn hits(text: &str, wanted: &[Wanted]) -> Vec<(usize, usize)> {
    let places: Vec<(usize, &str)> = text.unicode_word_indices().collect();
    let words: Vec<String> = places.iter().map(|(_, word)| word.to_lowercase()).collect();
    let mut spans: Vec<(usize, usize)> = wanted.iter().flat_map(|wanted| wanted.spans(&words)).collect();
    spans.sort_unstable();
    let mut hits: Vec<(usize, usize)> = Vec::new();
    for (first, last) in spans {
        let (start, end) = (places[first].0, places[last].0 + places[last].1.len());
        match hits.last_mut() {
            Some((_, before)) if start < *before => *before = end.max(*before),
            _ => hits.push((start, end)),
        }
    }
    hits
}

/// A word or a phrase that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    words: Vec<String>,
    slop: u32,
}

impl Wanted {
    fn exactly(words: Vec<String>) -> Self {
        Self { words, slop: 0 }
    }

    /// First and last word of each place it is at.
    fn spans(&self, words: &[String]) -> Vec<(usize, usize)> {
        match self.words.as_slice() {
            [] => Vec::new(),
            [first, second] if self.slop > 0 && first != second => {
                near(words, first, second, self.slop as usize)
            }
            phrase => {
                let starts = (0..words.len()).filter(|at| words[*at..].starts_with(phrase));
                starts.map(|at| (at, at + phrase.len() - 1)).collect()
            }
        }
    }
}

/// Spans of two words moved by `slop` places at most, as Lucene's matcher of sloppy phrases goes through them: the word
/// that is behind moves on, as long as it does not pass the other. Beside each other in the other order, words have been
/// moved by two.
fn near(words: &[String], first: &str, second: &str, slop: usize) -> Vec<(usize, usize)> {
    // Where the phrase would begin.
    let begins = |word: &str, offset: i64| -> Vec<i64> {
        let places = words.iter().enumerate().filter(|(_, here)| *here == word);
        places.map(|(at, _)| at as i64 - offset).collect()
    };
    let begins = [begins(first, 0), begins(second, 1)];
    let (mut at, mut spans) = ([0, 0], Vec::new());
    let (Some(one), Some(other)) = (begins[0].first(), begins[1].first()) else { return spans };
    let mut end = *one.max(other);
    while at[0] < begins[0].len() && at[1] < begins[1].len() {
        let behind = usize::from(begins[1][at[1]] < begins[0][at[0]]);
        let ahead = 1 - behind;
        let next = begins[ahead][at[ahead]];
        let mut place = begins[behind][at[behind]];
        let mut length = end - place;
        loop {
            at[behind] += 1;
            let Some(begin) = begins[behind].get(at[behind]) else { break };
            end = end.max(*begin);
            if *begin > next {
                break;
            }
            place = *begin;
            length = length.min(end - place);
        }
        if length <= slop as i64 {
            let (one, other) = ((place + behind as i64) as usize, (next + ahead as i64) as usize);
            spans.push((one.min(other), one.max(other)));
        }
    }
    spans
}

fn char_floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Words and phrases a query looks for in a field.
pub(super) fn phrases_for(query: &Query, field: &Field, mapping: &Mapping, wanted: &mut Vec<Wanted>) {
    let fits = |name: &str| match name {
        DEFAULT_FIELDS => mapping.settings.default_fields.iter().any(|name| matches(name, &field.path)),
        name => matches(name, &field.path),
    };
    let single = |text: &str| split_words(text).into_iter().map(|word| Wanted::exactly(vec![word]));
    match query {
        Query::Phrase { field, value, slop } if fits(field) => {
            wanted.push(Wanted { words: split_words(&text_of(value)), slop: *slop });
        }
        Query::Match { field, value, .. } if fits(field) => {
            wanted.extend(single(&text_of(value)));
        }
        Query::Terms { field, values, .. } if fits(field) => {
            wanted.extend(values.iter().map(|value| Wanted::exactly(vec![text_of(value)])));
        }
        Query::Bool { must, should, .. } => {
            must.iter().chain(should).for_each(|part| phrases_for(part, field, mapping, wanted));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_marked() {
        let highlight = Highlight::parse(&json!({"fields": {"message": {}}, "fragment_size": 20})).unwrap();
        let words = ["cart", "größe"].map(|word| Wanted::exactly(vec![word.to_owned()]));
        assert_eq!(highlight.mark("GET /Cart Größe", &words), ["GET /<em>Cart</em> <em>Größe</em>"]);
        assert_eq!(highlight.mark("nothing", &words), Vec::<String>::new());
        let long = format!("{} cart {}", "x".repeat(50), "y".repeat(50));
        assert_eq!(highlight.mark(&long, &words), [format!("xxxx <em>cart</em> {}", "y".repeat(10))]);
        let phrase = [Wanted::exactly(vec!["a".to_owned(), "b".to_owned()])];
        assert_eq!(highlight.mark("b a-b c b", &phrase), ["b <em>a-b</em> c b"]);
    }

    /// As in Elasticsearch 8.19, the whole span is one mark.
    #[test]
    fn phrases_with_slop_are_marked_as_spans() {
        let highlight = Highlight::parse(&json!({"fields": {"message": {}}})).unwrap();
        for (slop, text, expected) in [
            (1, "b x a b", "b x <em>a b</em>"),
            (1, "a x b", "<em>a x b</em>"),
            (1, "a x a b", "a x <em>a b</em>"),
            (1, "a b b", "<em>a b</em> b"),
            (1, "b a", ""),
            (2, "b a", "<em>b a</em>"),
        ] {
            let phrase = Wanted { words: vec!["a".to_owned(), "b".to_owned()], slop };
            assert_eq!(highlight.mark(text, &[phrase]).concat(), expected, "{slop} {text}");
        }
    }
}
