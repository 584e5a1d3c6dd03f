//! Tables → what the browser draws.

use super::color::{Colors, by_value};
use super::{clause, format, gauge, heatmap, metric, pie, table, xy};
use dashboards::lens::{
    Column, ColumnKind, DataType, Decimals, Format, Interval, Palette, Table, TimeRange, TimeUnit, Unit,
    Value,
};
use dashboards::model::Color;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

const SECOND: i64 = 1000;

fn column(id: &str, kind: ColumnKind) -> Column {
    let (data_type, format) = match kind {
        ColumnKind::Time(_) => (DataType::Date, Format::Date),
        ColumnKind::Measure => (DataType::Number, Format::Number(Decimals::default())),
        _ => (DataType::Text, Format::Text),
    };
    let field = (kind == ColumnKind::Terms).then(|| "service.name".to_owned());
    Column { id: id.to_owned(), label: format!("the {id}"), data_type, format, kind, field }
}

fn time() -> Column {
    column("time", ColumnKind::Time(Interval::one(Unit::Second)))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn table_of(layer: &str, columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Table {
    Table { layer: layer.to_owned(), columns, rows, partial: None }
}

fn read<T: DeserializeOwned>(json: Json) -> T {
    serde_json::from_value(json).unwrap()
}

/// Two services over three seconds; the second has no value in the second of them.
fn services() -> Table {
    let rows = [("shop", [Some(1.0), Some(3.0), Some(1.0)]), ("stock", [Some(3.0), None, Some(1.0)])];
    let row = |name: &str, at: usize, value: Option<f64>| {
        vec![text(name), Value::Date(at as i64 * SECOND), value.map_or(Value::Null, Value::Number)]
    };
    let rows = rows.iter().flat_map(|(name, values)| {
        values.iter().enumerate().map(|(at, value)| row(name, at, *value)).collect::<Vec<_>>()
    });
    let columns = vec![column("split", ColumnKind::Terms), time(), column("n", ColumnKind::Measure)];
    table_of("data", columns, rows.collect())
}

fn drawn(series_type: &str, more: Json) -> Json {
    let layer = json!({
        "layerType": "data", "layerId": "data", "seriesType": series_type,
        "xAccessor": "time", "splitAccessor": "split", "accessors": ["n"],
    });
    let mut state = json!({"layers": [layer]});
    for (key, value) in more.as_object().unwrap() {
        state[key] = value.clone();
    }
    xy::draw(&read(state), &[services()], TimeRange::between(500, 2500), &Colors::default())
}

/// The axis of one measure of these values, in one series over three seconds.
fn axis(format: Format, values: [f64; 3]) -> Json {
    let rows = (0..).zip(values).map(|(at, value)| vec![Value::Date(at * SECOND), Value::Number(value)]);
    let measure = Column { format, ..column("n", ColumnKind::Measure) };
    let table = table_of("data", vec![time(), measure], rows.collect());
    let data = json!({"layerType": "data", "layerId": "data", "seriesType": "line", "xAccessor": "time", "accessors": ["n"]});
    let state = read(json!({"layers": [data]}));
    let drawing = xy::draw(&state, &[table], TimeRange::between(0, 3000), &Colors::default());
    drawing["option"]["yAxis"][0].clone()
}

fn points(drawing: &Json, at: usize) -> &Json {
    &drawing["option"]["series"][at]["data"]
}

#[test]
fn lines_break_where_there_is_no_value_and_stand_at_the_start_of_their_bucket() {
    let drawing = drawn("line", json!({}));
    assert_eq!(*points(&drawing, 1), json!([[0, 3.0], [1000, null], [2000, 1.0]]));
    assert_eq!(drawing["option"]["series"][1]["connectNulls"], false);
    // A point between gaps would not be seen as a line.
    assert_eq!(drawing["option"]["series"][1]["showSymbol"], true);
    assert_eq!(drawing["option"]["series"][0]["showSymbol"], false);
    assert_eq!(drawing["option"]["xAxis"]["min"], 500);
    assert_eq!(drawing["series"][0]["filter"], "service.name: \"shop\"");
    let bridged = drawn("line", json!({"fittingFunction": "Linear"}));
    assert_eq!(bridged["option"]["series"][1]["connectNulls"], true);
}

#[test]
fn bars_stand_in_the_middle_of_whole_buckets() {
    let drawing = drawn("bar_stacked", json!({}));
    assert_eq!(points(&drawing, 0)[0], json!([500, 1.0]));
    assert_eq!(drawing["shift"], 500);
    assert_eq!(drawing["option"]["xAxis"]["min"], 0);
    assert_eq!(drawing["option"]["xAxis"]["max"], 3000);
    let stacks: Vec<&Json> = [0, 1].iter().map(|at| &drawing["option"]["series"][*at]["stack"]).collect();
    assert!(stacks[0].is_string() && stacks[0] == stacks[1], "{stacks:?}");
}

#[test]
fn a_line_does_not_fall_to_an_empty_bucket_beyond_the_range() {
    let last = |end: i64, value: f64| {
        let rows = [(0, 4.0), (1, 4.0), (2, value)];
        let rows = rows.map(|(at, value)| vec![Value::Date(at * SECOND), Value::Number(value)]).to_vec();
        let table = table_of("data", vec![time(), column("n", ColumnKind::Measure)], rows);
        let layer = json!({"layerType": "data", "layerId": "data", "seriesType": "line", "xAccessor": "time", "accessors": ["n"]});
        let state = read(json!({"layers": [layer]}));
        let drawing = xy::draw(&state, &[table], TimeRange::between(0, end), &Colors::default());
        points(&drawing, 0).as_array().unwrap().last().unwrap().clone()
    };
    assert_eq!(last(2 * SECOND, 0.0), json!([SECOND, 4.0]));
    assert_eq!(last(2 * SECOND, 1.0), json!([2 * SECOND, 1.0]), "what is there is shown");
    assert_eq!(last(2 * SECOND + 1, 0.0), json!([2 * SECOND, 0.0]), "nothing within the range is news");
}

#[test]
fn nothing_in_a_stack_of_areas_is_a_zero() {
    assert_eq!(points(&drawn("area_stacked", json!({})), 1)[1], json!([1000, 0.0]));
}

#[test]
fn stacks_stand_on_what_has_the_same_moment() {
    let mut table = services();
    table.rows.remove(4);
    table.rows.remove(0);
    let layer = json!({"layerType": "data", "layerId": "data", "seriesType": "bar_stacked",
        "xAccessor": "time", "splitAccessor": "split", "accessors": ["n"]});
    let state = read(json!({"layers": [layer]}));
    let drawing = xy::draw(&state, &[table], TimeRange::between(0, 3000), &Colors::default());
    assert_eq!(*points(&drawing, 0), json!([[500, null], [1500, 3.0], [2500, 1.0]]));
    assert_eq!(*points(&drawing, 1), json!([[500, 3.0], [1500, null], [2500, 1.0]]));
}

#[test]
fn percentages_are_shares_of_what_stands_at_the_same_place() {
    let drawing = drawn("bar_percentage_stacked", json!({}));
    assert_eq!(points(&drawing, 0)[0][1], 0.25);
    assert_eq!(points(&drawing, 1)[0][1], 0.75);
    assert_eq!(points(&drawing, 0)[1][1], 1.0);
    assert_eq!(drawing["formats"][0]["kind"], "percent");
    assert_eq!(drawing["option"]["yAxis"][0]["max"], 1);
}

#[test]
fn an_axis_has_round_steps_in_the_unit_it_is_written_in() {
    let bytes = axis(Format::Bytes(Decimals::default()), [0.0, 1e6, 22e6]);
    assert_eq!((&bytes["max"], &bytes["interval"]), (&json!(31_457_280.0), &json!(10_485_760.0)));
    let share = axis(Format::Percent(Decimals::default()), [0.0, 0.4, 1.0]);
    assert_eq!(share["max"], 1.0, "no axis to 120 %");
    let count = axis(Format::Number(Decimals::default()), [0.0, 1.0, 2.0]);
    assert_eq!((&count["minInterval"], &count["max"]), (&json!(1), &Json::Null), "no half requests");
    let rate = axis(Format::Number(Decimals::default()), [0.0, 0.1, 0.2]);
    assert_eq!(rate["minInterval"], Json::Null);
}

#[test]
fn who_has_no_value_is_no_series_of_a_split_but_a_measure_without_one_stays() {
    let mut table = services();
    for row in &mut table.rows[3..] {
        row[2] = Value::Null;
    }
    let layer = |split: Json| {
        json!({"layers": [{"layerType": "data", "layerId": "data", "seriesType": "line",
        "xAccessor": "time", "splitAccessor": split, "accessors": ["n"]}]})
    };
    let names = |split: Json, table: &Table| -> Vec<String> {
        let range = TimeRange::between(0, 3000);
        let drawing = xy::draw(&read(layer(split)), std::slice::from_ref(table), range, &Colors::default());
        let series = drawing["series"].as_array().unwrap();
        series.iter().map(|series| series["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json!("split"), &table), ["shop"]);
    table.rows.drain(..3);
    assert_eq!(names(Json::Null, &table), ["the n"]);
}

#[test]
fn the_course_of_a_number_has_whole_buckets_only() {
    let main = table_of("data", vec![column("n", ColumnKind::Measure)], vec![vec![Value::Number(7.0)]]);
    let rows = (0..4).map(|at| vec![Value::Date(at * SECOND), Value::Number(7.0)]).collect();
    let trend = table_of("trend", vec![time(), column("m", ColumnKind::Measure)], rows);
    let state = read(json!({"layerId": "data", "metricAccessor": "n", "trendlineLayerId": "trend",
        "trendlineTimeAccessor": "time", "trendlineMetricAccessor": "m"}));
    let drawing = metric::draw(&state, &[main, trend], TimeRange::between(500, 3500));
    assert_eq!(drawing["tiles"][0]["trend"], json!([[1000, 7.0], [2000, 7.0]]));
}

#[test]
fn a_constant_line_is_always_in_sight() {
    let line = json!({"layerType": "referenceLine", "layerId": "slo", "accessors": ["slo"],
        "yConfig": [{"forAccessor": "slo", "color": "#ff0000", "lineStyle": "dashed", "textVisibility": true}]});
    let data = json!({"layerType": "data", "layerId": "data", "seriesType": "line", "xAccessor": "time", "accessors": ["n"]});
    let slo = table_of("slo", vec![column("slo", ColumnKind::Measure)], vec![vec![Value::Number(100.0)]]);
    let state = read(json!({"layers": [data, line]}));
    let drawing = xy::draw(&state, &[services(), slo], TimeRange::between(0, 2000), &Colors::default());
    assert!(drawing["option"]["yAxis"][0]["max"].as_f64().unwrap() > 100.0, "{drawing}");
    let line = &drawing["option"]["series"][1];
    assert_eq!(line["data"][0]["value"], json!([0, 100.0]));
    assert_eq!(line["data"][1], json!([2000, 100.0]));
    assert_eq!(drawing["series"].as_array().unwrap().len(), 1, "it is no series of the legend");
}

#[test]
fn a_name_has_one_colour_and_what_means_something_its_own() {
    let colors = Colors::default();
    let names: Vec<String> = (0..12).map(|at| format!("service-{at}")).collect();
    let of = |name: &String| colors.of(Some("service.name"), &text(name));
    let given: Vec<&str> = names.iter().map(of).collect();
    let different: std::collections::BTreeSet<&&str> = given.iter().collect();
    assert_eq!(different.len(), 12);
    assert_eq!(names.iter().map(of).collect::<Vec<_>>(), given, "whatever came in between");
    let red = colors.of(Some("log.level"), &text("ERROR"));
    // As the board of the lines has them in its file.
    for (level, color) in [("info", Color::Neutral), ("debug", Color::Faint), ("notes", Color::Foreign)] {
        assert_eq!(colors.of(Some("log.level"), &text(level)), color.hex());
    }
    assert_eq!(colors.of(Some("http.response.status_code"), &Value::Number(503.0)), red);
    assert_eq!(colors.of(Some("event.outcome"), &text("failure")), red);
    assert!(!given.contains(&red));
    // Names without end do not fill the memory.
    for at in 0..10_000 {
        colors.of(Some(&format!("field-{}", at % 300)), &text(&at.to_string()));
    }
}

#[test]
fn a_palette_colours_only_from_where_it_begins() {
    let palette: Palette = read(json!({"name": "custom", "params": {
        "rangeType": "number", "rangeMin": 1.0, "continuity": "above",
        "stops": [{"color": "amber", "stop": 5.0}, {"color": "red", "stop": 6.0}],
    }}));
    let of = |number: f64| by_value(&palette, &Value::Number(number), 0.0, 0.0);
    assert_eq!(
        [of(0.9), of(1.0), of(5.0), of(99.0)],
        [None, Some("amber".into()), Some("red".into()), Some("red".into())]
    );
    assert_eq!(by_value(&palette, &Value::Null, 0.0, 0.0), None);
}

#[test]
fn a_clicked_value_is_a_clause_that_reads_back() {
    let terms = column("split", ColumnKind::Terms);
    for (value, expected) in [
        (text("a\"b\\c"), Some(r#"service.name: "a\"b\\c""#)),
        (Value::Number(500.0), Some("service.name: \"500\"")),
        (Value::Boolean(true), Some("service.name: true")),
        (Value::Missing, Some("not service.name: *")),
        (
            Value::Range { from: Some(1.0), to: Some(10.0), label: "x".into() },
            Some("service.name >= \"1\" and service.name < \"10\""),
        ),
        (Value::Other, None),
        (Value::Null, None),
    ] {
        let found = clause::clause(&terms, &value);
        assert_eq!(found.as_deref(), expected, "{value:?}");
        if let Some(text) = found {
            dashboards::kql::Query::parse(&text).unwrap();
        }
    }
    assert_eq!(clause::clause(&column("n", ColumnKind::Measure), &text("x")), None);
}

#[test]
fn formats_say_unit_and_digits() {
    let of = |format| format::format(&Column { format, ..column("n", ColumnKind::Measure) });
    let nanos =
        of(Format::Duration { unit: TimeUnit::Unit(Unit::Millisecond), decimals: Decimals::default() });
    assert_eq!((&nanos["kind"], &nanos["nanos"]), (&json!("duration"), &json!(1e6)));
    for (pattern, kind, digits) in
        [("0,0.[0]b", "bytes", 1), ("0,0.[0]%", "percent", 1), ("0", "number", 0), ("0,0.000", "number", 3)]
    {
        let format = of(Format::Pattern(pattern.to_owned()));
        assert_eq!((&format["kind"], &format["digits"]), (&json!(kind), &json!(digits)), "{pattern}");
    }
}

#[test]
fn a_long_table_is_cut_and_says_how_long_it_is() {
    let rows = (0..5000).map(|at| vec![text("shop"), Value::Number(f64::from(at))]).collect();
    let columns = vec![column("split", ColumnKind::Terms), column("n", ColumnKind::Measure)];
    let state = read(
        json!({"layerId": "data", "columns": [{"columnId": "n"}, {"columnId": "split"}, {"columnId": "x", "hidden": true}],
        "sorting": {"columnId": "n", "direction": "desc"}}),
    );
    let drawing = table::draw(&state, &[table_of("data", columns, rows)]);
    assert_eq!(drawing["cells"].as_array().unwrap().len(), 1000);
    assert_eq!(drawing["all"], 5000);
    assert_eq!(drawing["sorted"], json!({"column": 0, "descending": true}));
    assert_eq!(drawing["cells"][3], json!([{"v": 3.0}, {"v": "shop", "f": "service.name: \"shop\""}]));
}

#[test]
fn values_become_columns_with_a_gap_where_there_is_nothing() {
    let columns = vec![
        column("status", ColumnKind::Terms),
        column("split", ColumnKind::Terms),
        column("n", ColumnKind::Measure),
    ];
    let row = |status: f64, path: &str, n: f64| vec![Value::Number(status), text(path), Value::Number(n)];
    let rows = vec![row(200.0, "/a", 5.0), row(200.0, "/b", 3.0), row(500.0, "/b", 1.0)];
    let state = read(json!({"layerId": "data", "columns": [{"columnId": "split"}, {"columnId": "n"},
        {"columnId": "status", "isTransposed": true}]}));
    let drawing = table::draw(&state, &[table_of("data", columns, rows)]);
    let labels: Vec<&Json> =
        drawing["columns"].as_array().unwrap().iter().map(|head| &head["label"]).collect();
    assert_eq!(labels, ["the split", "200 › the n", "500 › the n"]);
    let cell = |row: usize, column: usize| &drawing["cells"][row][column]["v"];
    assert_eq!([cell(0, 0), cell(0, 1), cell(0, 2)], [&json!("/a"), &json!(5.0), &Json::Null]);
    assert_eq!([cell(1, 0), cell(1, 1), cell(1, 2)], [&json!("/b"), &json!(3.0), &json!(1.0)]);
    assert_eq!(drawing["all"], 2);
}

#[test]
fn rings_of_a_pie_add_up() {
    let columns = vec![
        column("a", ColumnKind::Terms),
        column("b", ColumnKind::Terms),
        column("n", ColumnKind::Measure),
    ];
    let row = |a: &str, b: &str, n: f64| vec![text(a), text(b), Value::Number(n)];
    let table = table_of("data", columns, vec![row("x", "1", 2.0), row("x", "2", 3.0), row("y", "1", 4.0)]);
    let state = read(
        json!({"shape": "donut", "layers": [{"layerId": "data", "primaryGroups": ["a", "b"], "metrics": ["n"]}]}),
    );
    let drawing = pie::draw(&state, &[table], &Colors::default());
    let values = |ring: usize| -> Vec<f64> {
        let slices = drawing["option"]["series"][ring]["data"].as_array().unwrap();
        slices.iter().map(|slice| slice["value"].as_f64().unwrap()).collect()
    };
    assert_eq!(values(0), [5.0, 4.0]);
    assert_eq!(values(1), [2.0, 3.0, 4.0]);
    let outer = &drawing["option"]["series"][1]["data"];
    assert_eq!([0, 1, 2].map(|at| outer[at]["name"].clone()), ["x › 1", "x › 2", "y › 1"]);
}

#[test]
fn cells_stand_by_time_and_band_and_empty_ones_are_left_out() {
    let band = |from: f64| Value::Range { from: Some(from), to: None, label: format!("from {from}") };
    let row = |at: i64, from: f64, n: f64| vec![Value::Date(at * SECOND), band(from), Value::Number(n)];
    let columns = vec![time(), column("band", ColumnKind::Ranges), column("n", ColumnKind::Measure)];
    let table = table_of(
        "data",
        columns,
        vec![row(1, 0.0, 5.0), row(1, 10.0, 0.0), row(0, 0.0, 1.0), row(0, 10.0, 2.0)],
    );
    let state =
        read(json!({"layerId": "data", "xAccessor": "time", "yAccessor": "band", "valueAccessor": "n"}));
    let drawing = heatmap::draw(&state, &[table]);
    assert_eq!(drawing["legend"], true, "unless the board says otherwise");
    assert_eq!(drawing["option"]["xAxis"]["data"], json!([0, 1000]));
    assert_eq!(drawing["option"]["yAxis"]["data"], json!(["from 0", "from 10"]));
    assert_eq!(drawing["option"]["series"][0]["data"], json!([[1, 0, 5.0], [0, 0, 1.0], [0, 1, 2.0]]));
    // Many is not bad: one hue, and more of it.
    assert!(heatmap::STEPS.iter().all(|step| step[..7] == heatmap::STEPS[0][..7]));
}

#[test]
fn who_fails_is_red_and_keeps_to_a_shade() {
    let colors = Colors::default();
    let drawn = |palette: Json| {
        let layer = json!({
            "layerType": "data", "layerId": "data", "seriesType": "bar_stacked", "palette": palette,
            "xAccessor": "time", "splitAccessor": "split", "accessors": ["n"],
        });
        let state = read(json!({"layers": [layer]}));
        let drawing = xy::draw(&state, &[services()], TimeRange::between(500, 2500), &colors);
        [0, 1].map(|at| drawing["series"][at]["color"].as_str().unwrap().to_owned())
    };
    let red = |color: &String| {
        let part = |from: usize| u8::from_str_radix(&color[from..from + 2], 16).unwrap();
        part(1) > part(3) && part(1) > part(5)
    };
    let (bad, usual) = (drawn(json!({"type": "palette", "name": "negative"})), drawn(Json::Null));
    assert!(bad.iter().all(red) && bad[0] != bad[1], "{bad:?}");
    assert!(!usual.iter().any(red) && usual[0] != usual[1], "{usual:?}");
    assert_eq!(drawn(json!({"type": "palette", "name": "negative"})), bad);
}

#[test]
fn every_red_stands_out_from_a_light_and_from_a_dark_ground() {
    for red in super::color::BAD_NAMES {
        for ground in ["#ffffff", "#14181f"] {
            let [dim, bright] = [luminance(red), luminance(ground)].map(|light| light + 0.05);
            let contrast = (bright / dim).max(dim / bright);
            assert!(contrast >= 3.0, "{red} on {ground}: {contrast:.2}");
        }
    }
}

/// Relative luminance of `#rrggbb`, as WCAG 2.1 defines it.
fn luminance(color: &str) -> f64 {
    let part = |from: usize| f64::from(u8::from_str_radix(&color[from..from + 2], 16).unwrap()) / 255.0;
    let linear = |part: f64| if part <= 0.04 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5))
}

fn drawn_gauge(values: [f64; 4]) -> Json {
    let columns = ["m", "min", "max", "goal"].map(|id| column(id, ColumnKind::Measure));
    let row = values.map(Value::Number).to_vec();
    let state = read(json!({"layerId": "data", "shape": "arc", "metricAccessor": "m",
        "minAccessor": "min", "maxAccessor": "max", "goalAccessor": "goal"}));
    gauge::draw(&state, &[table_of("data", columns.to_vec(), vec![row])])
}

#[test]
fn a_gauge_stands_between_its_limits_with_its_goal_on_the_rim() {
    let drawing = drawn_gauge([30.0, 10.0, 50.0, 20.0]);
    let dial = &drawing["option"]["series"][0];
    assert_eq!((&drawing["value"], &dial["min"], &dial["max"]), (&json!(30.0), &json!(10.0), &json!(50.0)));
    assert_eq!(dial["data"][0]["value"], 30.0);
    let rim = &dial["axisLine"]["lineStyle"]["color"];
    assert_eq!((&rim[0][0], &rim[1][0]), (&json!(0.245), &json!(0.255)));
    // Limits that leave no room, and a goal beyond them, still give a rim.
    let narrow = drawn_gauge([1.0, 5.0, 5.0, 7.0]);
    let rim = &narrow["option"]["series"][0]["axisLine"]["lineStyle"]["color"];
    assert!(rim.as_array().unwrap().iter().all(|part| part[0].is_number()), "{rim}");
    // Without a row there is no dial.
    let nothing = table_of("data", vec![column("m", ColumnKind::Measure)], Vec::new());
    let state = read(json!({"layerId": "data", "shape": "arc", "metricAccessor": "m"}));
    assert_eq!(gauge::draw(&state, &[nothing])["option"], json!({}));
}
