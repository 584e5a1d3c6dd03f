//! Keys of buckets as they are known outside of their segment.

use crate::aggregation::allowance::{HEAP, Share};
use crate::aggregation::keep::Keep;
use crate::aggregation::partial::Key;
use crate::mapping::Kind;
use crate::store::ApiError;
use std::collections::HashMap;
use tantivy::columnar::StrColumn;

pub(super) fn name_of_number(kind: &Kind, stored: i64, keep: &Keep) -> Option<Key> {
    let (key, text) = match kind {
        Kind::Number(number) if !number.is_whole() => {
            let value = number.decode(stored);
            (Key::Real(crate::mapping::Number::Double.encode(value)?), value.to_string())
        }
        Kind::Date { unit, .. } => {
            let millis = stored.div_euclid(1_000_000 / unit);
            (Key::Whole(millis), millis.to_string())
        }
        Kind::Boolean => (Key::Whole(stored), (stored != 0).to_string()),
        kind => {
            let value = kind.decode(stored) as i64;
            (
                Key::Whole(if matches!(kind, Kind::Number(crate::mapping::Number::UnsignedLong)) {
                    value
                } else {
                    stored
                }),
                stored.to_string(),
            )
        }
    };
    keep.passes(&text).then_some(key)
}

/// Names of the words `keys`; each text that is kept is made, and held by `share`, once.
pub(super) fn names_of_words(
    column: Option<&StrColumn>,
    missing: Option<&str>,
    keep: &Keep,
    (keys, repeated): (&[(u32, i64)], bool),
    share: &mut Share<'_>,
) -> Result<Vec<Option<Key>>, ApiError> {
    let terms = column.map_or(0, |column| column.num_terms()) as i64;
    let mut known: HashMap<i64, Option<Key>> = HashMap::new();
    let mut text = String::new();
    let mut names = Vec::with_capacity(keys.len());
    for (_, ord) in keys {
        if let Some(name) = known.get(ord) {
            names.push(name.clone());
            continue;
        }
        text.clear();
        match column {
            Some(column) if *ord < terms => drop(column.ord_to_str(*ord as u64, &mut text)?),
            _ => text.push_str(missing.unwrap_or_default()),
        }
        let name = keep.passes(&text).then(|| Key::Text(text.as_str().into()));
        share.grow(text.len() + 2 * HEAP)?;
        if repeated {
            // The table may just have doubled.
            share.grow(3 * size_of::<(i64, Option<Key>)>())?;
            known.insert(*ord, name.clone());
        }
        names.push(name);
    }
    Ok(names)
}
