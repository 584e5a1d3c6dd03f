//! Order of documents.

use crate::aggregation::{Share, vec_bytes};
use crate::index::Segment;
use crate::mapping::{Field, FieldId, Kind};
use crate::query::{Scope, text_of};
use crate::store::ApiError;
use crate::time::format::{DateFormat, Missing};
use serde_json::{Value, json};
use std::cmp::Reverse;
use tantivy::columnar::{Column, StrColumn};

/// A value documents are ordered by; smaller comes first whatever the direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// No value, and those come first.
    First,
    /// A number; of descending ones the complement.
    Number(i64),
    /// A text, ascending.
    Text(String),
    /// A text, descending.
    TextDown(Reverse<String>),
    /// No value, and those come last.
    Last,
}

/// A document among the first ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopHit {
    /// What it is ordered by; the order of writing at the end.
    pub keys: Vec<SortKey>,
    /// Number of its index in the request, and of its segment in there.
    pub place: (u32, u32),
    /// Its number in the segment.
    pub doc: u32,
}

impl TopHit {
    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        let texts = self.keys.iter().map(|key| match key {
            SortKey::Text(text) | SortKey::TextDown(Reverse(text)) => vec_bytes::<u8>(text.capacity()),
            _ => 0,
        });
        vec_bytes::<SortKey>(self.keys.capacity()) + texts.sum::<usize>()
    }
}

/// How documents are ordered, for one index.
#[derive(Debug, Clone, Default)]
pub struct Sorting {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    name: String,
    by: By,
    ascending: bool,
    missing_first: bool,
    format: Option<DateFormat>,
}

#[derive(Debug, Clone)]
enum By {
    /// Order of writing.
    Sequence,
    Number(FieldId, Kind),
    Text(FieldId),
    /// A field the index lacks.
    Absent,
}

/// A [`Sorting`] on a segment.
pub struct Sorter {
    rules: Vec<(Rule, Reader)>,
    sequence: Column<u64>,
    after: Option<Vec<SortKey>>,
}

enum Reader {
    Sequence,
    Numbers(Column<i64>),
    Words(StrColumn),
    Absent,
}

impl Sorter {
    /// Reads the `sort` of a request.
    pub fn of(source: Option<&Value>, scope: &Scope<'_>) -> Result<Sorting, ApiError> {
        let rules = match source {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(rules)) => {
                rules.iter().map(|rule| parse_rule(rule, scope)).collect::<Result<_, _>>()?
            }
            Some(rule) => vec![parse_rule(rule, scope)?],
        };
        Ok(Sorting { rules })
    }
}

fn parse_rule(rule: &Value, scope: &Scope<'_>) -> Result<Rule, ApiError> {
    let (name, parameters) = match rule {
        Value::String(name) => (name.as_str(), &Value::Null),
        Value::Object(map) if map.len() == 1 => {
            map.iter().next().map(|(name, value)| (name.as_str(), value)).unwrap_or(("", &Value::Null))
        }
        _ => {
            return Err(ApiError::parsing(
                "malformed sort format, within the sort array, an object, or an actual string are allowed",
            ));
        }
    };
    let (mut ascending, mut missing_first, mut format, mut unmapped) = (name != "_score", false, None, false);
    let direction = |value: &Value| match value.as_str().map(str::to_lowercase).as_deref() {
        Some("asc") => Ok(true),
        Some("desc") => Ok(false),
        _ => Err(ApiError::illegal(format!("Unknown SortOrder [{value}]"))),
    };
    match parameters {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "order" => ascending = direction(value)?,
                    "missing" if value == "_first" => missing_first = true,
                    "missing" if value == "_last" => missing_first = false,
                    "unmapped_type" => unmapped = true,
                    "format" => {
                        let text = value.as_str().unwrap_or_default();
                        format = Some(
                            DateFormat::parse(text)
                                .map_err(|part| ApiError::illegal(format!("Invalid format: [{part}]")))?,
                        );
                    }
                    "numeric_type" => {}
                    "mode"
                        if matches!(
                            (value.as_str(), ascending),
                            (Some("min"), true) | (Some("max"), false)
                        ) => {}
                    other => return Err(ApiError::unsupported(&format!("[{other}] of [{value}] in [sort]"))),
                }
            }
        }
        order => ascending = direction(order)?,
    }
    let by = match (name, scope.mapping.field(name)) {
        ("_doc" | "_seq_no" | "_shard_doc", _) => By::Sequence,
        ("_score", _) => {
            return Err(ApiError::unsupported(
                "[sort] by [_score]: this store ranks nothing by relevance, it",
            ));
        }
        (_, Some(field)) => by_field(field)?,
        (_, None) if unmapped => By::Absent,
        (_, None) => {
            return Err(ApiError::new(
                400,
                "query_shard_exception",
                format!("No mapping found for [{name}] in order to sort on"),
            )
            .of_index(scope.index, "_na_"));
        }
    };
    Ok(Rule { name: name.to_owned(), by, ascending, missing_first, format })
}

fn by_field(field: &Field) -> Result<By, ApiError> {
    match &field.kind {
        Kind::Text => Err(ApiError::illegal(format!(
            "Fielddata is disabled on [{}] in [_index]. Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead.",
            field.path
        ))),
        _ if field.is_address() => {
            Err(ApiError::unsupported(&format!("[sort] by [{}], a field of addresses,", field.path)))
        }
        Kind::Keyword { .. } | Kind::Flattened => Ok(By::Text(field.id)),
        Kind::Unindexed => Err(ApiError::illegal(format!("can't sort on field [{}]", field.path))),
        kind => Ok(By::Number(field.id, kind.clone())),
    }
}

impl Sorting {
    /// Whether the request asked for an order.
    pub fn is_given(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Reads `search_after`.
    pub fn after(&self, values: &Value) -> Result<Vec<SortKey>, ApiError> {
        let values = values.as_array().ok_or_else(|| ApiError::parsing("[search_after] must be an array"))?;
        if values.len() != self.rules.len() || values.is_empty() {
            return Err(ApiError::illegal(format!(
                "search_after has {} value(s) but sort has {}.",
                values.len(),
                self.rules.len()
            )));
        }
        self.rules.iter().zip(values).map(|(rule, value)| rule.key_of(value)).collect()
    }

    /// The sorter of a segment; with `after` only documents behind it count.
    pub fn on(&self, segment: &Segment) -> Result<Sorter, ApiError> {
        self.on_after(segment, None)
    }

    /// As [`Self::on`].
    pub fn on_after(&self, segment: &Segment, after: Option<&[SortKey]>) -> Result<Sorter, ApiError> {
        let mut rules = Vec::new();
        for rule in &self.rules {
            let reader = match &rule.by {
                By::Sequence => Reader::Sequence,
                By::Absent => Reader::Absent,
                By::Number(field, _) => segment.numbers(*field)?.map_or(Reader::Absent, Reader::Numbers),
                By::Text(field) => segment.keywords(*field)?.map_or(Reader::Absent, Reader::Words),
            };
            rules.push((rule.clone(), reader));
        }
        let after = match after {
            None => None,
            Some(keys) => Some(
                rules
                    .iter()
                    .zip(keys)
                    .map(|((rule, reader), key)| rule.local(reader, key))
                    .collect::<Result<_, _>>()?,
            ),
        };
        Ok(Sorter { rules, sequence: segment.sequences()?, after })
    }

    /// The values of a hit as its `sort` shows them.
    pub fn show(&self, hit: &TopHit) -> Vec<Value> {
        self.rules.iter().zip(&hit.keys).map(|(rule, key)| rule.show(key)).collect()
    }
}

impl Rule {
    fn direct(&self, number: i64) -> SortKey {
        SortKey::Number(if self.ascending { number } else { !number })
    }

    fn nothing(&self) -> SortKey {
        if self.missing_first { SortKey::First } else { SortKey::Last }
    }

    fn text(&self, text: String) -> SortKey {
        if self.ascending { SortKey::Text(text) } else { SortKey::TextDown(Reverse(text)) }
    }

    fn key_of(&self, value: &Value) -> Result<SortKey, ApiError> {
        let bad =
            || ApiError::illegal(format!("Failed to parse search_after value for field [{}].", self.name));
        match (&self.by, value) {
            (_, Value::Null) => Ok(self.nothing()),
            (By::Number(..), value) if *value == self.show(&self.nothing()) => Ok(self.nothing()),
            (By::Text(_), value) => Ok(self.text(text_of(value))),
            (By::Number(_, Kind::Date { format, unit }), Value::String(text)) => {
                let format = self.format.as_ref().unwrap_or(format);
                let nanos = format
                    .read(text, Missing::First, 0)
                    .or_else(|| text.parse::<i64>().ok()?.checked_mul(*unit));
                nanos.map(|nanos| self.direct(nanos.div_euclid(*unit))).ok_or_else(bad)
            }
            (By::Number(_, Kind::Number(number)), value) => {
                let stored = match value.as_i64() {
                    Some(whole) => number.encode_whole(whole.into()),
                    None => value
                        .as_f64()
                        .or_else(|| value.as_str()?.parse().ok())
                        .and_then(|value| number.encode(value)),
                };
                stored.map(|stored| self.direct(stored)).ok_or_else(bad)
            }
            (_, Value::Bool(value)) => Ok(self.direct(i64::from(*value))),
            (_, value) => value
                .as_i64()
                .or_else(|| value.as_str()?.parse().ok())
                .map(|number| self.direct(number))
                .ok_or_else(bad),
        }
    }

    /// A key in terms of the segment: texts as twice their ordinal, one less where the text lies before it.
    fn local(&self, reader: &Reader, key: &SortKey) -> Result<SortKey, ApiError> {
        let text = match key {
            SortKey::Text(text) => text,
            SortKey::TextDown(Reverse(text)) => text,
            other => return Ok(other.clone()),
        };
        let Reader::Words(column) = reader else { return Ok(self.direct(0)) };
        let place = match column.dictionary().term_ord_or_next(text)? {
            tantivy::columnar::TermOrdHit::Exact(ord) => ord as i64 * 2,
            tantivy::columnar::TermOrdHit::Next(ord) => (ord as i64).saturating_mul(2).saturating_sub(1),
        };
        Ok(self.direct(place))
    }

    /// Documents without a number are shown as having the one that sorts where they stand.
    fn show_nothing(&self, key: &SortKey) -> Value {
        let is_greatest = (*key == SortKey::Last) == self.ascending;
        match &self.by {
            By::Number(_, Kind::Number(kind)) if !kind.is_whole() => {
                json!(if is_greatest { "Infinity" } else { "-Infinity" })
            }
            By::Number(_, Kind::Date { .. }) if self.format.is_some() => Value::Null,
            By::Number(..) => json!(if is_greatest { i64::MAX } else { i64::MIN }),
            _ => Value::Null,
        }
    }

    fn show(&self, key: &SortKey) -> Value {
        let number = match key {
            SortKey::First | SortKey::Last => return self.show_nothing(key),
            SortKey::Text(text) | SortKey::TextDown(Reverse(text)) => return json!(text),
            SortKey::Number(number) => {
                if self.ascending {
                    *number
                } else {
                    !*number
                }
            }
        };
        match (&self.by, &self.format) {
            (By::Number(_, Kind::Date { unit, .. }), Some(format)) => {
                json!(format.print(number.saturating_mul(*unit), 0))
            }
            (By::Number(_, Kind::Number(kind)), _) if !kind.is_whole() => json!(kind.decode(number)),
            _ => json!(number),
        }
    }
}

impl Sorter {
    fn keys(&self, doc: u32) -> Vec<SortKey> {
        let mut keys = Vec::with_capacity(self.rules.len() + 1);
        keys.extend(self.rules.iter().map(|(rule, reader)| {
            let value = match reader {
                Reader::Absent => None,
                Reader::Sequence => self.sequence.first(doc).map(|sequence| sequence as i64),
                Reader::Numbers(column) if rule.ascending => column.values_for_doc(doc).min(),
                Reader::Numbers(column) => column.values_for_doc(doc).max(),
                Reader::Words(column) if rule.ascending => {
                    column.term_ords(doc).min().map(|ord| ord as i64 * 2)
                }
                Reader::Words(column) => column.term_ords(doc).max().map(|ord| ord as i64 * 2),
            };
            value.map_or_else(|| rule.nothing(), |value| rule.direct(value))
        }));
        keys.push(SortKey::Number(self.sequence.first(doc).unwrap_or_default() as i64));
        keys
    }

    /// Adds a document to the best `size` ones. The list may grow to twice that; sort and cut it at the end.
    pub fn offer(
        &self,
        hits: &mut Vec<TopHit>,
        size: usize,
        doc: u32,
        place: (u32, u32),
    ) -> Result<(), ApiError> {
        if size == 0 {
            return Ok(());
        }
        let keys = self.keys(doc);
        if self.after.as_ref().is_some_and(|after| keys[..after.len()] <= after[..]) {
            return Ok(());
        }
        // A heap with the worst on top would do as well; sorting now and then costs less than sifting every document.
        if hits.len() < size {
            hits.push(TopHit { keys, place, doc });
            if hits.len() == size {
                hits.sort_unstable();
            }
            return Ok(());
        }
        // From here on the first `size` are sorted: the last of them bounds what can still get in.
        if keys < hits[size - 1].keys {
            hits.push(TopHit { keys, place, doc });
        }
        if hits.len() >= size * 2 {
            hits.sort_unstable();
            hits.truncate(size);
        }
        Ok(())
    }

    /// Sorts, cuts to `size` and puts texts, which `share` holds, for ordinals.
    pub fn settle(&self, hits: &mut Vec<TopHit>, size: usize, share: &mut Share<'_>) -> Result<(), ApiError> {
        hits.sort_unstable();
        hits.truncate(size);
        for hit in hits {
            for ((rule, reader), key) in self.rules.iter().zip(&mut hit.keys) {
                if let (Reader::Words(column), SortKey::Number(number)) = (reader, &*key) {
                    let ord = if rule.ascending { *number } else { !*number } / 2;
                    let mut text = String::new();
                    column.ord_to_str(ord as u64, &mut text)?;
                    share.grow(vec_bytes::<u8>(text.capacity()))?;
                    *key = rule.text(text);
                }
            }
        }
        Ok(())
    }
}
