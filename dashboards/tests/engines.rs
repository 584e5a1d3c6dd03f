//! Every operation of the subset on real engines, compared with what is computed here from the same documents.
//!
//! Engines are those that `ELASTICSEARCH_URL` and `OPENSEARCH_URL` name, else nodes started for this run, see
//! `bench::engine`.

#[path = "support/sample.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod sample;
#[path = "support/saved.rs"]
#[allow(unreachable_pub, dead_code, reason = "as the other support files")]
mod saved;

use std::collections::{BTreeMap, BTreeSet};

use bench::engine::{self, Kind};
use dashboards::kql::Query;
use dashboards::lens::{Context, Figures, Filter, Request, Table, TimeRange, Value};
use sample::{Doc, SAMPLE_END, SAMPLE_START, Sample};
use saved::*;
use serde_json::{Value as Json, json};

/// Runs `check` on both engines, each with the sample in an index of its own.
fn on_both(index: &str, check: impl Fn(&Stage)) {
    for kind in [Kind::Elasticsearch, Kind::OpenSearch] {
        let engine = engine::shared(kind);
        let sample = Sample::generate();
        sample.store(&format!("logs-{index}"), |method, path, body| engine.call(method, path, body));
        let stage = Stage { kind, index: format!("logs-{index}"), sample };
        check(&stage);
        engine.call("DELETE", &format!("/{}", stage.index), "");
    }
}

struct Stage {
    kind: Kind,
    index: String,
    sample: Sample,
}

impl Stage {
    fn send(&self, request: &Request) -> Json {
        // Every test has an index of its own.
        let path = request.path.replace("logs-*", &self.index);
        let reply = engine::shared(self.kind).ask("POST", &path, &request.body.to_string());
        reply.json().unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn figures(&self, panel: Json, context: &Context) -> Figures {
        let panel = saved::panel(panel);
        let figures = ask(&panel, context, |request| self.send(request));
        figures.unwrap_or_else(|error| panic!("{:?}: {error}; {:?}", self.kind, panel.content))
    }

    fn table(&self, columns: Columns) -> Table {
        self.table_of(datatable(columns), &whole())
    }

    fn table_of(&self, panel: Json, context: &Context) -> Table {
        let table = tables(self.figures(panel, context)).remove(0);
        assert_eq!(table.partial, None);
        table
    }

    fn docs(&self) -> impl Iterator<Item = &Doc> {
        self.sample.docs.iter()
    }
}

/// All documents.
fn whole() -> Context {
    Context::new(TimeRange::between(SAMPLE_START, SAMPLE_END), SAMPLE_END)
}

fn number(value: &Value) -> f64 {
    value.as_number().unwrap_or_else(|| panic!("no number: {value:?}"))
}

/// Equal within 1e-9.
fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= other.abs().max(1.0) * 1e-9
}

/// Whether the share of `values` at or below `answer` is `percent`, give or take 0.01.
fn has_rank(answer: f64, percent: f64, values: &[f64]) -> bool {
    let share = |test: &dyn Fn(f64) -> bool| {
        values.iter().filter(|value| test(**value)).count() as f64 / values.len() as f64
    };
    let (below, up_to) = (share(&|value| value < answer), share(&|value| value <= answer));
    below - 0.01 <= percent / 100.0 && percent / 100.0 <= up_to + 0.01
}

fn by<K: Ord>(docs: impl Iterator<Item = Doc>, key: impl Fn(&Doc) -> K) -> BTreeMap<K, Vec<Doc>> {
    let mut groups: BTreeMap<K, Vec<Doc>> = BTreeMap::new();
    for doc in docs {
        groups.entry(key(&doc)).or_default().push(doc);
    }
    groups
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn numbers_of_each_value_of_a_field() {
    on_both("numbers", |stage| {
        let table = stage.table(&[
            ("service", terms("service", 10, "n")),
            ("n", count()),
            ("failed", filtered(count(), "status >= 500")),
            ("bytes", of("sum", "bytes")),
            ("failed bytes", filtered(of("sum", "bytes"), "status >= 500")),
            ("took", of("average", "took")),
            ("min", of("min", "took")),
            ("max", of("max", "took")),
            ("median", of("median", "took")),
            ("p95", percentile("took", 95.0)),
            ("p99.5", percentile("took", 99.5)),
            ("failed p95", filtered(percentile("took", 95.0), "status >= 500")),
            ("users", of("unique_count", "user")),
            ("deviation", of("standard_deviation", "took")),
            ("below", with(of("percentile_rank", "took"), json!({"params": {"value": 50_000_000}}))),
            ("with user", with(of("count", "user"), json!({"label": "with user"}))),
            ("last version", last("version")),
            ("last seen", with(of("max", "@timestamp"), json!({"dataType": "date"}))),
            ("rate", with(count(), json!({"timeScale": "s"}))),
            ("errors", formula("errorsX2")),
            ("errorsX0", filtered(count(), "status >= 500")),
            ("errorsX1", count()),
            ("errorsX2", math("divide", json!(["errorsX0", "errorsX1"]))),
            ("objective", fixed("0.01")),
        ]);
        let groups = by(stage.docs().cloned(), |doc| doc.service);
        let mut expected: Vec<_> = groups.into_iter().collect();
        expected.sort_by(|one, other| other.1.len().cmp(&one.1.len()).then(one.0.cmp(other.0)));
        assert_eq!(table.rows.len(), expected.len());
        for (row, (service, docs)) in table.rows.iter().zip(&expected) {
            let cell = |id: &str| &row[table.position(id).expect(id)];
            let value = |id: &str| number(cell(id));
            let took: Vec<f64> = docs.iter().map(|doc| doc.took as f64).collect();
            let failed: Vec<&Doc> = docs.iter().filter(|doc| doc.status >= 500).collect();
            let failed_took: Vec<f64> = failed.iter().map(|doc| doc.took as f64).collect();
            let mean = took.iter().sum::<f64>() / took.len() as f64;
            let deviation =
                (took.iter().map(|took| (took - mean).powi(2)).sum::<f64>() / took.len() as f64).sqrt();
            let last = docs.iter().max_by_key(|doc| doc.time).expect("a document");

            assert_eq!(cell("service").to_string(), *service);
            assert_eq!(value("n"), docs.len() as f64);
            assert_eq!(value("failed"), failed.len() as f64);
            assert_eq!(value("bytes"), docs.iter().map(|doc| doc.bytes).sum::<u64>() as f64);
            assert_eq!(value("failed bytes"), failed.iter().map(|doc| doc.bytes).sum::<u64>() as f64);
            assert!(close(value("took"), mean));
            assert_eq!(value("min"), took.iter().copied().fold(f64::MAX, f64::min));
            assert_eq!(value("max"), took.iter().copied().fold(f64::MIN, f64::max));
            assert!(has_rank(value("median"), 50.0, &took));
            assert!(has_rank(value("p95"), 95.0, &took), "{}", value("p95"));
            assert!(has_rank(value("p99.5"), 99.5, &took));
            assert!(has_rank(value("failed p95"), 95.0, &failed_took));
            assert_eq!(
                value("users"),
                docs.iter().filter_map(|doc| doc.user).collect::<BTreeSet<_>>().len() as f64
            );
            assert!((value("deviation") / deviation - 1.0).abs() < 1e-6);
            let below = took.iter().filter(|took| **took <= 5e7).count() as f64 / took.len() as f64;
            assert!((value("below") - below).abs() < 0.01, "{} and {below}", value("below"));
            assert_eq!(value("with user"), docs.iter().filter(|doc| doc.user.is_some()).count() as f64);
            assert_eq!(cell("last version").to_string(), last.version);
            assert_eq!(*cell("last seen"), Value::Date(last.time));
            assert!(close(value("rate"), docs.len() as f64 / ((SAMPLE_END - SAMPLE_START) as f64 / 1000.0)));
            assert!(close(value("errors"), failed.len() as f64 / docs.len() as f64));
            assert_eq!(value("objective"), 0.01);
            assert_eq!(table.position("errorsX0"), None);
        }
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn values_are_ordered_by_every_kind_of_metric() {
    on_both("order", |stage| {
        let groups = by(stage.docs().cloned(), |doc| doc.route.clone());
        let bytes = |docs: &[Doc]| docs.iter().map(|doc| doc.bytes).sum::<u64>();
        let failed = |docs: &[Doc]| docs.iter().filter(|doc| doc.status >= 500).count() as u64;
        let failed_bytes =
            |docs: &[Doc]| docs.iter().filter(|doc| doc.status >= 500).map(|doc| doc.bytes).sum::<u64>();
        let users =
            |docs: &[Doc]| docs.iter().filter_map(|doc| doc.user).collect::<BTreeSet<_>>().len() as u64;
        type Measure<'m> = &'m dyn Fn(&[Doc]) -> u64;
        let table: [(Json, Measure); 5] = [
            (count(), &|docs| docs.len() as u64),
            (filtered(count(), "status >= 500"), &failed),
            (of("sum", "bytes"), &bytes),
            (filtered(of("sum", "bytes"), "status >= 500"), &failed_bytes),
            (of("unique_count", "user"), &users),
        ];
        for (metric, measure) in table {
            // Under a second bucket the metric stands at two levels.
            for nested in [false, true] {
                let mut columns = vec![("route", terms("route", 3, "m")), ("m", metric.clone())];
                if nested {
                    columns.insert(1, ("service", terms("service", 10, "m")));
                }
                let found = stage.table(&columns);
                let mut expected: Vec<(String, u64)> =
                    groups.iter().map(|(route, docs)| (route.clone(), measure(docs))).collect();
                expected.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
                let mut routes: Vec<String> = found.values("route").map(ToString::to_string).collect();
                routes.dedup();
                let expected: Vec<String> = expected.into_iter().take(3).map(|(route, _)| route).collect();
                assert_eq!(routes, expected, "{metric}, nested: {nested}, {:?}", stage.kind);
            }
        }
        let slowest = stage.table(&[
            ("route", terms("route", 3, "p")),
            ("p", percentile("took", 95.0)),
            ("m", of("median", "took")),
        ]);
        let order: Vec<f64> = slowest.values("p").map(number).collect();
        assert!(order.is_sorted_by(|one, other| one >= other), "{order:?}");
        let filtered = stage.table(&[
            ("route", terms("route", 3, "p")),
            ("p", filtered(percentile("took", 95.0), "status < 500")),
        ]);
        let order: Vec<f64> = filtered.values("p").map(number).collect();
        assert!(order.is_sorted_by(|one, other| one >= other), "{order:?}");
        let alphabet = with(
            terms("route", 3, ""),
            json!({"params": {"orderBy": {"type": "alphabetical", "fallback": false}, "orderDirection": "asc"}}),
        );
        let first = stage.table(&[("route", alphabet), ("n", count())]);
        let expected: Vec<String> = groups.keys().take(3).cloned().collect();
        assert_eq!(first.values("route").map(ToString::to_string).collect::<Vec<_>>(), expected);
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn time_buckets_are_all_there_and_scaled_by_what_of_them_lies_in_the_range() {
    on_both("time", |stage| {
        // Begins and ends within a bucket.
        let (from, to) = (SAMPLE_START + 40_000, SAMPLE_END + 200_000);
        let context = Context::new(TimeRange::between(from, to), to);
        let table = stage.table_of(
            datatable(&[
                ("time", time("1m")),
                ("n", count()),
                ("rate", with(count(), json!({"timeScale": "s"}))),
                ("took", of("average", "took")),
                ("gap", with(count(), json!({"params": {"emptyAsNull": true}}))),
            ]),
            &context,
        );
        let groups = by(stage.docs().filter(|doc| doc.time >= from && doc.time <= to).cloned(), |doc| {
            doc.time.div_euclid(60_000) * 60_000
        });
        let starts: Vec<i64> =
            (from.div_euclid(60_000)..=to.div_euclid(60_000)).map(|minute| minute * 60_000).collect();
        assert_eq!(
            table.values("time").cloned().collect::<Vec<_>>(),
            starts.iter().copied().map(Value::Date).collect::<Vec<_>>()
        );
        for (row, start) in table.rows.iter().zip(&starts) {
            let docs = groups.get(start).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(number(&row[1]), docs.len() as f64);
            let length = (start + 60_000).min(to) - (*start).max(from);
            match length {
                0 => assert_eq!(row[2], Value::Null),
                _ => assert!(close(number(&row[2]), docs.len() as f64 / (length as f64 / 1000.0)), "{row:?}"),
            }
            assert_eq!(row[3] == Value::Null, docs.is_empty());
            assert_eq!(row[4] == Value::Null, docs.is_empty());
        }
        assert!(groups.len() < starts.len(), "some buckets have to be empty");

        let full = with(time("1m"), json!({"params": {"dropPartials": true}}));
        let whole_buckets = stage.table_of(datatable(&[("time", full), ("n", count())]), &context);
        let inner: Vec<i64> =
            starts.iter().copied().filter(|start| *start >= from && start + 60_000 <= to).collect();
        assert_eq!(
            whole_buckets.values("time").cloned().collect::<Vec<_>>(),
            inner.into_iter().map(Value::Date).collect::<Vec<_>>()
        );

        let filled = with(time("1m"), json!({"params": {"includeEmptyRows": false}}));
        let filled = stage.table_of(datatable(&[("time", filled), ("n", count())]), &context);
        assert_eq!(
            filled.values("time").cloned().collect::<Vec<_>>(),
            groups.keys().copied().map(Value::Date).collect::<Vec<_>>()
        );

        let mut berlin = whole();
        berlin.time_zone = "Europe/Berlin".to_owned();
        let days = stage.table_of(datatable(&[("time", time("1d")), ("n", count())]), &berlin);
        // The day of the sample begins at 23:00 UTC of the day before.
        assert_eq!(days.rows[0][0].to_string(), "2026-11-22T23:00:00.000Z");
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn series_are_the_values_most_frequent_in_the_whole_range() {
    on_both("series", |stage| {
        let table = stage.table(&[("route", terms("route", 2, "n")), ("time", time("5m")), ("n", count())]);
        let groups = by(stage.docs().cloned(), |doc| doc.route.clone());
        let mut top: Vec<(&String, &Vec<Doc>)> = groups.iter().collect();
        top.sort_by(|one, other| other.1.len().cmp(&one.1.len()).then(one.0.cmp(other.0)));
        let buckets = table.rows.len() / 2;
        for (at, row) in table.rows.iter().enumerate() {
            let (route, docs) = top[at / buckets];
            assert_eq!(row[0].to_string(), *route);
            let Value::Date(start) = row[1] else { panic!("{row:?}") };
            let inside = docs.iter().filter(|doc| doc.time >= start && doc.time < start + 300_000).count();
            assert_eq!(number(&row[2]), inside as f64);
        }
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn others_are_all_values_beyond_the_listed_ones() {
    on_both("others", |stage| {
        let other =
            |field: &str, by: &str| with(terms(field, 2, by), json!({"params": {"otherBucket": true}}));
        let table = stage.table(&[
            ("route", other("route", "n")),
            ("n", count()),
            ("p50", of("median", "took")),
            ("bytes", of("sum", "bytes")),
        ]);
        assert_eq!(table.rows.len(), 3);
        assert_eq!(table.rows[2][0], Value::Other);
        let listed: Vec<String> = table.values("route").map(ToString::to_string).collect();
        let rest: Vec<&Doc> = stage.docs().filter(|doc| !listed.contains(&doc.route)).collect();
        assert_eq!(number(&table.rows[2][1]), rest.len() as f64);
        assert!(has_rank(
            number(&table.rows[2][2]),
            50.0,
            &rest.iter().map(|doc| doc.took as f64).collect::<Vec<_>>()
        ));
        assert_eq!(number(&table.rows[2][3]), rest.iter().map(|doc| doc.bytes).sum::<u64>() as f64);

        // Others at both levels, also within the others, around a time axis.
        let table = stage.table(&[
            ("service", other("service", "n")),
            ("route", other("route", "n")),
            ("time", time("10m")),
            ("n", count()),
        ]);
        let total: f64 = table.values("n").map(number).sum();
        assert_eq!(total, stage.docs().count() as f64);
        for (service, rows) in &split(&table.rows, 0) {
            let listed: Vec<String> = rows.iter().map(|row| row[1].to_string()).collect();
            let beyond =
                rows.iter().filter(|row| row[1] == Value::Other).map(|row| number(&row[3])).sum::<f64>();
            let services: Vec<String> =
                split(&table.rows, 0).into_iter().map(|(service, _)| service).collect();
            let expected = stage.docs().filter(|doc| match service.as_str() {
                "Other" => !services.contains(&doc.service.to_owned()),
                service => doc.service == service,
            });
            let expected = expected.filter(|doc| !listed.contains(&doc.route)).count();
            assert_eq!(beyond, expected as f64, "{service} {:?}", stage.kind);
        }

        // Documents without the field.
        let missing =
            with(terms("user", 3, "n"), json!({"params": {"otherBucket": true, "missingBucket": true}}));
        let table = stage.table(&[("user", missing), ("n", count())]);
        assert_eq!(table.rows[0][0], Value::Missing);
        assert_eq!(number(&table.rows[0][1]), stage.docs().filter(|doc| doc.user.is_none()).count() as f64);
        assert_eq!(table.values("n").map(number).sum::<f64>(), stage.docs().count() as f64);
    });
}

/// Rows by the text of a column, in the order of its first appearance.
fn split(rows: &[Vec<Value>], column: usize) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut groups: Vec<(String, Vec<Vec<Value>>)> = Vec::new();
    for row in rows {
        let key = row[column].to_string();
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row.clone()),
            None => groups.push((key, vec![row.clone()])),
        }
    }
    groups
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn filters_ranges_and_steps_hold_the_documents_they_say() {
    on_both("filters", |stage| {
        let classes = [
            ("2xx", "status >= 200 and status < 300"),
            ("4xx", "status >= 400 and status < 500"),
            ("not GET", "not method: GET"),
            ("none", "status: 999"),
        ];
        let table = stage.table(&[("class", filters(&classes)), ("n", count())]);
        let count_of = |test: &dyn Fn(&Doc) -> bool| stage.docs().filter(|doc| test(doc)).count().to_string();
        let expected = [
            ["2xx".to_owned(), count_of(&|doc| (200..300).contains(&doc.status))],
            ["4xx".to_owned(), count_of(&|doc| (400..500).contains(&doc.status))],
            ["not GET".to_owned(), count_of(&|doc| doc.method != "GET")],
            ["none".to_owned(), "0".to_owned()],
        ];
        assert_eq!(rows(&table), expected);

        let bands = [
            (None, Some(1e6), "below 1 ms"),
            (Some(1e6), Some(5e7), ""),
            (Some(5e7), None, "50 ms and more"),
        ];
        let table = stage.table(&[("band", ranges("took", &bands)), ("n", count())]);
        let expected = [
            ["below 1 ms".to_owned(), count_of(&|doc| doc.took < 1_000_000)],
            ["1000000 to 50000000".to_owned(), count_of(&|doc| (1_000_000..50_000_000).contains(&doc.took))],
            ["50 ms and more".to_owned(), count_of(&|doc| doc.took >= 50_000_000)],
        ];
        assert_eq!(rows(&table), expected);

        let table = stage.table(&[("step", steps("bytes", 12)), ("n", count())]);
        assert!(table.rows.len() > 4 && table.rows.len() <= 13, "{}", table.rows.len());
        for row in &table.rows {
            let Value::Range { from: Some(from), to: Some(to), .. } = row[0] else { panic!("{row:?}") };
            assert_eq!(
                number(&row[1]),
                stage.docs().filter(|doc| doc.bytes as f64 >= from && (doc.bytes as f64) < to).count() as f64
            );
        }
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn earlier_times_stand_beside_the_same_groups() {
    on_both("shifts", |stage| {
        let half = SAMPLE_START + (SAMPLE_END - SAMPLE_START) / 2;
        let context = Context::new(TimeRange::between(half, half + 600_000), half + 600_000);
        let earlier = |column: Value| with(column, json!({"timeShift": "10m"}));
        type Value = Json;
        let other = with(terms("route", 2, "n"), json!({"params": {"otherBucket": true}}));
        let table = stage.table_of(
            datatable(&[
                ("route", other),
                ("time", time("1m")),
                ("n", count()),
                ("before", earlier(count())),
                ("change", formula("changeX2")),
                ("changeX0", count()),
                ("changeX1", earlier(count())),
                ("changeX2", math("subtract", json!(["changeX0", "changeX1"]))),
            ]),
            &context,
        );
        let listed: Vec<String> = table.values("route").map(ToString::to_string).collect();
        assert!(listed.contains(&"Other".to_owned()));
        for row in &table.rows {
            let dashboards::lens::Value::Date(start) = row[1] else { panic!("{row:?}") };
            let count_at = |start: i64, from: i64| {
                let inside = stage.docs().filter(|doc| {
                    doc.time >= start.max(from) && doc.time < start + 60_000 && doc.time <= from + 600_000
                });
                inside
                    .filter(|doc| match row[0].to_string().as_str() {
                        "Other" => !listed.contains(&doc.route),
                        route => doc.route == route,
                    })
                    .count() as f64
            };
            let (now, before) = (count_at(start, half), count_at(start - 600_000, half - 600_000));
            assert_eq!(
                (number(&row[2]), number(&row[3]), number(&row[4])),
                (now, before, now - before),
                "{row:?}"
            );
        }
        let numbers = stage.table_of(
            datatable(&[
                ("n", count()),
                ("before", with(of("sum", "bytes"), json!({"timeShift": "previous"}))),
            ]),
            &context,
        );
        let bytes: u64 = stage
            .docs()
            .filter(|doc| doc.time >= half - 600_000 && doc.time <= half)
            .map(|doc| doc.bytes)
            .sum();
        assert_eq!(number(&numbers.rows[0][1]), bytes as f64);
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn what_the_reader_asks_for_narrows_every_panel() {
    on_both("context", |stage| {
        let panel =
            || datatable(&[("n", count()), ("recent", with(count(), json!({"reducedTimeRange": "5m"})))]);
        let counted = |context: &Context| number(&stage.table_of(panel(), context).rows[0][0]);
        let expected = |test: &dyn Fn(&Doc) -> bool| stage.docs().filter(|doc| test(doc)).count() as f64;
        let asked = |query: &str| Context {
            query: Query::parse(query).unwrap_or_else(|error| panic!("{error}")),
            ..whole()
        };
        type Test<'t> = &'t dyn Fn(&Doc) -> bool;
        let table: [(&str, Test); 17] = [
            ("", &|_| true),
            ("service: shop", &|doc| doc.service == "shop"),
            ("service: \"shop\" and status >= 500", &|doc| doc.service == "shop" && doc.status >= 500),
            ("service: (shop or cart) and not method: GET", &|doc| {
                ["shop", "cart"].contains(&doc.service) && doc.method != "GET"
            }),
            ("status: 404", &|doc| doc.status == 404),
            ("route: /a*", &|doc| doc.route.starts_with("/a")),
            ("route: /a/1", &|doc| doc.route == "/a/1"),
            ("user: *", &|doc| doc.user.is_some()),
            ("not user: *", &|doc| doc.user.is_none()),
            ("message: \"took too\"", &|doc| doc.message.contains("took too")),
            ("message: too", &|doc| doc.message.contains("too")),
            ("shop", &|doc| doc.service == "shop"),
            ("ser*: shop", &|doc| doc.service == "shop"),
            ("http.*: *", &|_| true),
            ("http.*: GET and not us*: *", &|doc| doc.method == "GET" && doc.user.is_none()),
            ("failed: true", &|doc| doc.status >= 500),
            ("took < 1000000 or took >= 50000000", &|doc| doc.took < 1_000_000 || doc.took >= 50_000_000),
        ];
        for (query, test) in table {
            assert_eq!(counted(&asked(query)), expected(test), "`{query}` on {:?}", stage.kind);
        }
        let mut filtered = whole();
        filtered.filters = vec![
            Filter::is("service", &json!("shop")).not(),
            Filter::between("status", Some(400.0), None),
            Filter::exists("user"),
        ];
        assert_eq!(
            counted(&filtered),
            expected(&|doc| doc.service != "shop" && doc.status >= 400 && doc.user.is_some())
        );
        let mut chosen = whole();
        let selection = |values: &[&str], exclude| dashboards::lens::Selection {
            field: "service".into(),
            values: values.iter().map(|value| json!(value)).collect(),
            exclude,
        };
        chosen.selections =
            vec![selection(&["shop", "cart"], false), selection(&["cart"], true), selection(&[], false)];
        assert_eq!(counted(&chosen), expected(&|doc| doc.service == "shop"));
        let recent = number(&stage.table_of(panel(), &whole()).rows[0][1]);
        assert_eq!(recent, expected(&|doc| doc.time >= SAMPLE_END - 300_000));
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn documents_come_in_order_with_their_fields_and_marks() {
    on_both("documents", |stage| {
        let source = json!({"query": kql("status >= 500"), "filter": [], "indexRefName": "index"});
        let search = json!({"title": "Slow", "columns": ["service", "took", "http.method"], "sort": [["took", "desc"]], "sampleSize": 50,
            "kibanaSavedObjectMeta": {"searchSourceJSON": source.to_string()},
            "references": [{"type": "index-pattern", "id": "logs", "name": "index"}]});
        let panel = json!({"type": "search", "panelIndex": "p", "gridData": {}, "embeddableConfig": {"attributes": search}});
        let mut context = whole();
        context.query = Query::parse("message: slow").unwrap_or_else(|error| panic!("{error}"));
        let Figures::Documents(found) = stage.figures(panel, &context) else { panic!("documents") };
        let mut expected: Vec<&Doc> =
            stage.docs().filter(|doc| doc.status >= 500 && doc.message.contains("slow")).collect();
        expected.sort_by_key(|doc| std::cmp::Reverse(doc.took));
        assert_eq!(found.columns, ["@timestamp", "service", "took", "http.method"]);
        assert_eq!(found.total, Some(expected.len() as u64));
        assert_eq!(found.hits.len(), expected.len().min(50));
        for (hit, doc) in found.hits.iter().zip(expected) {
            assert_eq!(
                hit.cells[1..],
                [vec![json!(doc.service)], vec![json!(doc.took)], vec![json!(doc.method)]]
            );
            assert_eq!(hit.highlights["message"], [doc.message.replace("slow", "\u{e000}slow\u{e001}")]);
            assert_eq!(hit.highlights.len(), 1, "only what the reader asked for is marked");
        }
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn controls_offer_the_values_there_are() {
    on_both("controls", |stage| {
        let control = |field: &str| json!({"order": 0, "type": "optionsListControl", "explicitInput": {"fieldName": field, "dataViewId": "logs"}});
        let controls = json!({"a": control("service"), "b": control("failed"), "c": control("route")});
        let board = board(&file(&[], json!({"controlGroupInput": {"panelsJSON": controls.to_string()}})));
        let choices = |at: usize, prefix: &str| {
            let answer = stage.send(&board.controls[at].values(&whole(), prefix));
            let choices = board.controls[at].choices(&answer).unwrap_or_else(|error| panic!("{error}"));
            choices
                .into_iter()
                .map(|choice| (choice.value.to_string(), choice.documents))
                .collect::<BTreeSet<_>>()
        };
        let expected = |value: &dyn Fn(&Doc) -> Json, keep: &dyn Fn(&Doc) -> bool| {
            let kept: Vec<Json> = stage.docs().filter(|doc| keep(doc)).map(value).collect();
            kept.iter()
                .map(|value| (value.to_string(), kept.iter().filter(|other| *other == value).count() as u64))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(choices(0, ""), expected(&|doc| json!(doc.service), &|_| true));
        assert_eq!(choices(0, "s"), expected(&|doc| json!(doc.service), &|doc| doc.service.starts_with('s')));
        assert_eq!(choices(1, ""), expected(&|doc| json!(doc.status >= 500), &|_| true));
        assert_eq!(choices(2, "/a/"), expected(&|doc| json!(doc.route), &|doc| doc.route.starts_with("/a/")));
    });
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn no_panel_of_the_shipped_boards_is_refused() {
    for kind in [Kind::Elasticsearch, Kind::OpenSearch] {
        let engine = engine::shared(kind);
        let strings = json!({"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}});
        let mappings = json!({"dynamic_templates": [strings], "properties": {"@timestamp": {"type": "date"}, "message": {"type": "text"}}});
        engine.call("PUT", "/lens-shipped", &json!({"mappings": mappings}).to_string());
        let request = json!({
            "@timestamp": NOW - 60_000, "service.name": "shop", "service.version": "1", "service.environment": "test",
            "service.node.name": "n", "event.category": "web", "event.outcome": "failure", "event.duration": 700_000_000,
            "http.route": "/a", "http.response.status_code": 500, "log.level": "error", "error.type": "Late", "message": "too late",
        });
        engine.call("POST", "/lens-shipped/_doc?refresh=true", &request.to_string());
        let mut rows = 0;
        for board in shipped().boards {
            for panel in &board.panels {
                let send = |request: &Request| {
                    let path = request.path.replace("logs-app-*,logs-app.*-*", "lens-shipped");
                    engine
                        .ask("POST", &path, &request.body.to_string())
                        .json()
                        .unwrap_or_else(|error| panic!("{error:#}"))
                };
                let figures = ask(panel, &board.context(NOW), send);
                rows += match figures
                    .unwrap_or_else(|error| panic!("{} {} on {kind:?}: {error}", board.id, panel.id))
                {
                    Figures::Tables(tables) => tables.iter().map(|table| table.rows.len()).sum(),
                    Figures::Documents(found) => found.hits.len(),
                    Figures::Nothing => 0,
                };
            }
        }
        engine.call("DELETE", "/lens-shipped", "");
        assert!(rows > 500, "{rows} rows on {kind:?}");
    }
}

#[test]
#[ignore = "needs a JDK; starts real engines"]
fn an_absent_index_is_empty_and_a_mistake_is_told() {
    for kind in [Kind::Elasticsearch, Kind::OpenSearch] {
        let send = |request: &Request| {
            let path = request.path.replace("logs-*", "nothing-of-this-name-*");
            engine::shared(kind)
                .ask("POST", &path, &request.body.to_string())
                .json()
                .unwrap_or_else(|error| panic!("{error:#}"))
        };
        let of_nothing =
            |columns: Columns| ask(&saved::panel(datatable(columns)), &whole(), send).map(tables);
        let columns = [("service", terms("service", 10, "n")), ("n", count())];
        assert_eq!(of_nothing(&columns).map(|tables| rows(&tables[0])), Ok(vec![]));
        let columns = [("n", count()), ("p", percentile("took", 95.0)), ("sum", of("sum", "took"))];
        assert_eq!(
            of_nothing(&columns).map(|tables| rows(&tables[0])),
            Ok(vec![vec!["0".into(), "-".into(), "0".into()]])
        );
    }
    on_both("mistake", |stage| {
        let panel = saved::panel(datatable(&[("sum", of("sum", "message"))]));
        let error = ask(&panel, &whole(), |request| stage.send(request)).expect_err("no sum of texts");
        assert!(error.to_string().contains("illegal_argument_exception"), "{error}");
    });
}
