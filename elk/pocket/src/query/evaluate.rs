//! Bound queries on a segment.

use super::bind::{Bound, KeywordTest};
use super::docs::Docs;
use crate::index::{FIELDS, Segment, column_name};
use crate::mapping::FieldId;
use std::ops::{Bound as Limit, Range};
use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use tantivy::postings::Postings;
use tantivy::query::{EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::IndexRecordOption;
use tantivy::{TERMINATED, Term};

/// The query with everything decided that the segment's columns decide as a whole.
pub fn simplify(query: &Bound, segment: &Segment) -> tantivy::Result<Bound> {
    Ok(match query {
        Bound::Numbers(field, low, high) => match segment.numbers(*field)? {
            None => Bound::None,
            Some(column) if column.max_value() < *low || column.min_value() > *high => Bound::None,
            Some(column) if *low <= column.min_value() && column.max_value() <= *high => {
                has_value(&column.index, query_of(*field, false))
            }
            Some(_) => query.clone(),
        },
        Bound::HasNumber(field) => match segment.numbers(*field)? {
            None => Bound::None,
            Some(column) => has_value(&column.index, query.clone()),
        },
        Bound::HasKeyword(field) => match segment.keywords(*field)? {
            None => Bound::None,
            Some(column) => has_value(&column.ords().index, query.clone()),
        },
        Bound::Keywords(field, _) if segment.keywords(*field)?.is_none() => Bound::None,
        Bound::And(parts) => {
            let mut kept = Vec::new();
            for part in parts {
                match simplify(part, segment)? {
                    Bound::None => return Ok(Bound::None),
                    Bound::All => {}
                    part => kept.push(part),
                }
            }
            match kept.len() {
                0 => Bound::All,
                1 => kept.remove(0),
                _ => Bound::And(kept),
            }
        }
        Bound::Or(parts, 1) => {
            let mut kept = Vec::new();
            for part in parts {
                match simplify(part, segment)? {
                    Bound::All => return Ok(Bound::All),
                    Bound::None => {}
                    part => kept.push(part),
                }
            }
            match kept.len() {
                0 => Bound::None,
                1 => kept.remove(0),
                _ => Bound::Or(kept, 1),
            }
        }
        Bound::Or(parts, minimum) => {
            Bound::Or(parts.iter().map(|part| simplify(part, segment)).collect::<Result<_, _>>()?, *minimum)
        }
        Bound::Not(part) => match simplify(part, segment)? {
            Bound::All => Bound::None,
            Bound::None => Bound::All,
            part => Bound::Not(Box::new(part)),
        },
        other => other.clone(),
    })
}

fn query_of(field: FieldId, keyword: bool) -> Bound {
    if keyword { Bound::HasKeyword(field) } else { Bound::HasNumber(field) }
}

fn has_value(index: &ColumnIndex, otherwise: Bound) -> Bound {
    if matches!(index, ColumnIndex::Full) { Bound::All } else { otherwise }
}

/// Documents of a segment that match, deleted ones included.
pub fn evaluate(query: &Bound, segment: &Segment) -> tantivy::Result<Docs> {
    matching(query, segment, &(0..segment.max_doc()))
}

/// Those of `within`; documents elsewhere cost next to nothing.
pub fn evaluate_in(query: &Bound, segment: &Segment, within: Range<u32>) -> tantivy::Result<Docs> {
    let found = matching(query, segment, &within)?;
    Ok(found.and(Docs::of_ranges(segment.max_doc(), &[within])))
}

/// Right for documents of `within`; what it says of others means nothing.
fn matching(query: &Bound, segment: &Segment, within: &Range<u32>) -> tantivy::Result<Docs> {
    let max = segment.max_doc();
    Ok(match query {
        Bound::All => Docs::All,
        Bound::None => Docs::None,
        Bound::Numbers(field, low, high) => match segment.numbers(*field)? {
            None => Docs::None,
            Some(column) => in_range(&column, *low, *high, within, max),
        },
        Bound::HasNumber(field) => {
            segment.numbers(*field)?.map_or(Docs::None, |column| with_value(&column.index, within, max))
        }
        Bound::HasKeyword(field) => segment
            .keywords(*field)?
            .map_or(Docs::None, |column| with_value(&column.ords().index, within, max)),
        Bound::Keywords(field, test) => match segment.keywords(*field)? {
            None => Docs::None,
            Some(column) => with_ords(&column, &ords_that_pass(&column, test)?, within, max),
        },
        Bound::Word(field, word) => with_word(segment, *field, word, within)?,
        Bound::Words(field, test) => with_words(segment, *field, test, within)?,
        Bound::Phrase(field, words, slop) => with_phrase(segment, *field, words, *slop)?,
        Bound::Keys(keys) => Docs::of(max, segment.find(keys)?.into_iter().map(|(doc, _)| doc)),
        Bound::Not(part) => matching(part, segment, within)?.not(max),
        Bound::And(parts) => {
            let mut docs = Docs::All;
            for part in parts {
                docs = docs.and(matching(part, segment, within)?);
                if docs == Docs::None {
                    break;
                }
            }
            docs
        }
        Bound::Or(parts, 1) => {
            let mut docs = Docs::None;
            for part in parts {
                docs = docs.or(matching(part, segment, within)?);
            }
            docs
        }
        Bound::Or(parts, minimum) => at_least(parts, *minimum, segment, within)?,
    })
}

fn at_least(
    parts: &[Bound],
    minimum: usize,
    segment: &Segment,
    within: &Range<u32>,
) -> tantivy::Result<Docs> {
    let max = segment.max_doc();
    let mut counts = vec![0u16; max as usize];
    for part in parts {
        matching(part, segment, within)?.for_each_block(max, 1_024, |block| {
            block.iter().for_each(|doc| counts[*doc as usize] += 1);
            Ok::<(), tantivy::TantivyError>(())
        })?;
    }
    let enough = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| usize::from(**count) >= minimum)
        .map(|(doc, _)| doc as u32);
    Ok(Docs::of(max, enough))
}

/// Scans in pieces, so that the list of hits stays small.
const SCAN: u32 = 1 << 16;

fn in_range<T: PartialOrd + Copy + Send + Sync + std::fmt::Debug + 'static>(
    column: &Column<T>,
    low: T,
    high: T,
    within: &Range<u32>,
    max: u32,
) -> Docs {
    let mut bits = Docs::with_room(max);
    let mut found = Vec::new();
    for start in within.clone().step_by(SCAN as usize) {
        found.clear();
        column.get_docids_for_value_range(low..=high, start..within.end.min(start + SCAN), &mut found);
        found.iter().for_each(|doc| bits[*doc as usize / 64] |= 1 << (doc % 64));
    }
    Docs::Some(bits)
}

fn with_value(index: &ColumnIndex, within: &Range<u32>, max: u32) -> Docs {
    match index {
        ColumnIndex::Full => Docs::All,
        ColumnIndex::Empty { .. } => Docs::None,
        index => Docs::of(max, within.clone().filter(|doc| index.has_value(*doc))),
    }
}

fn with_ords(column: &StrColumn, ords: &[u64], within: &Range<u32>, max: u32) -> Docs {
    const SCANS: usize = 4;
    let Some((first, last)) = ords.first().zip(ords.last()) else { return Docs::None };
    if last - first + 1 == ords.len() as u64 {
        return in_range(column.ords(), *first, *last, within, max);
    }
    if ords.len() <= SCANS {
        return ords
            .iter()
            .fold(Docs::None, |docs, ord| docs.or(in_range(column.ords(), *ord, *ord, within, max)));
    }
    let mut wanted = vec![false; column.num_terms()];
    ords.iter().for_each(|ord| wanted[*ord as usize] = true);
    Docs::of(max, within.clone().filter(|doc| column.term_ords(*doc).any(|ord| wanted[ord as usize])))
}

fn passes(test: &KeywordTest, text: &str) -> bool {
    match test {
        KeywordTest::Addresses(ranges) => super::address::number(text)
            .is_some_and(|number| ranges.iter().any(|(low, high)| (*low..=*high).contains(&number))),
        KeywordTest::Exactly(texts) => texts.iter().any(|wanted| wanted == text),
        KeywordTest::Folded(wanted) => text.to_lowercase() == *wanted,
        KeywordTest::Prefix(prefix, false) => text.starts_with(prefix.as_str()),
        KeywordTest::Prefix(prefix, true) => text.to_lowercase().starts_with(prefix.as_str()),
        KeywordTest::Pattern(pattern, false) => pattern.matches(text),
        KeywordTest::Pattern(pattern, true) => pattern.matches(&text.to_lowercase()),
        KeywordTest::Between(low, high) => {
            low.as_ref().is_none_or(|(low, open)| text > low.as_str() || (!open && text == low))
                && high.as_ref().is_none_or(|(high, open)| text < high.as_str() || (!open && text == high))
        }
    }
}

/// The literal beginning every text that passes has.
fn common_prefix(test: &KeywordTest) -> &str {
    match test {
        KeywordTest::Prefix(prefix, false) => prefix,
        KeywordTest::Pattern(pattern, false) => pattern.beginning(),
        _ => "",
    }
}

/// Ordinals of the texts that pass, ascending.
fn ords_that_pass(column: &StrColumn, test: &KeywordTest) -> std::io::Result<Vec<u64>> {
    let dictionary = column.dictionary();
    if let KeywordTest::Exactly(texts) = test {
        let mut ords = Vec::new();
        for text in texts {
            ords.extend(dictionary.term_ord(text)?);
        }
        ords.sort_unstable();
        ords.dedup();
        return Ok(ords);
    }
    let mut stream = match test {
        KeywordTest::Between(low, _) => {
            let low = low.as_ref().map_or(Limit::Unbounded, |(low, _)| Limit::Included(low.as_bytes()));
            match low {
                Limit::Included(low) => dictionary.range().ge(low).into_stream()?,
                _ => dictionary.stream()?,
            }
        }
        other => dictionary.prefix_range(common_prefix(other)).into_stream()?,
    };
    let mut ords = Vec::new();
    while stream.advance() {
        if std::str::from_utf8(stream.key()).is_ok_and(|text| passes(test, text)) {
            ords.push(stream.term_ord());
        }
    }
    Ok(ords)
}

fn word_term(field: FieldId, word: &str) -> Term {
    let mut term = Term::from_field_json_path(FIELDS.1.texts, column_name(field), false);
    term.append_type_and_str(word);
    term
}

fn collect(bits: &mut [u64], postings: &mut impl Postings, within: &Range<u32>) {
    let mut doc = postings.doc();
    if doc < within.start {
        doc = postings.seek(within.start);
    }
    while doc != TERMINATED && doc < within.end {
        bits[doc as usize / 64] |= 1 << (doc % 64);
        doc = postings.advance();
    }
}

fn with_word(segment: &Segment, field: FieldId, word: &str, within: &Range<u32>) -> tantivy::Result<Docs> {
    let inverted = segment.reader.inverted_index(FIELDS.1.texts)?;
    let Some(mut postings) = inverted.read_postings(&word_term(field, word), IndexRecordOption::Basic)?
    else {
        return Ok(Docs::None);
    };
    let mut bits = Docs::with_room(segment.max_doc());
    collect(&mut bits, &mut postings, within);
    Ok(Docs::Some(bits))
}

fn with_words(
    segment: &Segment,
    field: FieldId,
    test: &KeywordTest,
    within: &Range<u32>,
) -> tantivy::Result<Docs> {
    let inverted = segment.reader.inverted_index(FIELDS.1.texts)?;
    let path = word_term(field, "").serialized_value_bytes().to_vec();
    let start = [path.as_slice(), common_prefix(test).as_bytes()].concat();
    let mut stream = inverted.terms().range().ge(&start).into_stream()?;
    let mut bits = Docs::with_room(segment.max_doc());
    while let Some((key, info)) = stream.next() {
        if !key.starts_with(&start) {
            break;
        }
        if std::str::from_utf8(&key[path.len()..]).is_ok_and(|text| passes(test, text)) {
            let mut postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            collect(&mut bits, &mut postings, within);
        }
    }
    Ok(Docs::Some(bits))
}

fn with_phrase(segment: &Segment, field: FieldId, words: &[String], slop: u32) -> tantivy::Result<Docs> {
    let terms = words.iter().map(|word| word_term(field, word)).enumerate().collect();
    let query = PhraseQuery::new_with_offset_and_slop(terms, slop);
    let weight = query.weight(EnableScoring::disabled_from_schema(&FIELDS.0))?;
    let mut bits = Docs::with_room(segment.max_doc());
    weight.for_each_no_score(&segment.reader, &mut |docs| {
        docs.iter().for_each(|doc| bits[*doc as usize / 64] |= 1 << (doc % 64));
    })?;
    Ok(Docs::Some(bits))
}
