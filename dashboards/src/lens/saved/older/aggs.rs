//! Classic visualizations: `aggs` with the part that each plays in the picture.

use serde_json::{Value as Json, json};

use super::columns::{number, order_by};
use super::{Picture, Sheet};
use crate::lens::fault::Unsupported;
use crate::lens::saved::text;

/// The picture of `state` over the documents of `source`.
pub(super) fn picture(kind: &str, state: &Json, source: &Sheet) -> Result<Picture, Unsupported> {
    let aggs = match &state["aggs"] {
        Json::Array(aggs) if !aggs.is_empty() => aggs,
        _ => state["data"]["aggs"]
            .as_array()
            .ok_or_else(|| Unsupported::new("a visualization without aggregations"))?,
    };
    let mut roles = Roles { sheet: source.clone(), measures: Vec::new(), buckets: Vec::new() };
    let enabled = || aggs.iter().filter(|agg| agg["enabled"] != false);
    for agg in enabled().filter(|agg| agg["schema"] != "metric") {
        roles.bucket(agg)?;
    }
    for agg in enabled().filter(|agg| agg["schema"] == "metric") {
        roles.measure(agg)?;
    }
    let (kind, state) = match kind {
        "pie" => ("lnsPie", roles.pie(&state["params"])?),
        "table" => ("lnsDatatable", roles.table()?),
        "metric" => return roles.metric(),
        "tagcloud" => ("lnsTagcloud", roles.tags()?),
        "heatmap" => ("lnsHeatmap", roles.heatmap()?),
        shape => ("lnsXY", roles.xy(shape, &state["params"])?),
    };
    Ok(Picture { kind, state, sheets: vec![roles.sheet] })
}

struct Roles {
    sheet: Sheet,
    /// Column and the aggregation it comes from.
    measures: Vec<(String, String)>,
    /// Column and its part in the picture.
    buckets: Vec<(String, String)>,
}

fn column_id(agg: &str) -> String {
    format!("agg-{agg}")
}

/// The label someone gave, or what Kibana says.
fn label(params: &Json, otherwise: String) -> String {
    params["customLabel"].as_str().filter(|label| !label.is_empty()).map_or(otherwise, str::to_owned)
}

impl Roles {
    fn bucket(&mut self, agg: &Json) -> Result<(), Unsupported> {
        let (params, kind) = (&agg["params"], text(agg, "type"));
        let (id, field) = (column_id(&text(agg, "id")), text(params, "field"));
        let said = label(params, field.clone());
        let (operation, column) = match kind.as_str() {
            "terms" => {
                let mut settings = terms(params)?;
                if params["orderBy"] == "custom" {
                    let (operation, mut column) = engine(&params["orderAgg"])?;
                    column["operationType"] = json!(operation);
                    settings["orderAgg"] = column;
                }
                ("terms", json!({"sourceField": field, "label": said, "params": settings}))
            }
            "date_histogram" => {
                let settings = json!({
                    "interval": interval(params)?,
                    "includeEmptyRows": params["min_doc_count"] == 0,
                    "dropPartials": params["drop_partials"],
                });
                ("date_histogram", json!({"sourceField": field, "label": said, "params": settings}))
            }
            "filters" => ("filters", json!({"label": said, "params": {"filters": params["filters"]}})),
            "range" => {
                let settings = json!({"type": "range", "ranges": params["ranges"]});
                ("range", json!({"sourceField": field, "label": said, "params": settings}))
            }
            "histogram" if matches!(params["interval"].as_str(), Some("auto")) => {
                let settings = json!({"type": "histogram", "maxBars": params["maxBars"]});
                ("range", json!({"sourceField": field, "label": said, "params": settings}))
            }
            other => {
                return Err(Unsupported::new(format!(
                    "the aggregation `{other}` of a classic visualization"
                )));
            }
        };
        self.sheet.columns.bucket(&id, operation, column);
        self.buckets.push((id, text(agg, "schema")));
        Ok(())
    }

    fn measure(&mut self, agg: &Json) -> Result<(), Unsupported> {
        let (params, id) = (&agg["params"], text(agg, "id"));
        if agg["type"] == "percentiles" {
            return self.percentiles(&id, &text(params, "field"), params);
        }
        let (operation, column) = engine(agg)?;
        self.sheet.columns.measure(&column_id(&id), operation, column);
        self.measures.push((column_id(&id), id));
        Ok(())
    }

    fn percentiles(&mut self, id: &str, field: &str, params: &Json) -> Result<(), Unsupported> {
        let percents = params["percents"].as_array().map(Vec::as_slice).unwrap_or_default();
        for percent in percents.iter().filter_map(number) {
            let column = column_id(&format!("{id}.{percent}"));
            let said = format!("{percent}th percentile of {}", label(params, field.to_owned()));
            let body = json!({"sourceField": field, "label": said, "params": {"percentile": percent}});
            self.sheet.columns.measure(&column, "percentile", body);
            self.measures.push((column, id.to_owned()));
        }
        Ok(())
    }

    /// Columns with this part in the picture.
    fn with(&self, schema: &str) -> Vec<&str> {
        self.buckets.iter().filter(|(_, own)| own == schema).map(|(id, _)| id.as_str()).collect()
    }

    /// Refuses what has no place in the picture.
    fn only(&self, schemas: &[&str]) -> Result<(), Unsupported> {
        match self.buckets.iter().find(|(_, schema)| !schemas.contains(&schema.as_str())) {
            None => Ok(()),
            Some((_, schema)) if schema == "split" => {
                Err(Unsupported::new("a picture for each value (split chart)"))
            }
            Some((_, schema)) => Err(Unsupported::new(format!("an aggregation as `{schema}`"))),
        }
    }

    fn all_measures(&self) -> Vec<&str> {
        self.measures.iter().map(|(id, _)| id.as_str()).collect()
    }

    fn one_measure(&self) -> Result<&str, Unsupported> {
        match self.all_measures().as_slice() {
            [id] => Ok(id),
            several => Err(Unsupported::new(format!("{} numbers where one is drawn", several.len()))),
        }
    }

    fn pie(&self, params: &Json) -> Result<Json, Unsupported> {
        self.only(&["segment"])?;
        let legend = if params["addLegend"] == false { "hide" } else { "show" };
        let layer = json!({"layerId": "l", "primaryGroups": self.with("segment"), "metrics": [self.one_measure()?], "legendDisplay": legend});
        Ok(json!({"shape": if params["isDonut"] == true { "donut" } else { "pie" }, "layers": [layer]}))
    }

    fn table(&self) -> Result<Json, Unsupported> {
        self.only(&["bucket"])?;
        let columns = self.with("bucket").into_iter().chain(self.all_measures());
        Ok(json!({"layerId": "l", "columns": columns.map(|id| json!({"columnId": id})).collect::<Vec<_>>()}))
    }

    /// One number is a tile; several are a table.
    fn metric(self) -> Result<Picture, Unsupported> {
        self.only(&["group"])?;
        let measures = self.all_measures();
        let (kind, state) = match (measures.as_slice(), self.with("group").as_slice()) {
            ([number], []) => ("lnsMetric", json!({"layerId": "l", "metricAccessor": number})),
            ([number], [group]) => {
                ("lnsMetric", json!({"layerId": "l", "metricAccessor": number, "breakdownByAccessor": group}))
            }
            (numbers, groups) => {
                let columns = groups.iter().chain(numbers).map(|id| json!({"columnId": id}));
                ("lnsDatatable", json!({"layerId": "l", "columns": columns.collect::<Vec<_>>()}))
            }
        };
        Ok(Picture { kind, state, sheets: vec![self.sheet] })
    }

    fn tags(&self) -> Result<Json, Unsupported> {
        self.only(&["segment"])?;
        Ok(
            json!({"layerId": "l", "tagAccessor": self.with("segment").first(), "valueAccessor": self.one_measure()?}),
        )
    }

    fn heatmap(&self) -> Result<Json, Unsupported> {
        self.only(&["segment", "group"])?;
        let (x, y) = (self.with("segment"), self.with("group"));
        Ok(
            json!({"layerId": "l", "xAccessor": x.first(), "yAccessor": y.first(), "valueAccessor": self.one_measure()?}),
        )
    }

    fn xy(&self, shape: &str, params: &Json) -> Result<Json, Unsupported> {
        // A chart for each value shows what one chart with a series for each value shows.
        self.only(&["segment", "group", "split"])?;
        let (x, mut split) = (self.with("segment"), self.with("group"));
        split.extend(self.with("split"));
        if x.len() > 1 || split.len() > 1 {
            return Err(Unsupported::new("several columns on one axis, or that split it"));
        }
        // Numbers of one shape make a layer.
        let mut layers: Vec<Json> = Vec::new();
        for (id, agg) in &self.measures {
            let (kind, right) = series_type(shape, params, agg)?;
            let config = json!({"forAccessor": id, "axisMode": if right { "right" } else { "left" }});
            match layers.iter_mut().find(|layer| layer["seriesType"] == kind.as_str()) {
                Some(layer) => {
                    push(&mut layer["accessors"], json!(id));
                    push(&mut layer["yConfig"], config);
                }
                None => layers
                    .push(json!({"layerType": "data", "layerId": "l", "seriesType": kind, "accessors": [id],
                    "yConfig": [config], "xAccessor": x.first(), "splitAccessor": split.first()})),
            }
        }
        let position = params["legendPosition"].as_str().unwrap_or("right");
        let legend = json!({"isVisible": params["addLegend"] != false, "position": position});
        Ok(json!({"layers": layers, "legend": legend}))
    }
}

fn push(list: &mut Json, entry: Json) {
    if let Some(list) = list.as_array_mut() {
        list.push(entry);
    }
}

/// A number the engine computes: the operation of Lens, and its column.
fn engine(agg: &Json) -> Result<(&'static str, Json), Unsupported> {
    let (params, kind) = (&agg["params"], text(agg, "type"));
    let field = text(params, "field");
    let is_last = number(&params["size"]).is_none_or(|size| size == 1.0) && params["sortOrder"] != "asc";
    let (operation, said) = match kind.as_str() {
        "count" => ("count", "Count".to_owned()),
        "avg" => ("average", format!("Average {field}")),
        "sum" => ("sum", format!("Sum of {field}")),
        "min" => ("min", format!("Min {field}")),
        "max" => ("max", format!("Max {field}")),
        "median" => ("median", format!("Median {field}")),
        "cardinality" => ("unique_count", format!("Unique count of {field}")),
        "value_count" => ("count", format!("Value count of {field}")),
        "top_hits" if is_last => ("last_value", format!("Last {field}")),
        other => {
            return Err(Unsupported::new(format!("the aggregation `{other}` of a classic visualization")));
        }
    };
    let field = if kind == "count" { "___records___" } else { &field };
    let sort = &params["sortField"];
    let sort = sort["name"].as_str().or(sort.as_str());
    Ok((
        operation,
        json!({"sourceField": field, "label": label(params, said), "params": {"sortField": sort}}),
    ))
}

/// Shape and stacking of the series of an aggregation, as Lens names them, and whether its axis is the right one.
fn series_type(shape: &str, params: &Json, agg: &str) -> Result<(String, bool), Unsupported> {
    let own = params["seriesParams"].as_array().into_iter().flatten().find(|own| own["data"]["id"] == agg);
    let written = own.and_then(|own| own["type"].as_str()).unwrap_or(shape);
    let axis = own
        .and_then(|own| params["valueAxes"].as_array()?.iter().find(|axis| axis["id"] == own["valueAxis"]));
    let mode = own.unwrap_or(params)["mode"].as_str().unwrap_or_default();
    let is_percent = mode == "percentage" || axis.is_some_and(|axis| axis["scale"]["mode"] == "percentage");
    let bar = if shape == "horizontal_bar" { "bar_horizontal" } else { "bar" };
    let name = match written {
        "line" => return Ok(("line".to_owned(), is_right(axis))),
        "area" => "area",
        "histogram" | "horizontal_bar" | "bar" => bar,
        other => return Err(Unsupported::new(format!("a series drawn as `{other}`"))),
    };
    let stacking = match (is_percent, mode) {
        (true, _) => "_percentage_stacked",
        (_, "stacked") => "_stacked",
        _ => "",
    };
    Ok((format!("{name}{stacking}"), is_right(axis)))
}

fn is_right(axis: Option<&Json>) -> bool {
    axis.is_some_and(|axis| axis["position"] == "right")
}

fn terms(params: &Json) -> Result<Json, Unsupported> {
    let order = match params["orderBy"].as_str().unwrap_or("_key") {
        "_key" | "_term" => order_by(None),
        "custom" => json!({"type": "custom"}),
        id => order_by(Some(&column_id(id))),
    };
    let list = |key: &str| params[key].as_str().filter(|regex| !regex.is_empty()).map(|regex| json!([regex]));
    Ok(json!({
        "size": params["size"].as_u64().unwrap_or(5),
        "orderBy": order,
        "orderDirection": params["order"],
        "otherBucket": params["otherBucket"],
        "missingBucket": params["missingBucket"],
        "include": list("include"), "includeIsRegex": true,
        "exclude": list("exclude"), "excludeIsRegex": true,
    }))
}

fn interval(params: &Json) -> Result<String, Unsupported> {
    Ok(match params["interval"].as_str().unwrap_or("auto") {
        "second" => "1s",
        "minute" => "1m",
        "hour" => "1h",
        "day" => "1d",
        "week" => "1w",
        "month" => "1M",
        "year" => "1y",
        "custom" => return Ok(text(params, "customInterval")),
        text => text,
    }
    .to_owned())
}
