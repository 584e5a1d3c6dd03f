//! A search over the segments of several indices.

use super::cache::{Cache, Found};
use super::fetch::{Hit, fetch};
use super::pieces::{Pieces, hull};
use super::request::{Request, TrackTotal};
use super::sort::{SortKey, Sorter, Sorting, TopHit};
use crate::aggregation::{self, Allowance, Collection, Partial, Plan, Share, vec_bytes};
use crate::index::{Segment, Snapshot};
use crate::mapping::{Kind, Mapping};
use crate::query::{Bound, Docs, Query, Scope, bind, evaluate, evaluate_in, simplify};
use crate::store::{ApiError, Index};
use crate::time::now_millis;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_128;

/// An index as it was when the search began.
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub mapping: Arc<Mapping>,
    /// Its documents.
    pub snapshot: Arc<Snapshot>,
}

impl Target {
    /// The present state of an index.
    pub fn of(index: &Index) -> Self {
        // The snapshot first: the mapping then knows every field it has.
        let snapshot = index.snapshot();
        Self { name: index.meta.name.clone(), mapping: index.mapping(), snapshot }
    }
}

/// What a search found.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The documents.
    pub hits: Hits,
    /// The aggregations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregations: Option<Box<RawValue>>,
}

/// Documents found.
#[derive(Debug, Serialize)]
pub struct Hits {
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Value>,
    /// Always null: nothing is ranked.
    pub max_score: Option<f64>,
    /// The first ones.
    pub hits: Vec<Hit>,
}

/// One index, bound.
struct BoundIndex<'a> {
    target: &'a Target,
    scope: Scope<'a>,
    query: Bound,
    sorting: Sorting,
    after: Option<Vec<SortKey>>,
}

/// How a search uses the machine.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Memory for what is found, in bytes. The answer may take half as much beside it.
    pub memory: usize,
    /// Threads.
    pub threads: usize,
    /// Earlier answers of segments.
    pub cache: Option<&'a Cache>,
}

/// Runs a search.
pub fn search(targets: &[Target], request: &Request, means: Means<'_>) -> Result<Answer, ApiError> {
    let now_millis = now_millis();
    let mappings: Vec<&Mapping> = targets.iter().map(|target| &*target.mapping).collect();
    let plan = request
        .aggregations
        .as_ref()
        .map_or(Ok(Plan::default()), |aggs| aggregation::parse(aggs, &mappings))?;
    let bound: Vec<BoundIndex<'_>> = targets
        .iter()
        .map(|target| {
            let scope = Scope { mapping: &target.mapping, index: &target.name, now_millis };
            let sorting = Sorter::of(request.sort.as_ref(), &scope)?;
            let after = request.search_after.as_ref().map(|values| sorting.after(values)).transpose()?;
            Ok(BoundIndex { target, query: bind(&request.query, &scope)?, scope, sorting, after })
        })
        .collect::<Result<_, ApiError>>()?;
    let (held, shown) = (Allowance::new(means.memory), Allowance::new(means.memory / 2));
    let work =
        Work { request, plan: &plan, plan_text: cache_text(&plan), means, indices: &bound, held: &held };
    let Sum { count, partials, hits: mut top, share: _held } = work.run()?;
    top.sort_unstable();
    let first: Vec<TopHit> = top.into_iter().skip(request.from).take(request.size).collect();
    let mut documents = shown.share();
    let hits = fetch(&first, &work.places(), request, &mut documents)?;
    let aggregations = match &request.aggregations {
        None => None,
        Some(_) => Some(aggregation::finish(&plan, partials, count, &work, shown.share())?),
    };
    Ok(Answer {
        hits: Hits { total: show_total(request.track_total, count), max_score: None, hits },
        aggregations,
    })
}

/// How many documents match.
pub fn count(targets: &[Target], query: &Query) -> Result<u64, ApiError> {
    let mut total = 0;
    for target in targets {
        let scope = Scope { mapping: &target.mapping, index: &target.name, now_millis: now_millis() };
        let query = bind(query, &scope)?;
        for segment in &target.snapshot.segments {
            let docs = evaluate(&simplify(&query, segment)?, segment)?;
            total += alive(docs, segment).count(segment.max_doc());
        }
    }
    Ok(total)
}

fn show_total(track: TrackTotal, count: u64) -> Option<Value> {
    match track {
        TrackTotal::No => None,
        TrackTotal::UpTo(limit) if count > limit => Some(json!({"value": limit, "relation": "gte"})),
        _ => Some(json!({"value": count, "relation": "eq"})),
    }
}

/// Documents that are not deleted.
fn alive(docs: Docs, segment: &Segment) -> Docs {
    match segment.reader.alive_bitset() {
        None => docs,
        Some(_) if docs == Docs::None => docs,
        Some(alive) => docs.and(Docs::of(segment.max_doc(), alive.iter_alive())),
    }
}

/// The plan as text where its result depends on nothing but segment and query; `None` where it does.
fn cache_text(plan: &Plan) -> Option<String> {
    let text = format!("{:?}", plan.without_bounds());
    // Dates that follow the clock.
    (!text.contains("\"now")).then_some(text)
}

/// Segments with fewer documents are not worth an entry.
const CACHED_DOCS_MIN: u32 = 5_000;

struct Work<'a> {
    request: &'a Request,
    plan: &'a Plan,
    plan_text: Option<String>,
    means: Means<'a>,
    indices: &'a [BoundIndex<'a>],
    held: &'a Allowance,
}

struct Sum<'a> {
    count: u64,
    partials: Vec<Partial>,
    hits: Vec<TopHit>,
    /// Holds the partials and the hits.
    share: Share<'a>,
}

impl<'a> Work<'a> {
    fn places(&self) -> Vec<(&Target, &Sorting, &Scope<'_>)> {
        self.indices.iter().map(|index| (index.target, &index.sorting, &index.scope)).collect()
    }

    /// Segments are taken by whichever thread is free; results are laid together as they come.
    fn run(&self) -> Result<Sum<'a>, ApiError> {
        let jobs: Vec<(u32, u32)> = self
            .indices
            .iter()
            .enumerate()
            .flat_map(|(at, index)| {
                (0..index.target.snapshot.segments.len()).map(move |segment| (at as u32, segment as u32))
            })
            .collect();
        let sum = Mutex::new(Ok(self.nothing()));
        let next = AtomicUsize::new(0);
        let take = || {
            while let Some(place) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.segment(*place);
                let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                let laid = match &mut *sum {
                    Ok(sum) => outcome.and_then(|found| self.lay(sum, found)),
                    Err(_) => return,
                };
                if let Err(error) = laid {
                    *sum = Err(error);
                    return;
                }
            }
        };
        let threads = self.means.threads.min(jobs.len()).max(1);
        std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(take)));
            take();
        });
        sum.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn nothing(&self) -> Sum<'a> {
        let empty = self.plan.parts.iter().map(|(_, aggregation, _)| Partial::empty(aggregation));
        Sum { count: 0, partials: empty.collect(), hits: Vec::new(), share: self.held.share() }
    }

    fn lay(&self, sum: &mut Sum<'_>, found: Sum<'_>) -> Result<(), ApiError> {
        // While they are laid together the sum's tables may double; what was found is held until they are.
        let mut doubled = found.share.beside();
        doubled.grow(sum.share.bytes() / 2)?;
        sum.count += found.count;
        for ((mine, theirs), (_, aggregation, inner)) in
            sum.partials.iter_mut().zip(found.partials).zip(&self.plan.parts)
        {
            mine.merge(theirs, inner, aggregation);
        }
        let wanted = self.request.from + self.request.size;
        sum.hits.extend(found.hits);
        if sum.hits.len() > wanted * 2 {
            sum.hits.sort_unstable();
            sum.hits.truncate(wanted);
        }
        let hits =
            vec_bytes::<TopHit>(sum.hits.capacity()) + sum.hits.iter().map(TopHit::heap).sum::<usize>();
        sum.share.set(hits + sum.partials.iter().map(Partial::size).sum::<usize>())
    }

    fn segment(&self, place: (u32, u32)) -> Result<Sum<'a>, ApiError> {
        let index = &self.indices[place.0 as usize];
        let segment = &index.target.snapshot.segments[place.1 as usize];
        let query = simplify(&index.query, segment)?;
        let wanted = self.request.from + self.request.size;
        if let (Some(cache), Some(plan), 0, CACHED_DOCS_MIN..) =
            (self.means.cache, &self.plan_text, wanted, segment.max_doc())
        {
            return self.in_pieces(place, &query, cache, plan);
        }
        let docs = alive(evaluate(&query, segment)?, segment);
        let mut matching = self.held.share();
        matching.grow(docs.size())?;
        let mut sum = self.among(place, &docs, 0..segment.max_doc())?;
        if wanted > 0 {
            sum.hits = self.first_hits(index, segment, &docs, place, &mut sum.share)?;
        }
        Ok(sum)
    }

    /// What is known of the pieces inside the window, what has to be found out of them, and the blocks it cuts.
    fn in_pieces(
        &self,
        place: (u32, u32),
        query: &Bound,
        cache: &Cache,
        plan: &str,
    ) -> Result<Sum<'a>, ApiError> {
        let index = &self.indices[place.0 as usize];
        let segment = &index.target.snapshot.segments[place.1 as usize];
        let time = index.target.mapping.field("@timestamp").map(|field| field.id);
        let Pieces { inside, rest, cut } = Pieces::of(query, time, segment)?;
        let asked = format!("{:?}\0{rest:?}\0{plan}", segment.identity);
        let (mut sum, mut missing) = (self.nothing(), Vec::new());
        for piece in inside {
            let key = xxh3_128(format!("{piece:?}\0{asked}").as_bytes());
            match cache.get(key) {
                Some(found) => self.lay(&mut sum, self.known(&found, place)?)?,
                None => missing.push((key, piece)),
            }
        }
        let ranges: Vec<Range<u32>> = missing.iter().map(|(_, piece)| piece.clone()).collect();
        let docs = match ranges.is_empty() {
            true => Docs::None,
            false => alive(evaluate_in(&rest, segment, hull(&ranges))?, segment),
        };
        // All of them, and those of a piece.
        let mut matching = self.held.share();
        matching.grow(2 * docs.size())?;
        for (key, piece) in missing {
            let docs = docs.clone().and(Docs::of_ranges(segment.max_doc(), std::slice::from_ref(&piece)));
            let found = self.among(place, &docs, piece)?;
            if found.share.bytes() <= cache.entry_max() {
                cache.put(key, Arc::new(Found { count: found.count, partials: found.partials.clone() }));
            }
            self.lay(&mut sum, found)?;
        }
        if !cut.is_empty() {
            let docs = alive(evaluate_in(query, segment, hull(&cut))?, segment);
            let docs = docs.and(Docs::of_ranges(segment.max_doc(), &cut));
            matching.grow(docs.size())?;
            self.lay(&mut sum, self.among(place, &docs, hull(&cut))?)?;
        }
        Ok(sum)
    }

    /// What is found among `docs`, all of them `within` the segment's documents.
    fn among(&self, place: (u32, u32), docs: &Docs, within: Range<u32>) -> Result<Sum<'a>, ApiError> {
        let index = &self.indices[place.0 as usize];
        let segment = &index.target.snapshot.segments[place.1 as usize];
        let on = Collection { segment, within, place, scope: index.scope };
        let mut share = self.held.share();
        let partials = aggregation::collect(self.plan, docs, &on, &mut share)?;
        Ok(Sum { count: docs.count(segment.max_doc()), partials, hits: Vec::new(), share })
    }

    /// What was found before, in the segment that has this place now.
    fn known(&self, found: &Found, place: (u32, u32)) -> Result<Sum<'a>, ApiError> {
        let mut share = self.held.share();
        share.grow(found.partials.iter().map(Partial::size).sum())?;
        let mut partials = found.partials.clone();
        partials.iter_mut().for_each(|partial| partial.put_at(place));
        Ok(Sum { count: found.count, partials, hits: Vec::new(), share })
    }

    fn first_hits(
        &self,
        index: &BoundIndex<'_>,
        segment: &Segment,
        docs: &Docs,
        place: (u32, u32),
        share: &mut Share<'_>,
    ) -> Result<Vec<TopHit>, ApiError> {
        let wanted = self.request.from + self.request.size;
        let sorter = index.sorting.on_after(segment, index.after.as_deref())?;
        let (mut hits, before) = (Vec::new(), share.bytes());
        docs.for_each_block(segment.max_doc(), 1_024, |block| {
            block.iter().try_for_each(|doc| sorter.offer(&mut hits, wanted, *doc, place))?;
            // None has texts yet: all take the same.
            let each = size_of::<TopHit>() + hits.first().map_or(0, TopHit::heap);
            share.set(before + hits.capacity() * each)
        })?;
        sorter.settle(&mut hits, wanted, share)?;
        Ok(hits)
    }
}

impl aggregation::Show for Work<'_> {
    fn kind(&self, field: &str) -> Option<Kind> {
        self.indices.iter().find_map(|index| Some(index.target.mapping.field(field)?.kind.clone()))
    }

    fn hits(
        &self,
        hits: &[TopHit],
        total: u64,
        body: &Value,
        mut share: Share<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let request = Request::parse(body)?;
        let sortings: Vec<Sorting> = self
            .indices
            .iter()
            .map(|index| Sorter::of(request.sort.as_ref(), &index.scope))
            .collect::<Result<_, _>>()?;
        let places: Vec<_> = self
            .indices
            .iter()
            .zip(&sortings)
            .map(|(index, sorting)| (index.target, sorting, &index.scope))
            .collect();
        let hits = fetch(hits, &places, &request, &mut share)?;
        let total = Some(json!({"value": total, "relation": "eq"}));
        serde_json::to_vec(&TopHits { hits: Hits { total, max_score: None, hits } })
            .map_err(|error| ApiError::internal(error.to_string()))
    }
}

/// The answer of a `top_hits`.
#[derive(Serialize)]
struct TopHits {
    hits: Hits,
}
