//! A panel's table or list, held against the documents it is about.

use super::archive::{Archive, Choice, Places};
use super::number::{expected, rank, value};
use dashboards::lens::{ColumnKind, Figures, Hits, Interval, Table, TimeRange, Value};
use dashboards::model::{
    Band, Documents, Drawing, Measure, Operation, Panel, Rank, Scope, Series, Sort, Terms, Value as Source,
};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Documents that a list shows at least, where there are as many.
const HITS_MIN: usize = 100;

/// What of a panel is not as the documents say; nothing where all is. The share of values at or below a percentile may be
/// `slack` beside its rank.
pub fn differences(
    archive: &Archive,
    panel: &Panel,
    choice: Choice<'_>,
    slack: f64,
    found: &Figures,
) -> Vec<String> {
    let choice = match panel.scope {
        Scope::Board => choice,
        Scope::Everything => Choice { environment: None, ..choice },
    };
    let places = archive.find(panel.query, choice);
    let mut comparison = Comparison { archive, panel, range: choice.range, slack, differences: Vec::new() };
    match (found, &panel.drawing) {
        (Figures::Tables(tables), _) => {
            for table in tables {
                comparison.table(table, &places);
            }
        }
        (Figures::Documents(hits), Drawing::Documents(documents)) => {
            comparison.hits(hits, documents, &places);
        }
        (Figures::Nothing, Drawing::Links) => {}
        (other, _) => comparison.differs(&[], "figures", "of the panel's kind", other_kind(other)),
    }
    comparison.differences
}

fn other_kind(figures: &Figures) -> &'static str {
    match figures {
        Figures::Tables(_) => "tables",
        Figures::Documents(_) => "documents",
        Figures::Nothing => "nothing",
    }
}

struct Comparison<'a> {
    archive: &'a Archive,
    panel: &'a Panel,
    range: TimeRange,
    slack: f64,
    differences: Vec<String>,
}

/// A table and how far one has gone into its groups.
struct Group<'t> {
    table: &'t Table,
    rows: Vec<&'t [Value]>,
    keys: Vec<Value>,
    places: Places,
    /// Milliseconds that rates are over.
    length: i64,
}

impl Comparison<'_> {
    fn differs(&mut self, keys: &[Value], column: &str, expected: impl ToString, found: impl ToString) {
        let mut text = format!("panel `{}`", self.panel.id);
        for key in keys {
            let _ = write!(text, ", {key}");
        }
        let (expected, found) = (expected.to_string(), found.to_string());
        self.differences.push(format!("{text}, `{column}`: {found} and not {expected}"));
    }

    fn table(&mut self, table: &Table, places: &[u32]) {
        if let Some(partial) = &table.partial {
            self.differs(&[], "answer", "whole", partial);
        }
        self.sorting(table);
        let rows = table.rows.iter().map(Vec::as_slice).collect();
        let (keys, places, length) = (Vec::new(), places.to_vec(), self.range.length());
        self.group(Group { table, rows, keys, places, length });
    }

    fn group(&mut self, group: Group<'_>) {
        let Some(column) = group.table.columns.get(group.keys.len()) else { return self.row(&group, &[]) };
        match column.kind {
            ColumnKind::Measure => match *group.rows.as_slice() {
                [row] => self.row(&group, row),
                ref rows => self.differs(&group.keys, "rows", 1, rows.len()),
            },
            ColumnKind::Time(interval) => self.times(group, interval),
            ColumnKind::Terms => self.values(group),
            ColumnKind::Ranges => self.bands(group),
            ColumnKind::Filters => panic!("the boards have no filters as rows"),
        }
    }

    fn row(&mut self, group: &Group<'_>, row: &[Value]) {
        let measures = measures(&self.panel.drawing);
        for (column, found) in group.table.columns.iter().zip(row).skip(group.keys.len()) {
            let measure = measures.iter().find(|measure| measure.label == column.label);
            let wanted = match (measure, objective(&self.panel.drawing)) {
                (Some(measure), _) => expected(self.archive, measure, &group.places, group.length),
                (None, Some((label, value))) if label == column.label => {
                    super::number::Expected::Exactly(Value::Number(value))
                }
                _ => panic!("the panel {} has no measure `{}`", self.panel.id, column.label),
            };
            if !wanted.is(found, self.slack) {
                let expected = format!("{wanted}{}", wanted.shares(found));
                self.differs(&group.keys, &column.label, expected, found);
            }
        }
    }

    /// Every step of time that the range touches has its row, in order.
    fn times(&mut self, group: Group<'_>, interval: Interval) {
        let (from, to) = (self.range.from(), self.range.to());
        let step = interval.millis();
        let starts: Vec<i64> =
            (from.div_euclid(step)..=to.div_euclid(step)).map(|number| number * step).collect();
        let mut members =
            self.divide(&group, |document| Some(Value::Date(document.time().div_euclid(step) * step)));
        let wanted: Vec<Value> = starts.iter().copied().map(Value::Date).collect();
        // Documents of no group have no steps either.
        let wanted = if group.rows.is_empty() && group.places.is_empty() { Vec::new() } else { wanted };
        for inner in self.inner(&group, &wanted, &mut members) {
            let Some(Value::Date(start)) = inner.keys.last() else { unreachable!("keys are moments") };
            let length = (start + step).min(to) - (*start).max(from);
            self.group(Group { length, ..inner });
        }
    }

    fn bands(&mut self, group: Group<'_>) {
        let Drawing::Heatmap(heatmap) = &self.panel.drawing else { panic!("only heat maps have bands") };
        let band_of = |number: f64| heatmap.bands.iter().find(|band| holds(band, number)).map(key);
        let field = heatmap.field.name;
        let mut members = self.divide(&group, |document| band_of(document.number(field)?));
        let wanted: Vec<Value> = heatmap.bands.iter().map(key).collect();
        for inner in self.inner(&group, &wanted, &mut members) {
            self.group(inner);
        }
    }

    /// The first values by rank, and the rest where it is asked for.
    fn values(&mut self, group: Group<'_>) {
        let label = &group.table.columns[group.keys.len()].label;
        let terms = terms(&self.panel.drawing);
        let terms = **terms.iter().find(|terms| terms.label == label).expect("terms of that name");
        let mut members = self.divide(&group, |document| document.cell(terms.field.name).map(value));
        let found = distinct(&group);
        let mut listed: Vec<Value> = found.iter().filter(|key| **key != Value::Other).cloned().collect();
        let size = members.len().min(usize::from(terms.size));
        if listed.len() != size || listed.iter().any(|key| !members.contains_key(&key.to_string())) {
            let all: Vec<&String> = members.keys().collect();
            let found: Vec<String> = listed.iter().map(Value::to_string).collect();
            return self.differs(&group.keys, label, format!("{size} of {all:?}"), format!("{found:?}"));
        }
        self.ranks(&group, &terms, &listed, &members);
        let rest: Places = {
            let is_listed = |name: &String| listed.iter().any(|key| key.to_string() == *name);
            let beyond = members.iter().filter(|(name, _)| !is_listed(name));
            beyond.flat_map(|(_, places)| places.iter().copied()).collect()
        };
        if terms.other && !rest.is_empty() {
            members.insert(Value::Other.to_string(), rest);
            listed.push(Value::Other);
        }
        for inner in self.inner(&group, &listed, &mut members) {
            self.group(inner);
        }
    }

    /// None of the values left out ranks before one of those listed, and charts list them by rank.
    fn ranks(
        &mut self,
        group: &Group<'_>,
        terms: &Terms,
        listed: &[Value],
        members: &BTreeMap<String, Places>,
    ) {
        let Some(operation) = ranking(&self.panel.drawing) else { return };
        let sign = if terms.rank == Rank::Highest { -1.0 } else { 1.0 };
        let of = |places: &Places| {
            rank(self.archive, operation, places).map(|rank| {
                // What has no value stands last in either direction.
                if rank.is_nan() { f64::INFINITY } else { sign * rank }
            })
        };
        let listed_ranks: Option<Vec<f64>> =
            listed.iter().map(|key| of(&members[&key.to_string()])).collect();
        let Some(listed_ranks) = listed_ranks else { return };
        let last = listed_ranks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let beyond = members.iter().filter(|(name, _)| !listed.iter().any(|key| key.to_string() == **name));
        let before: Vec<&String> =
            beyond.filter(|(_, places)| of(places) < Some(last)).map(|(name, _)| name).collect();
        let is_sorted_chart = matches!(self.panel.drawing, Drawing::Table(_)) || listed_ranks.is_sorted();
        if !before.is_empty() || !is_sorted_chart {
            let expected = format!("{before:?} before the last, or another order");
            self.differs(&group.keys, terms.label, expected, format!("{listed:?}"));
        }
    }

    /// The groups of these keys; a key too many or too few is a difference.
    fn inner<'t>(
        &mut self,
        group: &Group<'t>,
        wanted: &[Value],
        members: &mut BTreeMap<String, Places>,
    ) -> Vec<Group<'t>> {
        let depth = group.keys.len();
        let found = distinct(group);
        let is_table = matches!(self.panel.drawing, Drawing::Table(_));
        let same = match is_table {
            true => found.len() == wanted.len() && found.iter().all(|key| wanted.contains(key)),
            false => found == wanted,
        };
        if !same {
            let [wanted, found] = [wanted, &found].map(|keys| {
                format!("{} keys {:?}", keys.len(), keys.iter().map(Value::to_string).collect::<Vec<_>>())
            });
            self.differs(&group.keys, &group.table.columns[depth].label, wanted, found);
            return Vec::new();
        }
        let mut rows: HashMap<String, Vec<&[Value]>> = HashMap::new();
        for row in &group.rows {
            rows.entry(row[depth].to_string()).or_default().push(row);
        }
        let inner = wanted.iter().map(|key| {
            let name = key.to_string();
            Group {
                table: group.table,
                rows: rows.remove(&name).unwrap_or_default(),
                keys: group.keys.iter().chain([key]).cloned().collect(),
                places: members.remove(&name).unwrap_or_default(),
                length: group.length,
            }
        });
        inner.collect()
    }

    fn divide(
        &self,
        group: &Group<'_>,
        key: impl Fn(&super::document::Document) -> Option<Value>,
    ) -> BTreeMap<String, Places> {
        let mut members: BTreeMap<String, Places> = BTreeMap::new();
        for place in &group.places {
            if let Some(key) = key(self.archive.get(*place)) {
                members.entry(key.to_string()).or_default().push(*place);
            }
        }
        members
    }

    /// A table opens sorted by the first column that has an order.
    fn sorting(&mut self, table: &Table) {
        let Drawing::Table(drawn) = &self.panel.drawing else { return };
        let sorted = drawn.columns.iter().find_map(|(measure, sort)| Some((measure.label, (*sort)?)));
        let Some((label, sort)) = sorted else { return };
        let column = table.columns.iter().position(|column| column.label == label).expect("the column");
        let number = |row: &Vec<Value>| match &row[column] {
            Value::Number(number) => Some(*number),
            Value::Date(moment) => Some(*moment as f64),
            _ => None,
        };
        // What has no value stands last.
        let numbers: Vec<f64> = table.rows.iter().map_while(number).collect();
        let all = table.rows.iter().filter_map(number).count();
        let sorted = match sort {
            Sort::Ascending => numbers.is_sorted(),
            Sort::Descending => numbers.iter().rev().is_sorted(),
        };
        if !sorted || numbers.len() != all {
            self.differs(&[], label, format!("{sort:?}"), format!("{numbers:?}"));
        }
    }

    /// The first documents by the sort field, and no cell that no line has.
    fn hits(&mut self, hits: &Hits, drawn: &Documents, places: &[u32]) {
        if hits.total != Some(places.len() as u64) {
            self.differs(&[], "documents", places.len(), format!("{:?}", hits.total));
        }
        if hits.hits.len() < places.len().min(HITS_MIN) {
            self.differs(&[], "documents listed", places.len().min(HITS_MIN), hits.hits.len());
        }
        let mut lines: HashMap<String, usize> = HashMap::new();
        for place in places {
            let document = self.archive.get(*place);
            let cells = drawn.columns.iter().map(|field| document.cell(field.name).map(value));
            *lines.entry(line(cells)).or_default() += 1;
        }
        let sorted = |place: &u32| self.archive.get(*place).number(drawn.sort.name);
        let mut wanted: Vec<f64> = places.iter().filter_map(sorted).collect();
        wanted.sort_by(|one, other| other.total_cmp(one));
        for (at, hit) in hits.hits.iter().enumerate() {
            let cells = hits.columns.iter().zip(&hit.cells);
            let shown =
                cells.clone().filter(|(name, _)| drawn.columns.iter().any(|field| field.name == **name));
            let text = line(shown.map(|(_, cells)| cells.first().map(json_value)));
            let left = lines.get_mut(&text).filter(|left| **left > 0);
            match left {
                Some(left) => *left -= 1,
                None => self.differs(&[], "document", "as some line", &text),
            }
            let key = super::document::Scribe::default().of_source(&hit.document).number(drawn.sort.name);
            if key != wanted.get(at).copied() {
                self.differs(
                    &[],
                    drawn.sort.name,
                    format!("{:?}", wanted.get(at)),
                    format!("{key:?}, hit {at}"),
                );
            }
        }
    }
}

fn json_value(json: &serde_json::Value) -> Value {
    match json.as_str() {
        Some(text) => Value::Text(text.to_owned()),
        None => Value::Number(json.as_f64().unwrap_or(f64::NAN)),
    }
}

fn line(cells: impl Iterator<Item = Option<Value>>) -> String {
    cells.map(|cell| cell.map_or("-".to_owned(), |value| value.to_string())).collect::<Vec<_>>().join(" | ")
}

/// Keys of the next level in the order they come.
fn distinct(group: &Group<'_>) -> Vec<Value> {
    let mut keys: Vec<Value> = Vec::new();
    for row in &group.rows {
        let key = &row[group.keys.len()];
        if keys.last() != Some(key) && !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

fn holds(band: &Band, number: f64) -> bool {
    band.from.is_none_or(|from| from as f64 <= number) && band.to.is_none_or(|to| number < to as f64)
}

fn key(band: &Band) -> Value {
    let end = |end: Option<u64>| end.map(|end| end as f64);
    Value::Range { from: end(band.from), to: end(band.to), label: band.label.to_owned() }
}

fn measures(drawing: &Drawing) -> Vec<&Measure> {
    match drawing {
        Drawing::Metric(measure) => vec![measure],
        Drawing::Xy(xy) => xy.series.measures().iter().collect(),
        Drawing::Table(table) => table.columns.iter().map(|(measure, _)| measure).collect(),
        Drawing::Pie(pie) => vec![&pie.measure],
        Drawing::Heatmap(heatmap) => vec![&heatmap.measure],
        Drawing::Documents(_) | Drawing::Links => Vec::new(),
    }
}

fn terms(drawing: &Drawing) -> Vec<&Terms> {
    match drawing {
        Drawing::Xy(xy) => match &xy.series {
            Series::Split(terms, _) => vec![terms],
            Series::Each(_) => Vec::new(),
        },
        Drawing::Table(table) => table.rows.iter().collect(),
        Drawing::Pie(pie) => vec![&pie.slices],
        _ => Vec::new(),
    }
}

/// Values are ranked by the first measure that is no formula.
fn ranking(drawing: &Drawing) -> Option<&Operation> {
    measures(drawing).into_iter().find_map(|measure| match &measure.value {
        Source::Operation(operation) => Some(operation),
        Source::Formula(_) => None,
    })
}

fn objective(drawing: &Drawing) -> Option<(&str, f64)> {
    let Drawing::Xy(xy) = drawing else { return None };
    let objective = xy.objective?;
    Some((objective.label, objective.value.parse().expect("a number")))
}
