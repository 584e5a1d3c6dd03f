//! A series of TSVB: metrics that are computed from each other, the last of which is shown.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::columns::{Columns, number};
use super::script;
use crate::lens::fault::Unsupported;
use crate::lens::saved::text;

/// Adds the columns of `series`, the `place`th of its panel; the ids of those that are shown.
///
/// `filter` holds for every number the engine computes.
pub(super) fn add(
    columns: &mut Columns,
    series: &Json,
    place: usize,
    filter: &Json,
) -> Result<Vec<String>, Unsupported> {
    let metrics = series["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut adding = Adding { columns, place, filter };
    let mut shown = Vec::new();
    for (at, metric) in metrics.iter().enumerate() {
        let is_last = at + 1 == metrics.len();
        let own = text(series, "label");
        let head = match is_last {
            true => Head { label: Some(own).filter(|own| !own.trim().is_empty()), format: format(series) },
            false => Head { label: None, format: Json::Null },
        };
        shown = adding.metric(metric, &head)?;
    }
    match shown.is_empty() {
        true => Err(Unsupported::new("a TSVB series without a metric")),
        false => Ok(shown),
    }
}

/// Id of a metric's column.
pub(super) fn column_id(place: usize, metric: &str) -> String {
    format!("{place}/{metric}")
}

struct Adding<'c> {
    columns: &'c mut Columns,
    place: usize,
    filter: &'c Json,
}

struct Head {
    label: Option<String>,
    format: Json,
}

impl Adding<'_> {
    fn metric(&mut self, metric: &Json, head: &Head) -> Result<Vec<String>, Unsupported> {
        let kind = text(metric, "type");
        match kind.as_str() {
            "count" => self.engine(metric, head, "count", "Count".to_owned(), json!({})),
            "avg" => self.of_field(metric, head, "average", "Average"),
            "sum" => self.of_field(metric, head, "sum", "Sum"),
            "min" => self.of_field(metric, head, "min", "Min"),
            "max" => self.of_field(metric, head, "max", "Max"),
            "cardinality" => self.of_field(metric, head, "unique_count", "Cardinality"),
            "value_count" => self.of_field(metric, head, "count", "Value Count"),
            "std_deviation" if metric["mode"] != "band" => {
                self.of_field(metric, head, "standard_deviation", "Std. Deviation")
            }
            "percentile" => self.percentiles(metric, head),
            "top_hit" => self.last_value(metric, head),
            "derivative" => {
                let per = metric["unit"].as_str().filter(|unit| !unit.is_empty());
                self.computed(metric, head, "derivative", "Derivative", json!({"per": per}))
            }
            "cumulative_sum" => self.computed(metric, head, "cumulative_sum", "Cumulative Sum", json!({})),
            "positive_only" => self.positive_only(metric, head),
            "math" | "calculation" => self.script(metric, head),
            other => Err(Unsupported::new(format!("the metric `{other}` of a TSVB panel"))),
        }
    }

    fn of_field(
        &mut self,
        metric: &Json,
        head: &Head,
        operation: &str,
        name: &str,
    ) -> Result<Vec<String>, Unsupported> {
        let label = format!("{name} of {}", text(metric, "field"));
        self.engine(metric, head, operation, label, json!({}))
    }

    /// A number the engine computes.
    fn engine(
        &mut self,
        metric: &Json,
        head: &Head,
        operation: &str,
        label: String,
        params: Json,
    ) -> Result<Vec<String>, Unsupported> {
        let id = column_id(self.place, &text(metric, "id"));
        let field = metric["field"].as_str().filter(|_| metric["type"] != "count").unwrap_or("___records___");
        let column = json!({"sourceField": field, "filter": self.filter});
        self.add(&id, operation, column, head, label, params);
        Ok(vec![id])
    }

    fn add(
        &mut self,
        id: &str,
        operation: &str,
        mut column: Json,
        head: &Head,
        label: String,
        mut params: Json,
    ) {
        if !head.format.is_null() {
            params["format"] = head.format.clone();
        }
        column["label"] = json!(head.label.clone().unwrap_or(label));
        column["params"] = params;
        self.columns.measure(id, operation, column);
    }

    fn percentiles(&mut self, metric: &Json, head: &Head) -> Result<Vec<String>, Unsupported> {
        let mut shown = Vec::new();
        for (at, part) in metric["percentiles"].as_array().into_iter().flatten().enumerate() {
            let percent = number(&part["value"]).filter(|_| part["mode"] != "band");
            let percent = percent.ok_or_else(|| Unsupported::new("a band of percentiles of a TSVB panel"))?;
            let id = column_id(self.place, &format!("{}/{at}", text(metric, "id")));
            let said = head.label.clone().unwrap_or_else(|| text(metric, "field"));
            let head = Head { label: None, format: head.format.clone() };
            let column = json!({"sourceField": metric["field"], "filter": self.filter});
            self.add(
                &id,
                "percentile",
                column,
                &head,
                format!("{said} ({percent})"),
                json!({"percentile": percent}),
            );
            shown.push(id);
        }
        Ok(shown)
    }

    fn last_value(&mut self, metric: &Json, head: &Head) -> Result<Vec<String>, Unsupported> {
        if number(&metric["size"]).is_some_and(|size| size != 1.0) || metric["order"] == "asc" {
            return Err(Unsupported::new("the metric `top_hit` of a TSVB panel other than the last value"));
        }
        let field = text(metric, "field");
        let only = holding(self.filter, &field);
        let label = format!("Last {field}");
        Adding { columns: &mut *self.columns, place: self.place, filter: &only }.engine(
            metric,
            head,
            "last_value",
            label,
            json!({"sortField": metric["order_by"]}),
        )
    }

    /// The column of a metric that another one names.
    fn part(&self, named: &Json) -> Result<String, Unsupported> {
        let id = column_id(self.place, named.as_str().unwrap_or_default());
        match self.columns.has(&id) {
            true => Ok(id),
            false => {
                Err(Unsupported::new(format!("the metric {named} of a TSVB panel, which the file lacks")))
            }
        }
    }

    fn computed(
        &mut self,
        metric: &Json,
        head: &Head,
        operation: &str,
        name: &str,
        params: Json,
    ) -> Result<Vec<String>, Unsupported> {
        let column = json!({"references": [self.part(&metric["field"])?]});
        let id = column_id(self.place, &text(metric, "id"));
        self.add(&id, operation, column, head, name.to_owned(), params);
        Ok(vec![id])
    }

    fn positive_only(&mut self, metric: &Json, head: &Head) -> Result<Vec<String>, Unsupported> {
        let of = self.part(&metric["field"])?;
        let tree = json!({"type": "function", "name": "pick_max", "args": [of, 0]});
        self.math(metric, head, "Positive only", tree, vec![of])
    }

    fn script(&mut self, metric: &Json, head: &Head) -> Result<Vec<String>, Unsupported> {
        let mut columns = BTreeMap::new();
        for variable in metric["variables"].as_array().into_iter().flatten() {
            columns.insert(text(variable, "name"), self.part(&variable["field"])?);
        }
        let tree = script::read(&text(metric, "script"), &columns)?;
        self.math(metric, head, "Math", tree, columns.into_values().collect())
    }

    fn math(
        &mut self,
        metric: &Json,
        head: &Head,
        name: &str,
        tree: Json,
        of: Vec<String>,
    ) -> Result<Vec<String>, Unsupported> {
        let id = column_id(self.place, &text(metric, "id"));
        self.add(&id, "math", json!({"references": of}), head, name.to_owned(), json!({"tinymathAst": tree}));
        Ok(vec![id])
    }
}

/// `filter`, and that a document has the field: other documents would hide the last value.
fn holding(filter: &Json, field: &str) -> Json {
    let text = filter["query"].as_str().filter(|text| !text.trim().is_empty());
    let language = filter["language"].as_str().unwrap_or("kuery");
    let has = if language == "kuery" { format!("{field}: *") } else { format!("_exists_:{field}") };
    let both = text.map_or_else(|| has.clone(), |text| format!("({text}) AND {has}"));
    json!({"language": language, "query": both})
}

/// How the numbers of a series are written, as Lens says it; null: as the data view does.
fn format(series: &Json) -> Json {
    let template = series["value_template"].as_str().unwrap_or_default();
    let suffix = template.strip_prefix("{{value}}").unwrap_or_default();
    let formatter = series["formatter"].as_str().unwrap_or("default");
    let named = |id: &str, params: Json| json!({"id": id, "params": params});
    match formatter {
        "default" | "" if suffix.is_empty() => Json::Null,
        "default" | "" | "number" => named("number", json!({"suffix": suffix})),
        "percent" | "bytes" => named(formatter, json!({"suffix": suffix})),
        text => match text.split(',').collect::<Vec<_>>().as_slice() {
            [from, _, decimals] => named(
                "duration",
                json!({"fromUnit": unit(from), "decimals": number(&json!(decimals)), "suffix": suffix}),
            ),
            _ => named("custom", json!({"pattern": text.trim_matches('\'')})),
        },
    }
}

fn unit(sign: &str) -> &'static str {
    match sign {
        "ns" => "nanoseconds",
        "us" => "microseconds",
        "ms" => "milliseconds",
        "m" => "minutes",
        "h" => "hours",
        "d" => "days",
        "w" => "weeks",
        "M" => "months",
        "Y" => "years",
        _ => "seconds",
    }
}
