//! How values become the keys of buckets.

use super::Collection;
use super::names::{name_of_number, names_of_words};
use super::values::{check_readable, each_once, each_value, field, without_value};
use crate::aggregation::allowance::{Share, vec_bytes};
use crate::aggregation::keep::Keep;
use crate::aggregation::partial::Key;
use crate::aggregation::rounding::Table;
use crate::mapping::Kind;
use crate::query::Docs;
use crate::store::ApiError;
use serde_json::Value;
use tantivy::columnar::{Column, StrColumn};

/// How values become keys.
pub(super) enum Keyer {
    /// `missing` with its place among the words: behind all where it is none of them.
    Words {
        column: Option<StrColumn>,
        missing: Option<(String, i64)>,
        keep: Keep,
    },
    Numbers {
        column: Option<Column<i64>>,
        kind: Kind,
        missing: Option<i64>,
        keep: Keep,
    },
    Dates {
        column: Option<Column<i64>>,
        per_milli: i64,
        table: Table,
    },
    Histogram {
        column: Option<Column<i64>>,
        kind: Kind,
        interval: f64,
        offset: f64,
    },
    Ranges {
        column: Option<Column<i64>>,
        kind: Kind,
        ranges: Vec<(f64, f64)>,
    },
    Filters(Vec<Docs>),
}

impl Keyer {
    /// How many keys there can be, where that is known and keys begin at 0.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Words { column, .. } => column.as_ref().map_or(1, |column| column.num_terms() + 1),
            Self::Ranges { ranges, .. } => ranges.len(),
            Self::Filters(filters) => filters.len(),
            Self::Dates { column: Some(column), per_milli, table: Table::Uniform { first, length } } => {
                ((column.max_value() / per_milli - first) / length) as usize + 1
            }
            _ => 0,
        }
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Words { keep, .. } | Self::Numbers { keep, .. } => keep.size(),
            Self::Ranges { ranges, .. } => vec_bytes::<(f64, f64)>(ranges.capacity()),
            Self::Filters(filters) => {
                vec_bytes::<Docs>(filters.capacity()) + filters.iter().map(Docs::size).sum::<usize>()
            }
            Self::Dates { table: Table::Listed(starts), .. } => vec_bytes::<i64>(starts.capacity()),
            Self::Dates { .. } | Self::Histogram { .. } => 0,
        }
    }

    /// Every key of every document once, with the place of the document.
    pub(super) fn each_key(&self, docs: &[u32], mut take: impl FnMut(usize, i64)) {
        match self {
            Self::Words { column, missing, .. } => {
                if let Some(column) = column {
                    each_value(column.ords(), docs, |at, ord| take(at, ord as i64));
                }
                if let Some((_, absent)) = missing {
                    without_value(column.as_ref().map(|column| &column.ords().index), docs, |at| {
                        take(at, *absent);
                    });
                }
            }
            Self::Numbers { column, missing, .. } => {
                if let Some(column) = column {
                    each_once(column, docs, |stored| stored, &mut take);
                }
                if let Some(missing) = missing {
                    without_value(column.as_ref().map(|column| &column.index), docs, |at| take(at, *missing));
                }
            }
            Self::Dates { column, per_milli, table } => {
                let Some(column) = column else { return };
                match table {
                    Table::Uniform { first, length } => {
                        each_once(
                            column,
                            docs,
                            |stored| (stored.div_euclid(*per_milli) - first).div_euclid(*length),
                            &mut take,
                        );
                    }
                    table => each_once(
                        column,
                        docs,
                        |stored| table.floor(stored.div_euclid(*per_milli)),
                        &mut take,
                    ),
                }
            }
            Self::Histogram { column, kind, interval, offset } => {
                let Some(column) = column else { return };
                each_once(
                    column,
                    docs,
                    |stored| ((kind.decode(stored) - offset) / interval).floor() as i64,
                    &mut take,
                );
            }
            Self::Ranges { column, kind, ranges } => {
                let Some(column) = column else { return };
                let (mut hit, mut last) = (Vec::new(), 0);
                each_value(column, docs, |at, stored| {
                    if at != last {
                        hand_over(&mut hit, last, &mut take);
                        last = at;
                    }
                    let value = kind.decode(stored);
                    let numbers = ranges.iter().enumerate();
                    let within = numbers.filter(|(_, (from, to))| *from <= value && value < *to);
                    hit.extend(within.map(|(number, _)| number as i64));
                });
                hand_over(&mut hit, last, &mut take);
            }
            Self::Filters(filters) => {
                for (at, doc) in docs.iter().enumerate() {
                    let hit = filters.iter().enumerate().filter(|(_, docs)| docs.contains(*doc));
                    hit.for_each(|(number, _)| take(at, number as i64));
                }
            }
        }
    }

    /// The keys as they are known outside the segment; `None` for those not let through. `repeated` tells whether a key
    /// may be there more than once.
    pub(super) fn names(
        &self,
        keys: &[(u32, i64)],
        repeated: bool,
        share: &mut Share<'_>,
    ) -> Result<Vec<Option<Key>>, ApiError> {
        share.grow(vec_bytes::<Option<Key>>(keys.len()))?;
        match self {
            Self::Words { column, missing, keep } => {
                let missing = missing.as_ref().map(|(text, _)| text.as_str());
                names_of_words(column.as_ref(), missing, keep, (keys, repeated), share)
            }
            Self::Numbers { kind, keep, .. } => {
                Ok(keys.iter().map(|(_, stored)| name_of_number(kind, *stored, keep)).collect())
            }
            Self::Dates { table: Table::Uniform { first, length }, .. } => {
                Ok(keys.iter().map(|(_, number)| Some(Key::Whole(first + number * length))).collect())
            }
            _ => Ok(keys.iter().map(|(_, key)| Some(Key::Whole(*key))).collect()),
        }
    }
}

/// The ranges that values of one document lie in, each once.
fn hand_over(hit: &mut Vec<i64>, at: usize, take: &mut impl FnMut(usize, i64)) {
    hit.sort_unstable();
    hit.dedup();
    hit.drain(..).for_each(|number| take(at, number));
}

pub(super) fn terms_keyer(
    name: &str,
    missing: Option<&Value>,
    keep: Keep,
    on: &Collection<'_>,
) -> Result<Keyer, ApiError> {
    if name == "_ignored" {
        return words_keyer(on.segment.keywords(crate::document::IGNORED)?, missing, keep);
    }
    let Some(field) = field(name, on) else { return words_keyer(None, missing, keep) };
    check_readable(field)?;
    if matches!(field.kind, Kind::Keyword { .. } | Kind::Flattened) {
        return words_keyer(on.segment.keywords(field.id)?, missing, keep);
    }
    if keep.has_pattern() {
        return Err(ApiError::illegal(format!(
            "Field [{name}] holds no texts: [include] and [exclude] cannot be regular expressions"
        )));
    }
    let missing = match missing {
        None => None,
        Some(value) => Some(stored_missing(&field.kind, value).ok_or_else(|| {
            ApiError::illegal(format!("[missing] of [{value}] does not fit the field [{name}]"))
        })?),
    };
    Ok(Keyer::Numbers { column: on.segment.numbers(field.id)?, kind: field.kind.clone(), missing, keep })
}

pub(super) fn words_keyer(
    column: Option<StrColumn>,
    missing: Option<&Value>,
    keep: Keep,
) -> Result<Keyer, ApiError> {
    let place = |text: &str| -> Result<i64, ApiError> {
        let Some(column) = &column else { return Ok(0) };
        let known = column.dictionary().term_ord(text.as_bytes())?;
        Ok(known.unwrap_or(column.num_terms() as u64) as i64)
    };
    let missing = missing.map(crate::query::text_of);
    let missing = missing.map(|text| place(&text).map(|ord| (text, ord))).transpose()?;
    Ok(Keyer::Words { column, missing, keep })
}

pub(super) fn stored_missing(kind: &Kind, value: &Value) -> Option<i64> {
    match kind {
        Kind::Number(number) => match value.as_i64() {
            Some(whole) => number.encode_whole(whole.into()),
            None => number.encode(value.as_f64().or_else(|| value.as_str()?.parse().ok())?),
        },
        Kind::Boolean => value.as_bool().map(i64::from),
        _ => value.as_i64(),
    }
}
