//! From names and words to fields and stored values.

use super::address;
use super::dsl::{DEFAULT_FIELDS, Query, Range};
use crate::document::{DocKey, IGNORED};
use crate::index::split_words;
use crate::mapping::{Field, FieldId, Kind, Mapping, Number};
use crate::pattern::Wildcard;
use crate::store::ApiError;
use crate::time::calendar::TimeZone;
use crate::time::format::{DateFormat, Missing};
use crate::time::math::Context;
use serde_json::Value;

/// A query in terms of one index. Equal queries are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Every document.
    All,
    /// No document.
    None,
    /// A number within the bounds, both included.
    Numbers(FieldId, i64, i64),
    /// A keyword that passes.
    Keywords(FieldId, KeywordTest),
    /// A word of a text.
    Word(FieldId, String),
    /// A word of a text that fits.
    Words(FieldId, KeywordTest),
    /// Words of a text in order.
    Phrase(FieldId, Vec<String>, u32),
    /// Any number.
    HasNumber(FieldId),
    /// Any keyword.
    HasKeyword(FieldId),
    /// Documents by key.
    Keys(Vec<DocKey>),
    /// All parts.
    And(Vec<Bound>),
    /// At least so many parts.
    Or(Vec<Bound>, usize),
    /// Not this.
    Not(Box<Bound>),
}

/// Which texts pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeywordTest {
    /// Addresses within one of these ranges, both ends included.
    Addresses(Vec<(u128, u128)>),
    /// These.
    Exactly(Vec<String>),
    /// These, in whatever case.
    Folded(String),
    /// Those that begin so.
    Prefix(String, bool),
    /// Those that fit a pattern; the flag folds case.
    Pattern(Wildcard, bool),
    /// Those between two texts, each included where its flag is false.
    Between(Option<(String, bool)>, Option<(String, bool)>),
}

/// What names and dates are bound against.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The fields.
    pub mapping: &'a Mapping,
    /// Name of the index, for `_index`.
    pub index: &'a str,
    /// What `now` means.
    pub now_millis: i64,
}

/// Binds a query. Fields the index lacks match nothing.
pub fn bind(query: &Query, scope: &Scope<'_>) -> Result<Bound, ApiError> {
    match query {
        Query::All => Ok(Bound::All),
        Query::None => Ok(Bound::None),
        Query::Ids(ids) => Ok(Bound::Keys(ids.iter().map(|id| DocKey::of(id)).collect())),
        Query::Bool { must, should, must_not, minimum } => {
            let all =
                |parts: &[Query]| parts.iter().map(|part| bind(part, scope)).collect::<Result<Vec<_>, _>>();
            let mut parts = all(must)?;
            let should = all(should)?;
            if *minimum > 0 {
                parts.push(Bound::Or(should, *minimum));
            }
            parts.extend(all(must_not)?.into_iter().map(|part| Bound::Not(Box::new(part))));
            Ok(Bound::And(parts))
        }
        Query::Exists(field) => Ok(exists(field, scope)),
        Query::Terms { field, values, fold } => {
            each(field, scope, false, &|field| terms(field, values, *fold, scope))
        }
        Query::Range(range) => each(&range.field, scope, false, &|field| bind_range(field, range, scope)),
        Query::Match { field, value, all, minimum, lenient } => {
            each(field, scope, *lenient, &|field| words(field, value, *all, *minimum, scope))
        }
        Query::Phrase { field, value, slop } => {
            each(field, scope, field.contains('*') || field == DEFAULT_FIELDS, &|field| {
                phrase(field, value, *slop, scope)
            })
        }
        Query::Prefix { field, text, fold } => each(field, scope, false, &|field| {
            by_text(
                field,
                if *fold {
                    KeywordTest::Prefix(text.to_lowercase(), true)
                } else {
                    KeywordTest::Prefix(text.clone(), false)
                },
            )
        }),
        Query::Wildcard { field, pattern, fold } => {
            each(field, scope, field.contains('*') || field == DEFAULT_FIELDS, &|field| {
                let pattern = if *fold || matches!(field.kind, Kind::Text) {
                    pattern.to_lowercase()
                } else {
                    pattern.clone()
                };
                by_text(field, KeywordTest::Pattern(Wildcard::new(&pattern), *fold))
            })
        }
    }
}

/// The query over every field of a name or pattern.
fn each(
    name: &str,
    scope: &Scope<'_>,
    lenient: bool,
    one: &dyn Fn(&Field) -> Result<Bound, ApiError>,
) -> Result<Bound, ApiError> {
    if name == "_index" || name == "_id" {
        return Err(ApiError::unsupported(&format!("a query of this kind on [{name}]")));
    }
    if name == "_ignored" {
        return one(&ignored_field());
    }
    let one = |field: &Field| match one(field) {
        Err(_) if lenient => Ok(Bound::None),
        outcome => outcome,
    };
    if name == DEFAULT_FIELDS {
        let parts = scope.mapping.settings.default_fields.iter().map(|name| each(name, scope, true, &one));
        return Ok(Bound::Or(parts.collect::<Result<_, _>>()?, 1));
    }
    if !name.contains('*') {
        return scope.mapping.field(name).map_or(Ok(Bound::None), one);
    }
    let parts = scope.mapping.matching(name).map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(Bound::Or(parts, 1))
}

/// The field behind `_ignored`.
pub(crate) fn ignored_field() -> Field {
    Field {
        id: IGNORED,
        path: "_ignored".to_owned(),
        kind: Kind::Keyword { ignore_above: usize::MAX },
        parameters: serde_json::Map::new(),
        subs: Vec::new(),
        ignore_malformed: false,
    }
}

fn exists(name: &str, scope: &Scope<'_>) -> Bound {
    let of = |field: &Field| match field.kind {
        Kind::Keyword { .. } | Kind::Flattened => Bound::HasKeyword(field.id),
        Kind::Unindexed => Bound::None,
        _ => Bound::HasNumber(field.id),
    };
    if name == "_ignored" {
        return Bound::HasKeyword(IGNORED);
    }
    if let Some(field) = scope.mapping.field(name) {
        return of(field);
    }
    // An object exists where anything below it does.
    let below = format!("{name}.*");
    let pattern = if name.contains('*') { name } else { &below };
    Bound::Or(scope.mapping.matching(pattern).map(of).collect(), 1)
}

fn terms(field: &Field, values: &[Value], fold: bool, scope: &Scope<'_>) -> Result<Bound, ApiError> {
    match &field.kind {
        _ if field.is_address() => {
            let ranges =
                values.iter().map(|value| address::block(&text_of(value))).collect::<Result<_, _>>()?;
            Ok(Bound::Keywords(field.id, KeywordTest::Addresses(ranges)))
        }
        Kind::Keyword { .. } | Kind::Flattened if fold => {
            let parts = values
                .iter()
                .map(|value| Bound::Keywords(field.id, KeywordTest::Folded(text_of(value).to_lowercase())));
            Ok(Bound::Or(parts.collect(), 1))
        }
        Kind::Keyword { .. } | Kind::Flattened => {
            Ok(Bound::Keywords(field.id, KeywordTest::Exactly(values.iter().map(text_of).collect())))
        }
        Kind::Text => {
            Ok(Bound::Or(values.iter().map(|value| Bound::Word(field.id, text_of(value))).collect(), 1))
        }
        Kind::Unindexed => Err(not_indexed(field)),
        _ => {
            let parts =
                values.iter().map(|value| number_term(field, value, scope)).collect::<Result<Vec<_>, _>>()?;
            Ok(Bound::Or(parts, 1))
        }
    }
}

fn not_indexed(field: &Field) -> ApiError {
    ApiError::new(
        400,
        "query_shard_exception",
        format!("Cannot search on field [{}] since it is not indexed.", field.path),
    )
}

/// The text of a scalar.
pub(crate) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn bad_value(field: &Field, value: &Value) -> ApiError {
    let text = text_of(value);
    let reason = format!("failed to create query: For input string: \"{text}\"");
    ApiError::new(400, "query_shard_exception", reason)
        .caused_by("number_format_exception", &format!("[{}] cannot be [{text}]", field.path))
}

fn number_term(field: &Field, value: &Value, scope: &Scope<'_>) -> Result<Bound, ApiError> {
    if matches!(field.kind, Kind::Date { .. }) {
        let bound = Some((value.clone(), false));
        return bind_range(
            field,
            &Range { field: field.path.clone(), low: bound.clone(), high: bound, ..Range::default() },
            scope,
        );
    }
    if matches!(field.kind, Kind::Boolean) {
        let stored = boolean(value).ok_or_else(|| {
            ApiError::new(
                400,
                "query_shard_exception",
                format!(
                    "failed to create query: Can't parse boolean value [{}], expected [true] or [false]",
                    text_of(value)
                ),
            )
        })?;
        return Ok(Bound::Numbers(field.id, stored, stored));
    }
    let number = Exact::parse(value).ok_or_else(|| bad_value(field, value))?;
    let Kind::Number(kind) = field.kind else { return Err(bad_value(field, value)) };
    if kind.is_whole() && matches!(number, Exact::Fraction(fraction) if fraction.fract() != 0.0) {
        return Ok(Bound::None);
    }
    Ok(number.encode(kind).map_or(Bound::None, |stored| Bound::Numbers(field.id, stored, stored)))
}

fn boolean(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::String(text) => match text.as_str() {
            "true" => Some(1),
            "false" | "" => Some(0),
            _ => None,
        },
        _ => None,
    }
}

/// A number of a query, whole ones without rounding.
#[derive(Debug, Clone, Copy)]
enum Exact {
    Whole(i128),
    Fraction(f64),
}

impl Exact {
    fn parse(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        match text.parse::<i128>() {
            Ok(whole) => Some(Self::Whole(whole)),
            Err(_) => text.parse().ok().filter(|value: &f64| !value.is_nan()).map(Self::Fraction),
        }
    }

    fn encode(self, kind: Number) -> Option<i64> {
        match self {
            Self::Whole(value) => kind.encode_whole(value),
            Self::Fraction(value) => kind.encode(value),
        }
    }

    fn is_positive(self) -> bool {
        match self {
            Self::Whole(value) => value > 0,
            Self::Fraction(value) => value > 0.0,
        }
    }

    /// The least stored value at or above it, or above it where `exclusive`; beyond all values at the side it lies on.
    fn low(self, kind: Number, exclusive: bool) -> Option<i64> {
        let (number, exclusive) = match self {
            Self::Fraction(value) if kind.is_whole() && value.fract() != 0.0 => {
                (Self::Fraction(value.ceil()), false)
            }
            other => (other, exclusive),
        };
        match number.encode(kind) {
            Some(stored) if exclusive => stored.checked_add(1),
            Some(stored) => Some(stored),
            None if self.is_positive() => None,
            None => Some(i64::MIN),
        }
    }

    fn high(self, kind: Number, exclusive: bool) -> Option<i64> {
        let (number, exclusive) = match self {
            Self::Fraction(value) if kind.is_whole() && value.fract() != 0.0 => {
                (Self::Fraction(value.floor()), false)
            }
            other => (other, exclusive),
        };
        match number.encode(kind) {
            Some(stored) if exclusive => stored.checked_sub(1),
            Some(stored) => Some(stored),
            None if self.is_positive() => Some(i64::MAX),
            None => None,
        }
    }
}

fn bind_range(field: &Field, range: &Range, scope: &Scope<'_>) -> Result<Bound, ApiError> {
    match &field.kind {
        Kind::Date { format, unit } => date_range(field, range, format, *unit, scope),
        Kind::Number(kind) => {
            let exact = |value: &Value| Exact::parse(value).ok_or_else(|| bad_value(field, value));
            let low = match &range.low {
                None => Some(i64::MIN),
                Some((value, exclusive)) => exact(value)?.low(*kind, *exclusive),
            };
            let high = match &range.high {
                None => Some(i64::MAX),
                Some((value, exclusive)) => exact(value)?.high(*kind, *exclusive),
            };
            Ok(between(field.id, low, high))
        }
        Kind::Boolean => {
            let side = |bound: &Option<(Value, bool)>, open: i64, step: i64| -> Result<i64, ApiError> {
                let Some((value, exclusive)) = bound else { return Ok(open) };
                let stored = boolean(value).ok_or_else(|| bad_value(field, value))?;
                Ok(if *exclusive { stored + step } else { stored })
            };
            Ok(between(field.id, Some(side(&range.low, 0, 1)?), Some(side(&range.high, 1, -1)?)))
        }
        Kind::Keyword { .. } if field.is_address() => address::between(&range.low, &range.high)
            .map(|range| Bound::Keywords(field.id, KeywordTest::Addresses(range.into_iter().collect()))),
        Kind::Keyword { .. } => {
            let side = |bound: &Option<(Value, bool)>| {
                bound.as_ref().map(|(value, exclusive)| (text_of(value), *exclusive))
            };
            Ok(Bound::Keywords(field.id, KeywordTest::Between(side(&range.low), side(&range.high))))
        }
        Kind::Text | Kind::Flattened => {
            Err(ApiError::unsupported(&format!("[range] on [{}], a field of text", field.path)))
        }
        Kind::Unindexed => Err(not_indexed(field)),
    }
}

fn between(field: FieldId, low: Option<i64>, high: Option<i64>) -> Bound {
    match (low, high) {
        (Some(i64::MIN), Some(i64::MAX)) => Bound::HasNumber(field),
        (Some(low), Some(high)) if low <= high => Bound::Numbers(field, low, high),
        _ => Bound::None,
    }
}

fn date_range(
    field: &Field,
    range: &Range,
    format: &DateFormat,
    unit: i64,
    scope: &Scope<'_>,
) -> Result<Bound, ApiError> {
    let own = match &range.format {
        Some(text) => Some(
            DateFormat::parse(text).map_err(|part| ApiError::illegal(format!("Invalid format: [{part}]")))?,
        ),
        None => None,
    };
    let zone = match &range.time_zone {
        Some(text) => {
            TimeZone::parse(text).ok_or_else(|| ApiError::illegal(format!("Unknown time-zone ID: {text}")))?
        }
        None => TimeZone::utc(),
    };
    let format = own.as_ref().unwrap_or(format);
    let context = Context { now_millis: scope.now_millis, format, zone: &zone };
    let read = |value: &Value, missing: Missing| -> Result<i64, ApiError> {
        let text = text_of(value);
        let nanos = context.read(&text, missing).or_else(|| {
            // A bare number counts milliseconds whatever the format, as in Elasticsearch.
            value.as_i64().and_then(|millis| millis.checked_mul(1_000_000))
        });
        nanos.map(|nanos| nanos.div_euclid(unit)).ok_or_else(|| {
            let reason = format!("failed to parse date field [{text}] with format [{}]", format.as_str());
            ApiError::new(400, "parse_exception", reason)
        })
    };
    let low = match &range.low {
        None => i64::MIN,
        Some((value, true)) => read(value, Missing::Last)?.saturating_add(1),
        Some((value, false)) => read(value, Missing::First)?,
    };
    let high = match &range.high {
        None => i64::MAX,
        Some((value, true)) => read(value, Missing::First)?.saturating_sub(1),
        Some((value, false)) => read(value, Missing::Last)?,
    };
    Ok(between(field.id, Some(low), Some(high)))
}

fn words(
    field: &Field,
    value: &Value,
    all: bool,
    minimum: Option<i64>,
    scope: &Scope<'_>,
) -> Result<Bound, ApiError> {
    if !matches!(field.kind, Kind::Text) {
        return terms(field, std::slice::from_ref(value), false, scope);
    }
    let mut found = split_words(&text_of(value));
    // A word that is written twice counts twice towards a minimum.
    if minimum.is_none() || all {
        found.sort_unstable();
        found.dedup();
    }
    let parts: Vec<Bound> = found.into_iter().map(|word| Bound::Word(field.id, word)).collect();
    if parts.is_empty() {
        return Ok(Bound::None);
    }
    let least = match minimum {
        _ if all => parts.len(),
        // Of a single word nothing less can be asked for.
        _ if parts.len() == 1 => 1,
        None => 1,
        Some(number) if number < 0 => parts.len().saturating_sub(number.unsigned_abs() as usize).max(1),
        Some(number) => (number as usize).max(1),
    };
    Ok(Bound::Or(parts, least))
}

fn phrase(field: &Field, value: &Value, slop: u32, scope: &Scope<'_>) -> Result<Bound, ApiError> {
    if !matches!(field.kind, Kind::Text) {
        return terms(field, std::slice::from_ref(value), false, scope);
    }
    // With more words the distance they may be moved is counted otherwise than in Elasticsearch: other documents match.
    if slop > 0 && split_words(&text_of(value)).len() > 2 {
        return Err(ApiError::unsupported("[slop] of a [match_phrase] with more than two words"));
    }
    let mut found = split_words(&text_of(value));
    Ok(match found.len() {
        0 => Bound::None,
        1 => Bound::Word(field.id, found.remove(0)),
        _ => Bound::Phrase(field.id, found, slop),
    })
}

fn by_text(field: &Field, test: KeywordTest) -> Result<Bound, ApiError> {
    match field.kind {
        Kind::Keyword { .. } | Kind::Flattened => Ok(Bound::Keywords(field.id, test)),
        Kind::Text => Ok(Bound::Words(field.id, test)),
        _ => {
            let kind = field.parameters.get("type").and_then(Value::as_str).unwrap_or_default();
            let reason = format!(
                "Can only use wildcard and prefix queries on keyword and text fields - not on [{}] which is of type [{kind}]",
                field.path
            );
            Err(ApiError::new(400, "query_shard_exception", reason))
        }
    }
}
