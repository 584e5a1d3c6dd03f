//! Saved objects in small: columns, panels, files.

use dashboards::lens::{
    AnswerError, Board, Boards, Context, Figures, Panel, Request, Step, Table, TimeRange,
};
use serde_json::{Map, Value, json};

/// 2026-11-24T13:45:30.250Z.
pub const NOW: i64 = 1_795_527_930_250;

/// Columns by id, in their order.
pub type Columns<'c> = &'c [(&'c str, Value)];

/// `base` with the keys of `more` put into it, one level deep for `params`.
pub fn with(mut base: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        match (key.as_str(), value) {
            ("params", Value::Object(params)) => {
                base["params"].as_object_mut().expect("params").extend(params.clone());
            }
            (key, value) => base[key] = value.clone(),
        }
    }
    base
}

fn column(operation: &str, data_type: &str, bucketed: bool, params: Value) -> Value {
    json!({"label": operation, "dataType": data_type, "operationType": operation, "isBucketed": bucketed, "params": params})
}

pub fn count() -> Value {
    with(
        column("count", "number", false, json!({"emptyAsNull": false})),
        json!({"sourceField": "___records___"}),
    )
}

/// A function of a field.
pub fn of(operation: &str, field: &str) -> Value {
    with(column(operation, "number", false, json!({})), json!({"sourceField": field}))
}

pub fn percentile(field: &str, percentile: f64) -> Value {
    with(of("percentile", field), json!({"params": {"percentile": percentile}}))
}

/// The last value of a keyword field.
pub fn last(field: &str) -> Value {
    with(
        of("last_value", field),
        json!({"dataType": "string", "params": {"sortField": "@timestamp"}, "filter": kql(&format!("{field}: *"))}),
    )
}

pub fn kql(query: &str) -> Value {
    json!({"language": "kuery", "query": query})
}

pub fn filtered(base: Value, query: &str) -> Value {
    with(base, json!({"filter": kql(query)}))
}

pub fn time(interval: &str) -> Value {
    let params = json!({"interval": interval, "includeEmptyRows": true, "dropPartials": false});
    with(column("date_histogram", "date", true, params), json!({"sourceField": "@timestamp"}))
}

/// The most frequent values of a field, by the column `by`.
pub fn terms(field: &str, size: u32, by: &str) -> Value {
    let params = json!({
        "size": size, "orderBy": {"type": "column", "columnId": by}, "orderDirection": "desc", "otherBucket": false,
        "missingBucket": false, "parentFormat": {"id": "terms"}, "include": [], "exclude": [], "includeIsRegex": false,
        "excludeIsRegex": false,
    });
    with(column("terms", "string", true, params), json!({"sourceField": field}))
}

pub fn filters(filters: &[(&str, &str)]) -> Value {
    let filters: Vec<Value> =
        filters.iter().map(|(label, query)| json!({"label": label, "input": kql(query)})).collect();
    column("filters", "string", true, json!({"filters": filters}))
}

pub fn ranges(field: &str, ranges: &[(Option<f64>, Option<f64>, &str)]) -> Value {
    let ranges: Vec<Value> =
        ranges.iter().map(|(from, to, label)| json!({"from": from, "to": to, "label": label})).collect();
    let params = json!({"type": "range", "ranges": ranges, "maxBars": "auto", "includeEmptyRows": true});
    with(column("range", "string", true, params), json!({"sourceField": field}))
}

pub fn steps(field: &str, bars: u32) -> Value {
    let params = json!({"type": "histogram", "ranges": [], "maxBars": bars, "includeEmptyRows": true});
    with(column("range", "number", true, params), json!({"sourceField": field}))
}

pub fn fixed(value: &str) -> Value {
    with(column("static_value", "number", false, json!({"value": value})), json!({"references": []}))
}

/// A formula whose last part is the column `part`.
pub fn formula(part: &str) -> Value {
    let params = json!({"formula": "…", "isFormulaBroken": false});
    with(column("formula", "number", false, params), json!({"references": [part]}))
}

/// What goes along the time, from the column `part`.
pub fn along(operation: &str, part: &str) -> Value {
    with(column(operation, "number", false, json!({})), json!({"references": [part]}))
}

/// Arithmetic of columns: a part of a formula.
pub fn math(name: &str, arguments: Value) -> Value {
    let tree = json!({"type": "function", "name": name, "args": arguments, "location": {"min": 0, "max": 1}, "text": ""});
    column("math", "number", false, json!({"tinymathAst": tree}))
}

pub fn layer(columns: Columns) -> Value {
    let order: Vec<&str> = columns.iter().map(|(id, _)| *id).collect();
    let by_id: Map<String, Value> =
        columns.iter().map(|(id, column)| ((*id).to_owned(), column.clone())).collect();
    json!({"columns": by_id, "columnOrder": order, "incompleteColumns": {}, "sampling": 1})
}

/// A Lens panel over the data view `logs`.
pub fn lens(kind: &str, layers: Value, visualization: Value) -> Value {
    let names = layers.as_object().expect("layers").keys();
    let references: Vec<Value> =
        names.map(|name| json!({"type": "index-pattern", "id": "logs", "name": format!("indexpattern-datasource-layer-{name}")})).collect();
    json!({"type": "lens", "panelIndex": "p", "title": "Panel", "gridData": {"x": 0, "y": 0, "w": 24, "h": 12, "i": "p"},
        "embeddableConfig": {"enhancements": {}, "attributes": {
            "title": "", "visualizationType": kind, "type": "lens", "references": references,
            "state": {"query": kql(""), "filters": [], "internalReferences": [], "adHocDataViews": {},
                "datasourceStates": {"formBased": {"layers": layers}}, "visualization": visualization}}}})
}

/// A datatable of all columns that are no parts of formulas (their ids hold an `X`).
pub fn datatable(columns: Columns) -> Value {
    let shown = columns.iter().filter(|(id, _)| !id.contains('X')).map(|(id, _)| json!({"columnId": id}));
    let visualization = json!({"layerId": "l", "layerType": "data", "columns": shown.collect::<Vec<_>>()});
    lens("lnsDatatable", json!({"l": layer(columns)}), visualization)
}

/// One line of a file.
pub fn object(kind: &str, id: &str, attributes: Value, references: Value) -> String {
    json!({"type": kind, "id": id, "attributes": attributes, "references": references, "managed": false})
        .to_string()
        + "\n"
}

pub fn data_view() -> String {
    let formats =
        json!({"took": {"id": "duration", "params": {"inputFormat": "nanoseconds", "outputPrecision": 1}}});
    let attributes = json!({"title": "logs-*", "timeFieldName": "@timestamp", "name": "Logs", "fieldFormatMap": formats.to_string()});
    object("index-pattern", "logs", attributes, json!([]))
}

/// A file with the data view and one board of these panels; the board's attributes can be changed by `more`.
pub fn file(panels: &[Value], more: Value) -> String {
    let source = json!({"query": kql(""), "filter": []});
    let attributes = json!({
        "title": "Board", "description": "", "panelsJSON": Value::from(panels.to_vec()).to_string(),
        "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()},
    });
    data_view() + &object("dashboard", "board", with(attributes, more), json!([]))
}

pub fn board(file: &str) -> Board {
    let boards = Boards::parse(file).unwrap_or_else(|error| panic!("{error}"));
    boards.boards.into_iter().next().expect("a board")
}

pub fn panel(written: Value) -> Panel {
    board(&file(&[written], json!({}))).panels.remove(0)
}

/// The last 15 minutes.
pub fn context() -> Context {
    Context::new(TimeRange::between(NOW - 15 * 60_000, NOW), NOW)
}

/// Asks until there is nothing more to ask.
pub fn ask(
    panel: &Panel,
    context: &Context,
    mut send: impl FnMut(&Request) -> Value,
) -> Result<Figures, AnswerError> {
    let mut step = panel.plan(context);
    loop {
        match step {
            Step::Done(figures) => return Ok(figures),
            Step::Ask(round) => {
                let answers = round.requests().iter().map(&mut send).collect();
                step = round.receive(answers)?;
            }
        }
    }
}

/// The tables of a chart.
pub fn tables(figures: Figures) -> Vec<Table> {
    match figures {
        Figures::Tables(tables) => tables,
        other => panic!("no tables: {other:?}"),
    }
}

/// Rows as text.
pub fn rows(table: &Table) -> Vec<Vec<String>> {
    table.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

/// The boards that are shipped, all files as one.
pub fn shipped() -> Boards {
    let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the crate's folder");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    let text: String = files.map(|path| std::fs::read_to_string(path).expect("text")).collect();
    Boards::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}
