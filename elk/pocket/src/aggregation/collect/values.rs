//! Columns as aggregations read them.

use super::Collection;
use crate::mapping::{Field, Kind, Mapping};
use crate::store::ApiError;
use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use xxhash_rust::xxh3::xxh3_64;

/// A column as an aggregation reads it.
pub(super) enum Values {
    Absent,
    Numbers { column: Column<i64>, kind: Kind, missing: Option<f64> },
    Words { column: StrColumn },
}

impl Values {
    /// Numbers, decoded; dates in milliseconds.
    pub(super) fn each_number(&self, docs: &[u32], mut take: impl FnMut(usize, f64)) {
        let Self::Numbers { column, kind, missing } = self else { return };
        let unit = if let Kind::Date { unit: 1, .. } = kind { 1e6 } else { 1.0 };
        each_value(column, docs, |at, stored| take(at, kind.decode(stored) / unit));
        if let Some(missing) = missing {
            let absent = docs.iter().enumerate().filter(|(_, doc)| !column.index.has_value(**doc));
            absent.for_each(|(at, _)| take(at, *missing));
        }
    }
}

pub(super) fn field<'a>(name: &str, on: &Collection<'a>) -> Option<&'a Field> {
    let mapping: &'a Mapping = on.scope.mapping;
    mapping.field(name)
}

/// Fails for fields no aggregation can read.
pub(super) fn check_readable(field: &Field) -> Result<(), ApiError> {
    match field.kind {
        Kind::Text => Err(ApiError::illegal(format!(
            "Fielddata is disabled on [{}] in [_index]. Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead.",
            field.path
        ))),
        Kind::Unindexed => Err(ApiError::illegal(format!(
            "Can't load fielddata on [{}] because fielddata is unsupported on fields of its type",
            field.path
        ))),
        _ => Ok(()),
    }
}

pub(super) fn numbers_of(
    name: &str,
    on: &Collection<'_>,
    aggregation: &str,
) -> Result<(Option<Column<i64>>, Kind), ApiError> {
    let Some(field) = field(name, on) else {
        return Ok((None, Kind::Number(crate::mapping::Number::Double)));
    };
    check_readable(field)?;
    if matches!(field.kind, Kind::Keyword { .. } | Kind::Flattened) {
        return Err(ApiError::illegal(format!(
            "Field [{name}] of type [keyword] is not supported for aggregation [{aggregation}]"
        )));
    }
    Ok((on.segment.numbers(field.id)?, field.kind.clone()))
}

pub(super) fn values_of(name: &str, on: &Collection<'_>) -> Result<Values, ApiError> {
    if name == "_ignored" {
        return Ok(on
            .segment
            .keywords(crate::document::IGNORED)?
            .map_or(Values::Absent, |column| Values::Words { column }));
    }
    let Some(field) = field(name, on) else { return Ok(Values::Absent) };
    check_readable(field)?;
    Ok(match &field.kind {
        Kind::Keyword { .. } | Kind::Flattened => {
            on.segment.keywords(field.id)?.map_or(Values::Absent, |column| Values::Words { column })
        }
        kind => on.segment.numbers(field.id)?.map_or(Values::Absent, |column| Values::Numbers {
            column,
            kind: kind.clone(),
            missing: None,
        }),
    })
}

/// For every ordinal of a dictionary its hash; nothing for numbers, whose hash is cheap.
pub(super) fn hashes_of(values: &Values) -> Result<Vec<u64>, ApiError> {
    let Values::Words { column } = values else { return Ok(Vec::new()) };
    let mut hashes = Vec::with_capacity(column.num_terms());
    let mut stream = column.dictionary().stream()?;
    while stream.advance() {
        hashes.push(xxh3_64(stream.key()));
    }
    Ok(hashes)
}

/// Hands every value of every document over, with the place of the document in `docs`.
#[inline]
pub(super) fn each_value<T: PartialOrd + Copy + Default + Send + Sync + std::fmt::Debug + 'static>(
    column: &Column<T>,
    docs: &[u32],
    mut take: impl FnMut(usize, T),
) {
    match &column.index {
        ColumnIndex::Full => {
            let mut values = vec![T::default(); docs.len()];
            column.values.get_vals(docs, &mut values);
            values.into_iter().enumerate().for_each(|(at, value)| take(at, value));
        }
        ColumnIndex::Empty { .. } => {}
        _ => {
            for (at, doc) in docs.iter().enumerate() {
                column.values_for_doc(*doc).for_each(|value| take(at, value));
            }
        }
    }
}

/// Keys of ascending values, each once a document.
#[inline]
pub(super) fn each_once(
    column: &Column<i64>,
    docs: &[u32],
    key: impl Fn(i64) -> i64,
    take: &mut impl FnMut(usize, i64),
) {
    let mut last: Option<(usize, i64)> = None;
    each_value(column, docs, |at, stored| {
        let found = (at, key(stored));
        if last != Some(found) {
            take(found.0, found.1);
        }
        last = Some(found);
    });
}

pub(super) fn without_value(index: Option<&ColumnIndex>, docs: &[u32], mut take: impl FnMut(usize)) {
    let absent = docs.iter().enumerate().filter(|(_, doc)| index.is_none_or(|index| !index.has_value(**doc)));
    absent.for_each(|(at, _)| take(at));
}
