//! Collecting over one segment.
//!
//! Documents go through the tree in blocks. A node gets documents beside the numbers of the buckets they are in, reads
//! its column for the whole block, and hands on documents with the numbers of its own buckets.

use super::cardinality::Cardinality;
use super::digest::Digest;
use super::keep::Keep;
use super::partial::{Allowance, Bucket, Key, Partial, Stats};
use super::plan::{Aggregation, Plan};
use super::rounding::Table;
use crate::index::Segment;
use crate::mapping::{Field, Kind, Mapping};
use crate::query::{Docs, Scope, bind, evaluate, simplify};
use crate::search::{Sorter, TopHit};
use crate::store::ApiError;
use serde_json::Value;
use std::collections::HashMap;
use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use xxhash_rust::xxh3::xxh3_64;

/// What a collection works on.
pub struct Collection<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// Number of the index and of the segment in it, for documents that are fetched later.
    pub place: (u32, u32),
    /// Fields and dates.
    pub scope: Scope<'a>,
    /// Bound on memory.
    pub allowance: Allowance,
}

/// Documents at once.
const BLOCK: usize = 2_048;
/// Blocks between two looks at the memory.
const LOOK: usize = 32;

/// What `plan` finds among `docs`, in the order of its parts.
pub fn collect(plan: &Plan, docs: &Docs, on: &Collection<'_>) -> Result<Vec<Partial>, ApiError> {
    let mut nodes = build(plan, on)?;
    let (mut parents, mut blocks) = (Vec::new(), 0);
    docs.for_each_block(on.segment.max_doc(), BLOCK, |block| {
        parents.resize(block.len(), 0);
        for node in &mut nodes {
            node.take(block, &parents[..block.len()])?;
        }
        blocks += 1;
        if blocks % LOOK == 0 {
            on.allowance.check(nodes.iter().map(Node::size).sum())?;
        }
        Ok::<(), ApiError>(())
    })?;
    on.allowance.check(nodes.iter().map(Node::size).sum())?;
    nodes.into_iter().map(|node| node.finish(1).map(|mut partials| partials.remove(0))).collect()
}

fn build(plan: &Plan, on: &Collection<'_>) -> Result<Vec<Node>, ApiError> {
    plan.parts
        .iter()
        .map(|(name, aggregation, inner)| {
            Ok(Node {
                work: work_of(name, aggregation, on)?,
                inner: build(inner, on)?,
                docs: Vec::new(),
                ords: Vec::new(),
            })
        })
        .collect()
}

struct Node {
    work: Work,
    inner: Vec<Node>,
    /// Scratch: documents and buckets handed on.
    docs: Vec<u32>,
    ords: Vec<u32>,
}

enum Work {
    Stats { values: Values, states: Vec<Stats> },
    Count { values: Values, states: Vec<u64> },
    Digest { values: Values, states: Vec<Digest> },
    Cardinality { values: Values, hashes: Vec<u64>, states: Vec<Cardinality> },
    Hits { sorter: Sorter, size: usize, place: (u32, u32), states: Vec<Vec<TopHit>> },
    Buckets { keyer: Keyer, buckets: Buckets },
}

/// A column as an aggregation reads it.
enum Values {
    Absent,
    Numbers { column: Column<i64>, kind: Kind, missing: Option<f64> },
    Words { column: StrColumn },
}

/// How values become keys.
enum Keyer {
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

/// Numbers of buckets by parent and key.
#[derive(Default)]
struct Buckets {
    /// `parent * width + key` where keys are small and dense.
    dense: Vec<u32>,
    width: usize,
    sparse: HashMap<(u32, i64), u32>,
    keys: Vec<(u32, i64)>,
    counts: Vec<u64>,
}

const DENSE_MAX: usize = 1 << 20;

impl Buckets {
    fn new(width: usize) -> Self {
        Self { width: if width <= DENSE_MAX { width } else { 0 }, ..Self::default() }
    }

    #[inline]
    fn number(&mut self, parent: u32, key: i64) -> u32 {
        let place = parent as usize * self.width + key as usize;
        if self.width > 0 && key >= 0 && (key as usize) < self.width && place < DENSE_MAX * 4 {
            if place >= self.dense.len() {
                self.dense.resize((parent as usize + 1) * self.width, u32::MAX);
            }
            if self.dense[place] == u32::MAX {
                self.dense[place] = self.keys.len() as u32;
                self.keys.push((parent, key));
                self.counts.push(0);
            }
            let number = self.dense[place];
            self.counts[number as usize] += 1;
            return number;
        }
        let next = self.keys.len() as u32;
        let number = *self.sparse.entry((parent, key)).or_insert(next);
        if number == next {
            self.keys.push((parent, key));
            self.counts.push(0);
        }
        self.counts[number as usize] += 1;
        number
    }

    fn size(&self) -> usize {
        self.dense.capacity() * 4 + self.sparse.capacity() * 24 + self.keys.capacity() * 24
    }
}

fn field<'a>(name: &str, on: &Collection<'a>) -> Option<&'a Field> {
    let mapping: &'a Mapping = on.scope.mapping;
    mapping.field(name)
}

/// Fails for fields no aggregation can read.
fn check_readable(field: &Field) -> Result<(), ApiError> {
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

fn numbers_of(
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

fn values_of(name: &str, on: &Collection<'_>) -> Result<Values, ApiError> {
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

fn work_of(name: &str, aggregation: &Aggregation, on: &Collection<'_>) -> Result<Work, ApiError> {
    let buckets = |keyer: Keyer| {
        let width = keyer.width();
        Work::Buckets { keyer, buckets: Buckets::new(width) }
    };
    Ok(match aggregation {
        Aggregation::Stats { field, missing, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let values = match column {
                Some(column) => Values::Numbers { column, kind, missing: *missing },
                None if missing.is_some() => Values::Numbers {
                    column: Column::build_empty_column(on.segment.max_doc()),
                    kind,
                    missing: *missing,
                },
                None => Values::Absent,
            };
            Work::Stats { values, states: Vec::new() }
        }
        Aggregation::ValueCount(field) => Work::Count { values: values_of(field, on)?, states: Vec::new() },
        Aggregation::Percentiles { field, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let values =
                column.map_or(Values::Absent, |column| Values::Numbers { column, kind, missing: None });
            Work::Digest { values, states: Vec::new() }
        }
        Aggregation::Cardinality(field) => {
            let values = values_of(field, on)?;
            let hashes = hashes_of(&values)?;
            Work::Cardinality { values, hashes, states: Vec::new() }
        }
        Aggregation::TopHits(top) => {
            let sorter = Sorter::of(top.request.get("sort"), &on.scope)?.on(on.segment)?;
            Work::Hits { sorter, size: top.size, place: on.place, states: Vec::new() }
        }
        Aggregation::Terms { field, missing, include, exclude, .. } => {
            buckets(terms_keyer(field, missing.as_ref(), Keep::new(include, exclude)?, on)?)
        }
        Aggregation::DateHistogram { field, rounding, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let per_milli = match kind {
                Kind::Date { unit, .. } => 1_000_000 / unit,
                _ => 1,
            };
            let (min, max) =
                column.as_ref().map_or((0, 0), |column| (column.min_value(), column.max_value()));
            let table = Table::new(rounding, min.div_euclid(per_milli), max.div_euclid(per_milli));
            buckets(Keyer::Dates { column, per_milli, table })
        }
        Aggregation::Histogram { field, interval, offset, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            buckets(Keyer::Histogram { column, kind, interval: *interval, offset: *offset })
        }
        Aggregation::Range { field, ranges, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let ranges = ranges
                .iter()
                .map(|(_, from, to)| (from.unwrap_or(f64::NEG_INFINITY), to.unwrap_or(f64::INFINITY)));
            buckets(Keyer::Ranges { column, kind, ranges: ranges.collect() })
        }
        Aggregation::Filters { filters, .. } => {
            let docs = filters.iter().map(|(_, query)| matching(query, on)).collect::<Result<_, _>>()?;
            buckets(Keyer::Filters(docs))
        }
        Aggregation::Filter(query) => buckets(Keyer::Filters(vec![matching(query, on)?])),
    })
}

fn matching(query: &crate::query::Query, on: &Collection<'_>) -> Result<Docs, ApiError> {
    let bound = simplify(&bind(query, &on.scope)?, on.segment)?;
    Ok(evaluate(&bound, on.segment)?)
}

fn terms_keyer(
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

fn words_keyer(column: Option<StrColumn>, missing: Option<&Value>, keep: Keep) -> Result<Keyer, ApiError> {
    let place = |text: &str| -> Result<i64, ApiError> {
        let Some(column) = &column else { return Ok(0) };
        let known = column.dictionary().term_ord(text.as_bytes())?;
        Ok(known.unwrap_or(column.num_terms() as u64) as i64)
    };
    let missing = missing.map(crate::query::text_of);
    let missing = missing.map(|text| place(&text).map(|ord| (text, ord))).transpose()?;
    Ok(Keyer::Words { column, missing, keep })
}

fn stored_missing(kind: &Kind, value: &Value) -> Option<i64> {
    match kind {
        Kind::Number(number) => match value.as_i64() {
            Some(whole) => number.encode_whole(whole.into()),
            None => number.encode(value.as_f64().or_else(|| value.as_str()?.parse().ok())?),
        },
        Kind::Boolean => value.as_bool().map(i64::from),
        _ => value.as_i64(),
    }
}

/// For every ordinal of a dictionary its hash; nothing for numbers, whose hash is cheap.
fn hashes_of(values: &Values) -> Result<Vec<u64>, ApiError> {
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
fn each_value<T: PartialOrd + Copy + Default + Send + Sync + std::fmt::Debug + 'static>(
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

impl Values {
    /// Numbers, decoded; dates in milliseconds.
    fn each_number(&self, docs: &[u32], mut take: impl FnMut(usize, f64)) {
        let Self::Numbers { column, kind, missing } = self else { return };
        let unit = if let Kind::Date { unit: 1, .. } = kind { 1e6 } else { 1.0 };
        each_value(column, docs, |at, stored| take(at, kind.decode(stored) / unit));
        if let Some(missing) = missing {
            let absent = docs.iter().enumerate().filter(|(_, doc)| !column.index.has_value(**doc));
            absent.for_each(|(at, _)| take(at, *missing));
        }
    }
}

fn grow<T: Default + Clone>(states: &mut Vec<T>, parents: &[u32]) {
    let most = parents.iter().max().map_or(0, |most| *most as usize + 1);
    if states.len() < most {
        states.resize(most, T::default());
    }
}

impl Node {
    fn take(&mut self, docs: &[u32], parents: &[u32]) -> Result<(), ApiError> {
        match &mut self.work {
            Work::Stats { values, states } => {
                grow(states, parents);
                values.each_number(docs, |at, value| states[parents[at] as usize].add(value));
            }
            Work::Digest { values, states } => {
                grow(states, parents);
                values.each_number(docs, |at, value| states[parents[at] as usize].add(value));
            }
            Work::Count { values, states } => {
                grow(states, parents);
                match values {
                    Values::Absent => {}
                    Values::Numbers { column, .. } => {
                        each_value(column, docs, |at, _| states[parents[at] as usize] += 1)
                    }
                    Values::Words { column } => {
                        each_value(column.ords(), docs, |at, _| states[parents[at] as usize] += 1)
                    }
                }
            }
            Work::Cardinality { values, hashes, states } => {
                grow(states, parents);
                match values {
                    Values::Absent => {}
                    Values::Numbers { column, .. } => {
                        each_value(column, docs, |at, value| {
                            states[parents[at] as usize].add(xxh3_64(&value.to_le_bytes()))
                        });
                    }
                    Values::Words { column } => {
                        each_value(column.ords(), docs, |at, ord| {
                            states[parents[at] as usize].add(hashes[ord as usize])
                        });
                    }
                }
            }
            Work::Hits { sorter, size, place, states } => {
                grow(states, parents);
                for (doc, parent) in docs.iter().zip(parents) {
                    sorter.offer(&mut states[*parent as usize], *size, *doc, *place)?;
                }
            }
            Work::Buckets { keyer, buckets } => {
                self.docs.clear();
                self.ords.clear();
                let (handed, ords) = (&mut self.docs, &mut self.ords);
                keyer.each_key(docs, |at, key| {
                    ords.push(buckets.number(parents[at], key));
                    handed.push(docs[at]);
                });
                for inner in &mut self.inner {
                    inner.take(&self.docs, &self.ords)?;
                }
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        let own = match &self.work {
            Work::Stats { states, .. } => states.capacity() * size_of::<Stats>(),
            Work::Count { states, .. } => states.capacity() * 8,
            Work::Digest { states, .. } => states.iter().map(|state| 96 + state.size()).sum(),
            Work::Cardinality { states, hashes, .. } => {
                hashes.len() * 8 + states.iter().map(|state| 64 + state.size()).sum::<usize>()
            }
            Work::Hits { states, .. } => states.iter().map(|hits| 24 + hits.len() * 96).sum(),
            Work::Buckets { buckets, .. } => buckets.size(),
        };
        own + self.inner.iter().map(Self::size).sum::<usize>()
    }

    /// A partial for each of `parents` buckets.
    fn finish(self, parents: usize) -> Result<Vec<Partial>, ApiError> {
        let padded = |mut partials: Vec<Partial>, empty: Partial| {
            partials.resize(parents, empty);
            partials
        };
        Ok(match self.work {
            Work::Stats { states, .. } => {
                padded(states.into_iter().map(Partial::Stats).collect(), Partial::Stats(Stats::default()))
            }
            Work::Count { states, .. } => {
                padded(states.into_iter().map(Partial::Count).collect(), Partial::Count(0))
            }
            Work::Digest { states, .. } => {
                padded(states.into_iter().map(Partial::Digest).collect(), Partial::Digest(Digest::default()))
            }
            Work::Cardinality { states, .. } => padded(
                states.into_iter().map(Partial::Cardinality).collect(),
                Partial::Cardinality(Cardinality::default()),
            ),
            Work::Hits { sorter, size, states, .. } => {
                let mut partials = Vec::with_capacity(parents);
                for mut hits in states {
                    sorter.settle(&mut hits, size)?;
                    partials.push(Partial::Hits(hits));
                }
                padded(partials, Partial::Hits(Vec::new()))
            }
            Work::Buckets { keyer, buckets } => {
                let numbers = buckets.keys.len();
                let mut inner: Vec<std::vec::IntoIter<Partial>> = Vec::new();
                for node in self.inner {
                    inner.push(node.finish(numbers)?.into_iter());
                }
                let names = keyer.names(&buckets.keys)?;
                let mut all: Vec<HashMap<Key, Bucket>> = vec![HashMap::new(); parents];
                for (((parent, _), count), name) in buckets.keys.iter().zip(buckets.counts).zip(names) {
                    let inner = inner.iter_mut().filter_map(Iterator::next).collect();
                    if let Some(key) = name {
                        all[*parent as usize].insert(key, Bucket { count, inner });
                    }
                }
                all.into_iter().map(Partial::Buckets).collect()
            }
        })
    }
}

impl Keyer {
    /// How many keys there can be, where that is known and keys begin at 0.
    fn width(&self) -> usize {
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

    /// Every key of every document once, with the place of the document.
    fn each_key(&self, docs: &[u32], mut take: impl FnMut(usize, i64)) {
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
                let mut taken: Vec<(usize, i64)> = Vec::new();
                each_value(column, docs, |at, stored| {
                    let value = kind.decode(stored);
                    let hit =
                        ranges.iter().enumerate().filter(|(_, (from, to))| *from <= value && value < *to);
                    taken.extend(hit.map(|(number, _)| (at, number as i64)));
                });
                taken.sort_unstable();
                taken.dedup();
                taken.into_iter().for_each(|(at, number)| take(at, number));
            }
            Self::Filters(filters) => {
                for (at, doc) in docs.iter().enumerate() {
                    let hit = filters.iter().enumerate().filter(|(_, docs)| docs.contains(*doc));
                    hit.for_each(|(number, _)| take(at, number as i64));
                }
            }
        }
    }

    /// The keys as they are known outside the segment; `None` for those not let through.
    fn names(&self, keys: &[(u32, i64)]) -> Result<Vec<Option<Key>>, ApiError> {
        match self {
            Self::Words { column, missing, keep } => {
                let missing = missing.as_ref().map(|(text, _)| text.as_str());
                names_of_words(column.as_ref(), missing, keep, keys)
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

fn name_of_number(kind: &Kind, stored: i64, keep: &Keep) -> Option<Key> {
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

fn names_of_words(
    column: Option<&StrColumn>,
    missing: Option<&str>,
    keep: &Keep,
    keys: &[(u32, i64)],
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
        known.insert(*ord, name.clone());
        names.push(name);
    }
    Ok(names)
}

/// Keys of ascending values, each once a document.
#[inline]
fn each_once(
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

fn without_value(index: Option<&ColumnIndex>, docs: &[u32], mut take: impl FnMut(usize)) {
    let absent = docs.iter().enumerate().filter(|(_, doc)| index.is_none_or(|index| !index.has_value(**doc)));
    absent.for_each(|(at, _)| take(at));
}
