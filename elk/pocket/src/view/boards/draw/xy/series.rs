//! The rows of a layer as series.

use crate::view::boards::draw::clause::clause;
use crate::view::boards::draw::color::{Colors, of_place};
use crate::view::boards::draw::format::{format, percent};
use crate::view::boards::draw::table_of;
use dashboards::lens::{Column, ColumnKind, Series, SeriesType, Table, Value, Xy};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};

/// Most series of a chart; what is beyond cannot be told apart.
const SERIES_MAX: usize = 200;

/// Where a point stands on the axis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Moment(i64),
    Name(String),
}

/// One series.
#[derive(Debug)]
pub(super) struct Drawn {
    id: String,
    pub(super) name: String,
    shape: SeriesType,
    stack: Option<String>,
    /// 0 is left, 1 right.
    pub(super) axis: usize,
    color: String,
    pub(super) format: Json,
    filter: Option<String>,
    /// Length of a time bucket; `None`: the axis is not time.
    pub(super) bucket: Option<i64>,
    pub(super) percent: bool,
    pub(super) points: Vec<(Place, Option<f64>)>,
}

/// The series of a layer: one for each measure and each value of the split, in the order of the rows.
pub(super) fn drawn(xy: &Xy, series: &Series, tables: &[Table], colors: &Colors) -> Vec<Drawn> {
    let Some(table) = table_of(tables, &series.layer) else { return Vec::new() };
    let place_of = |id: &Option<String>| id.as_deref().and_then(|id| table.position(id));
    let (x, split) = (place_of(&series.x), place_of(&series.split));
    let measures: Vec<usize> = series.accessors.iter().filter_map(|id| table.position(id)).collect();
    let mut found: Vec<Drawn> = Vec::new();
    let mut known: HashMap<(String, usize), usize> = HashMap::new();
    for row in &table.rows {
        let place = x.map_or_else(|| Place::Name("All".to_owned()), |x| place(&row[x]));
        let part = split.map(|split| (&table.columns[split], &row[split]));
        let key = part.map(|(_, value)| format!("{value:?}")).unwrap_or_default();
        for (order, measure) in measures.iter().enumerate() {
            let at = *known.entry((key.clone(), *measure)).or_insert_with(|| {
                let several = measures.len() > 1;
                let mut made = start(series, &table.columns[*measure], part, several, order, colors);
                made.bucket = x.and_then(|x| bucket(&table.columns[x]));
                found.push(made);
                found.len() - 1
            });
            found[at].points.push((place.clone(), row[*measure].as_number()));
        }
    }
    found.retain(|part| is_told(part, split.is_some()));
    if xy.fitting_function.as_deref() == Some("Zero") {
        let points = found.iter_mut().flat_map(|part| &mut part.points);
        points.for_each(|(_, value)| *value = value.or(Some(0.0)));
    }
    found.truncate(SERIES_MAX);
    found
}

/// Who has no value at all is no series of a split; a measure that has none stays, so that the legend says what was looked for.
fn is_told(part: &Drawn, split: bool) -> bool {
    !split || part.points.iter().any(|(_, value)| value.is_some())
}

fn start(
    series: &Series,
    measure: &Column,
    split: Option<(&Column, &Value)>,
    several: bool,
    order: usize,
    colors: &Colors,
) -> Drawn {
    let config = series.y_config.iter().find(|config| config.column == measure.id);
    let shape = series.series_type;
    let axis = usize::from(config.is_some_and(|config| config.axis_mode.as_deref() == Some("right")));
    let name = match split {
        Some((_, value)) if several => format!("{value} › {}", measure.label),
        Some((_, value)) => value.to_string(),
        None => measure.label.clone(),
    };
    let mapped = || {
        let mapping = &series.color_mapping.assignments;
        mapping.iter().find(|(value, _)| *value == name).map(|(_, color)| color.clone())
    };
    let is_bad = series.palette.as_ref().is_some_and(|palette| palette.name == "negative");
    let by_name = |column: &Column, value| match is_bad {
        true => colors.of_bad(column.field.as_deref(), value),
        false => colors.of(column.field.as_deref(), value),
    };
    let color = match split {
        Some((column, value)) => mapped().unwrap_or_else(|| by_name(column, value).to_owned()),
        None => config.and_then(|config| config.color.clone()).unwrap_or_else(|| of_place(order).to_owned()),
    };
    Drawn {
        id: format!("{}/{}/{name}", series.layer, measure.id),
        filter: split.and_then(|(column, value)| clause(column, value)),
        stack: shape.is_stacked().then(|| format!("{}/{axis}", series.layer)),
        format: if shape.is_percentage() { percent() } else { format(measure) },
        percent: shape.is_percentage(),
        name,
        shape,
        axis,
        color,
        bucket: None,
        points: Vec::new(),
    }
}

fn place(value: &Value) -> Place {
    match value {
        Value::Date(moment) => Place::Moment(*moment),
        other => Place::Name(other.to_string()),
    }
}

fn bucket(column: &Column) -> Option<i64> {
    match column.kind {
        ColumnKind::Time(interval) => Some(interval.millis()),
        _ => None,
    }
}

/// The names on an axis that is not time, in the order they come.
pub(super) fn categories(drawn: &[Drawn]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (place, _) in drawn.iter().flat_map(|part| &part.points) {
        if let Place::Name(name) = place
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// Gives the series of a stack the same places in the same order: ECharts adds up what has the same number, not the same moment.
pub(super) fn align(drawn: &mut [Drawn]) {
    let mut stacks: HashMap<String, Vec<Place>> = HashMap::new();
    for part in drawn.iter() {
        let Some(stack) = &part.stack else { continue };
        stacks.entry(stack.clone()).or_default().extend(part.points.iter().map(|(place, _)| place.clone()));
    }
    for places in stacks.values_mut() {
        let mut known = HashSet::new();
        places.retain(|place| known.insert(place.clone()));
        places.sort_by_key(Place::moment);
    }
    for part in drawn.iter_mut() {
        let Some(places) = part.stack.as_ref().and_then(|stack| stacks.get(stack)) else { continue };
        let own: HashMap<Place, Option<f64>> = part.points.drain(..).collect();
        part.points.extend(places.iter().map(|place| (place.clone(), own.get(place).copied().flatten())));
    }
}

/// Turns the values of percentage series into shares of what stands at the same place.
pub(super) fn share(drawn: &mut [Drawn]) {
    let mut sums: HashMap<(Option<String>, Place), f64> = HashMap::new();
    for part in drawn.iter().filter(|part| part.percent) {
        for (place, value) in &part.points {
            *sums.entry((part.stack.clone(), place.clone())).or_default() += value.unwrap_or(0.0);
        }
    }
    for part in drawn.iter_mut().filter(|part| part.percent) {
        for (place, value) in &mut part.points {
            let sum = sums.get(&(part.stack.clone(), place.clone())).copied().unwrap_or(0.0);
            *value = value.filter(|_| sum > 0.0).map(|value| value / sum);
        }
    }
}

/// Whether all values of an axis are whole numbers.
pub(super) fn whole(drawn: &[Drawn], axis: usize) -> bool {
    let values = drawn.iter().filter(|part| part.axis == axis).flat_map(|part| &part.points);
    values.filter_map(|(_, value)| *value).all(|value| value.fract() == 0.0)
}

/// The highest point of an axis, stacks added up.
pub(super) fn top(drawn: &[Drawn], axis: usize) -> f64 {
    let mut heights: HashMap<(&str, &Place), f64> = HashMap::new();
    for part in drawn.iter().filter(|part| part.axis == axis) {
        for (place, value) in &part.points {
            let height = heights.entry((part.stack.as_deref().unwrap_or(&part.id), place)).or_default();
            *height += value.unwrap_or(0.0);
        }
    }
    heights.into_values().fold(0.0, f64::max)
}

impl Drawn {
    /// Takes out the empty bucket that begins where the range ends: a line that falls to it would be read as an outage.
    pub(super) fn end_at(&mut self, end: i64) {
        let is_empty = |value: &Option<f64>| value.is_none_or(|value| value == 0.0);
        self.points
            .retain(|(place, value)| !(is_empty(value) && place.moment().is_some_and(|start| start >= end)));
    }

    /// In a stack of areas nothing is a zero: a gap would let those above it fall.
    pub(super) fn fill_stack(&mut self) {
        if self.stack.is_some() && self.shape.is_area() {
            self.points.iter_mut().for_each(|(_, value)| *value = value.or(Some(0.0)));
        }
    }

    /// What the legend and the tooltip say of it.
    pub(super) fn about(&self) -> Json {
        json!({
            "id": self.id, "name": self.name, "color": self.color, "filter": self.filter,
            "format": self.format, "stacked": self.stack.is_some(),
        })
    }

    /// The series as ECharts takes it.
    pub(super) fn option(&self, xy: &Xy, shift: i64, categories: &[String], horizontal: bool) -> Json {
        let bridged =
            xy.fitting_function.as_deref().is_some_and(|fitting| !matches!(fitting, "None" | "Zero"));
        let mut json = json!({
            "id": self.id,
            "name": self.name,
            "type": if self.shape.is_bar() { "bar" } else { "line" },
            "data": self.data(shift, categories, horizontal),
            "itemStyle": {"color": self.color},
            "stack": self.stack,
            "emphasis": {"focus": "series"},
        });
        json[if horizontal { "xAxisIndex" } else { "yAxisIndex" }] = json!(self.axis);
        if self.shape.is_bar() {
            json["barCategoryGap"] = json!("12%");
            json["barMinHeight"] = json!(0);
            return json;
        }
        json["showSymbol"] = json!(!bridged && self.lonely());
        json["symbolSize"] = json!(5);
        json["connectNulls"] = json!(bridged);
        json["lineStyle"] =
            json!({"color": self.color, "width": if self.stack.is_some() { 1.0 } else { 1.75 }});
        if self.shape.is_area() {
            json["areaStyle"] =
                json!({"color": self.color, "opacity": if self.stack.is_some() { 0.55 } else { 0.25 }});
        }
        // Curves of a stack would each bend in their own way, and leave gaps between them.
        if self.stack.is_none() && xy.curve_type.as_deref().is_some_and(|curve| curve.starts_with("CURVE")) {
            json["smooth"] = json!(0.35);
            json["smoothMonotone"] = json!("x");
        }
        json
    }

    /// A point with gaps on both sides is no line; it shows only with a symbol.
    fn lonely(&self) -> bool {
        let there = |at: usize| self.points.get(at).is_some_and(|(_, value)| value.is_some());
        (0..self.points.len()).any(|at| there(at) && !(at > 0 && there(at - 1)) && !there(at + 1))
    }

    fn data(&self, shift: i64, categories: &[String], horizontal: bool) -> Vec<Json> {
        let pair = |place: Json, value: &Option<f64>| {
            if horizontal { json!([value, place]) } else { json!([place, value]) }
        };
        let point = |(place, value): &(Place, Option<f64>)| match place {
            Place::Moment(moment) => pair(json!(moment + shift), value),
            Place::Name(name) => pair(json!(categories.iter().position(|known| known == name)), value),
        };
        self.points.iter().map(point).collect()
    }
}
