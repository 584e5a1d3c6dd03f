//! TSVB panels (`metrics`): series with their own documents and splits.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::columns::{Columns, number, order_by};
use super::series::{add, column_id};
use super::{Picture, Sheet};
use crate::lens::board::DataView;
use crate::lens::fault::Unsupported;
use crate::lens::saved::panel::Saved;
use crate::lens::saved::{conditions, text};

/// Columns of buckets, the same in every layer.
const SPLIT: &str = "split";
const TIME: &str = "time";

/// The picture of a panel with these `params`.
pub(super) fn picture(saved: &Saved, params: &Json) -> Result<Picture, Unsupported> {
    let kind = text(params, "type");
    if !["timeseries", "metric", "top_n", "gauge", "table"].contains(&kind.as_str()) {
        return Err(Unsupported::new(format!("a TSVB panel of type `{kind}`")));
    }
    let mut panel = Panel { saved, params, layers: Vec::new() };
    let series = params["series"].as_array().into_iter().flatten();
    for (place, series) in series.enumerate().filter(|(_, series)| series["hidden"] != true) {
        panel.add(series, place)?;
    }
    let (kind, state) = match kind.as_str() {
        "timeseries" => ("lnsXY", panel.xy(Some(TIME))),
        "top_n" => ("lnsXY", panel.xy(None)),
        "table" => ("lnsDatatable", panel.table()?),
        kind => panel.number(kind)?,
    };
    Ok(Picture { kind, state, sheets: panel.layers.into_iter().map(|layer| layer.sheet).collect() })
}

struct Panel<'s> {
    saved: &'s Saved<'s>,
    params: &'s Json,
    layers: Vec<Layer>,
}

/// Series that are drawn alike from the same documents.
struct Layer {
    sheet: Sheet,
    wanted: Wanted,
    /// Measures with colour and axis.
    shown: Vec<Json>,
}

/// What series must have in common to be asked for at once.
#[derive(PartialEq)]
struct Wanted {
    data_view: Arc<DataView>,
    /// Shape and stacking, as Lens names them.
    series_type: String,
    interval: String,
    has_time: bool,
    drops_last: bool,
    is_split: bool,
}

impl Panel<'_> {
    fn add(&mut self, series: &Json, place: usize) -> Result<(), Unsupported> {
        let wanted = self.wanted(series)?;
        let is_shared = |layer: &Layer| !wanted.is_split && layer.wanted == wanted;
        let at = match self.layers.iter().position(is_shared) {
            Some(at) => at,
            None => self.open(series, place, wanted)?,
        };
        let layer = &mut self.layers[at];
        // Series that share their documents each have their own filter.
        let filter = if layer.wanted.is_split { Json::Null } else { query(&series["filter"]) };
        let color = series["color"].as_str().filter(|_| !layer.wanted.is_split);
        let is_right = is_on(&series["separate_axis"]) && series["axis_position"] == "right";
        let axis = if is_right { "right" } else { "left" };
        for id in add(&mut layer.sheet.columns, series, place, &filter)? {
            layer.shown.push(json!({"forAccessor": id, "color": color, "axisMode": axis}));
        }
        if layer.wanted.is_split && series["split_mode"] == "terms" {
            order_by_count(&mut layer.sheet.columns, series, place);
        }
        Ok(())
    }

    fn wanted(&self, series: &Json) -> Result<Wanted, Unsupported> {
        let is_own = is_on(&series["override_index_pattern"]);
        let (holder, prefix) = if is_own { (series, "series_") } else { (self.params, "") };
        let interval = text(holder, &format!("{prefix}interval"));
        let is_series = self.params["type"] == "timeseries";
        Ok(Wanted {
            data_view: self.data_view(holder, prefix)?,
            series_type: self.series_type(series),
            interval: if interval.is_empty() { "auto".to_owned() } else { interval },
            has_time: is_series || holder["time_range_mode"] != "entire_time_range",
            drops_last: is_on(&holder[format!("{prefix}drop_last_bucket")]),
            is_split: match series["split_mode"].as_str() {
                // Without a field TSVB does not split either.
                Some("terms") => !series["terms_field"].is_null() && series["terms_field"] != "",
                mode => mode == Some("filters"),
            },
        })
    }

    /// Makes a layer, whose buckets come first; its place.
    fn open(&mut self, series: &Json, place: usize, wanted: Wanted) -> Result<usize, Unsupported> {
        let mut sheet = self.sheet(Arc::clone(&wanted.data_view))?;
        if wanted.is_split {
            let (filter, _) = conditions(&query(&series["filter"]), &Json::Null)?;
            sheet.query = sheet.query.and(filter);
            split(&mut sheet.columns, series, place)?;
        }
        if self.params["type"] == "table" {
            self.pivot(&mut sheet.columns)?;
        }
        if wanted.has_time {
            sheet.last_bucket = self.params["type"] != "timeseries";
            let settings = json!({"interval": wanted.interval, "includeEmptyRows": true, "dropPartials": wanted.drops_last});
            let field = &wanted.data_view.time_field;
            let column = json!({"sourceField": field, "label": field, "params": settings});
            sheet.columns.bucket(TIME, "date_histogram", column);
        }
        self.layers.push(Layer { sheet, wanted, shown: Vec::new() });
        Ok(self.layers.len() - 1)
    }

    fn sheet(&self, data_view: Arc<DataView>) -> Result<Sheet, Unsupported> {
        let (of_panel, _) = conditions(&query(&self.params["filter"]), &Json::Null)?;
        let (around, filters) = conditions(&self.saved.config["query"], &self.saved.config["filters"])?;
        Ok(Sheet {
            id: format!("l{}", self.layers.len()),
            columns: Columns::default(),
            data_view,
            query: of_panel.and(around),
            filters,
            last_bucket: false,
            largest_first: self.params["type"] == "top_n",
            ignores_board: is_on(&self.params["ignore_global_filter"]),
        })
    }

    /// `prefix` is that of a series that has documents of its own.
    fn data_view(&self, holder: &Json, prefix: &str) -> Result<Arc<DataView>, Unsupported> {
        let named = |key: &str| &holder[format!("{prefix}{key}")];
        let found = match (named("index_pattern_ref_name").as_str(), named("index_pattern")["id"].as_str()) {
            (Some(name), _) => self.saved.objects.data_view(self.saved.reference(name).unwrap_or(name))?,
            (None, Some(id)) => self.saved.objects.data_view(id)?,
            (None, None) => self.index(named("index_pattern"))?,
        };
        match named("time_field").as_str().filter(|field| !field.is_empty()) {
            Some(field) if found.time_field.as_deref() != Some(field) => {
                Ok(Arc::new(DataView { time_field: Some(field.to_owned()), ..DataView::clone(&found) }))
            }
            _ if found.time_field.is_none() => Err(Unsupported::new("a TSVB panel without a time field")),
            _ => Ok(found),
        }
    }

    /// By an index expression; where it is empty, what was Kibana's default when the panel was saved.
    fn index(&self, written: &Json) -> Result<Arc<DataView>, Unsupported> {
        let mut texts = [written, &self.params["default_index_pattern"]].into_iter().filter_map(Json::as_str);
        let title = texts.find(|text| !text.is_empty());
        let title = title.ok_or_else(|| Unsupported::new("a TSVB panel without a data view"))?;
        Ok(self.saved.objects.data_view_titled(title))
    }

    /// Shape and stacking, as Lens names them.
    fn series_type(&self, series: &Json) -> String {
        if self.params["type"] != "timeseries" {
            return "bar_horizontal".to_owned();
        }
        let stacking = match series["stacked"].as_str() {
            Some("percent") => "_percentage_stacked",
            Some("stacked" | "stacked_within_series") => "_stacked",
            _ => "",
        };
        let is_filled = number(&series["fill"]).is_some_and(|fill| fill > 0.0) || !stacking.is_empty();
        match series["chart_type"].as_str() {
            Some("bar") => format!("bar{stacking}"),
            _ if is_filled => format!("area{stacking}"),
            _ => "line".to_owned(),
        }
    }

    /// Rows of a table.
    fn pivot(&self, columns: &mut Columns) -> Result<(), Unsupported> {
        let field = text(self.params, "pivot_id");
        if field.is_empty() {
            return Err(Unsupported::new("a TSVB table without a field for its rows"));
        }
        let size = number(&self.params["pivot_rows"]).unwrap_or(10.0);
        let label = self.params["pivot_label"].as_str().filter(|label| !label.is_empty()).unwrap_or(&field);
        let settings =
            json!({"size": size as u64, "orderBy": order_by(Some(COUNT)), "orderDirection": "desc"});
        columns.bucket(SPLIT, "terms", json!({"sourceField": field, "label": label, "params": settings}));
        columns.measure(COUNT, "count", json!({"sourceField": "___records___", "label": "Count"}));
        Ok(())
    }

    fn xy(&self, x: Option<&str>) -> Json {
        let layers = self.layers.iter().map(|layer| {
            let split = layer.wanted.is_split.then_some(SPLIT);
            let (x, split) = if x.is_some() { (x, split) } else { (split, None) };
            let accessors: Vec<&Json> = layer.shown.iter().map(|shown| &shown["forAccessor"]).collect();
            json!({"layerType": "data", "layerId": layer.sheet.id, "seriesType": layer.wanted.series_type, "xAccessor": x,
                "splitAccessor": split, "accessors": accessors, "yConfig": layer.shown})
        });
        let ends = ["axis_min", "axis_max"].map(|key| number(&self.params[key]));
        let extent = ends.iter().any(Option::is_some).then_some("custom");
        // Bars that are named under themselves need no legend.
        let is_named = x.is_none() && self.layers.iter().all(|layer| layer.wanted.is_split);
        json!({
            "layers": layers.collect::<Vec<_>>(),
            "legend": {"isVisible": !is_named && self.params["show_legend"] != 0, "position": self.params["legend_position"].as_str().unwrap_or("right")},
            "yLeftExtent": {"mode": extent, "lowerBound": ends[0], "upperBound": ends[1]},
            "yLeftScale": (self.params["axis_scale"] == "log").then_some("log"),
        })
    }

    fn one_layer(&self) -> Result<&Layer, Unsupported> {
        match self.layers.as_slice() {
            [layer] => Ok(layer),
            several => Err(Unsupported::new(format!(
                "numbers from {} searches side by side in a TSVB panel",
                several.len()
            ))),
        }
    }

    fn table(&self) -> Result<Json, Unsupported> {
        let layer = self.one_layer()?;
        if layer.wanted.is_split {
            return Err(Unsupported::new("a TSVB table with split columns"));
        }
        let columns =
            std::iter::once(json!(SPLIT)).chain(layer.shown.iter().map(|shown| shown["forAccessor"].clone()));
        Ok(
            json!({"layerId": layer.sheet.id, "columns": columns.map(|id| json!({"columnId": id})).collect::<Vec<_>>()}),
        )
    }

    /// The first number, large, and the second one; a gauge with a known end is drawn as such.
    fn number(&mut self, kind: &str) -> Result<(&'static str, Json), Unsupported> {
        let layer = self.one_layer()?;
        let (id, split) = (layer.sheet.id.clone(), layer.wanted.is_split.then_some(SPLIT));
        let accessors: Vec<Json> = layer.shown.iter().map(|shown| shown["forAccessor"].clone()).collect();
        let max = number(&self.params["gauge_max"]).filter(|_| kind == "gauge" && split.is_none());
        let Some(max) = max else {
            return Ok((
                "lnsMetric",
                json!({"layerId": id, "metricAccessor": accessors.first(),
                "secondaryMetricAccessor": accessors.get(1), "breakdownByAccessor": split}),
            ));
        };
        let column = json!({"label": "Max", "params": {"value": max}});
        self.layers[0].sheet.columns.measure("max", "static_value", column);
        Ok((
            "lnsGauge",
            json!({"layerId": id, "shape": "semiCircle", "metricAccessor": accessors.first(), "maxAccessor": "max"}),
        ))
    }
}

/// A column that only orders others.
const COUNT: &str = "count-for-order";

fn split(columns: &mut Columns, series: &Json, place: usize) -> Result<(), Unsupported> {
    if series["split_mode"] == "filters" {
        let filters = series["split_filters"].as_array().into_iter().flatten();
        let filters =
            filters.map(|filter| json!({"label": filter["label"], "input": query(&filter["filter"])}));
        columns.bucket(
            SPLIT,
            "filters",
            json!({"label": "Filters", "params": {"filters": filters.collect::<Vec<_>>()}}),
        );
        return Ok(());
    }
    let field = match &series["terms_field"] {
        Json::String(field) => field.as_str(),
        Json::Array(fields) => match fields.as_slice() {
            [Json::String(field)] => field,
            _ => return Err(Unsupported::new("values of several fields in one column")),
        },
        _ => return Err(Unsupported::new("a split by terms without a field")),
    };
    let measure = match series["terms_order_by"].as_str() {
        Some("_key" | "_term") => None,
        _ => Some(ordering(series, place).unwrap_or_else(|| COUNT.to_owned())),
    };
    let list = |key: &str| series[key].as_str().filter(|regex| !regex.is_empty()).map(|regex| json!([regex]));
    let settings = json!({
        "size": number(&series["terms_size"]).map_or(10, |size| size as u64),
        "orderBy": order_by(measure.as_deref()),
        "orderDirection": series["terms_direction"].as_str().unwrap_or("desc"),
        "include": list("terms_include"), "includeIsRegex": true,
        "exclude": list("terms_exclude"), "excludeIsRegex": true,
    });
    columns.bucket(SPLIT, "terms", json!({"sourceField": field, "label": field, "params": settings}));
    Ok(())
}

/// The metric that orders the terms of a series, where engines can order by it; else they are ordered by their documents.
fn ordering(series: &Json, place: usize) -> Option<String> {
    let by = series["terms_order_by"].as_str()?;
    let metric = series["metrics"].as_array()?.iter().find(|metric| metric["id"] == by)?;
    let kind = metric["type"].as_str()?;
    ["avg", "sum", "min", "max", "count", "cardinality", "value_count"]
        .contains(&kind)
        .then(|| column_id(place, by))
}

fn order_by_count(columns: &mut Columns, series: &Json, place: usize) {
    if ordering(series, place).is_none() && !columns.has(COUNT) {
        columns.measure(COUNT, "count", json!({"sourceField": "___records___", "label": "Count"}));
    }
}

/// A query as old files write it: an object, or text in Lucene.
fn query(written: &Json) -> Json {
    match written {
        Json::String(text) => json!({"language": "lucene", "query": text}),
        Json::Object(_) => written.clone(),
        _ => Json::Null,
    }
}

/// Switches are 0 and 1, or words for them.
fn is_on(written: &Json) -> bool {
    *written == true || number(written).is_some_and(|number| number != 0.0)
}
