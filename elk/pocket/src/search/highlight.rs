//! Marking the words that were looked for.

use crate::index::split_words;
use crate::query::Query;
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

    /// Pieces of `text` with the words marked; none where none is in it.
    pub(super) fn mark(&self, text: &str, words: &[String]) -> Vec<String> {
        let hits: Vec<(usize, usize)> = text
            .unicode_word_indices()
            .filter(|(_, word)| words.contains(&word.to_lowercase()))
            .map(|(start, word)| (start, start + word.len()))
            .collect();
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

fn char_floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Words a query looks for in a field.
pub(super) fn words_for(query: &Query, field: &str, words: &mut Vec<String>) {
    let fits = |name: &str| crate::pattern::matches(name, field);
    match query {
        Query::Match { field, value, .. } | Query::Phrase { field, value, .. } if fits(field) => {
            words.extend(split_words(&crate::query::text_of(value)));
        }
        Query::Terms { field, values, .. } if fits(field) => {
            words.extend(values.iter().map(crate::query::text_of))
        }
        Query::Bool { must, should, .. } => {
            must.iter().chain(should).for_each(|part| words_for(part, field, words))
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
        let words = ["cart".to_owned(), "größe".to_owned()];
        assert_eq!(highlight.mark("GET /Cart Größe", &words), ["GET /<em>Cart</em> <em>Größe</em>"]);
        assert_eq!(highlight.mark("nothing", &words), Vec::<String>::new());
        let long = format!("{} cart {}", "x".repeat(50), "y".repeat(50));
        assert_eq!(highlight.mark(&long, &words), [format!("xxxx <em>cart</em> {}", "y".repeat(10))]);
    }
}
