//! The dialect over the real binary: shapes of answers and errors as the recorded ones of Elasticsearch 8.19.

mod support;

use serde_json::{Value, json};
use support::Server;

fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let template = json!({"index_patterns": ["logs-demo-*"], "data_stream": {}, "priority": 500, "template": {"mappings": {"properties": {
        "message": {"type": "text"}, "event": {"properties": {"duration": {"type": "long"}}}, "level": {"type": "keyword"}}}}});
    server.good("PUT", "/_index_template/logs-demo", &template);
    (folder, server)
}

fn bulk(server: &Server, lines: &[Value]) -> (u16, Value) {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    server.send("POST", "/_bulk?refresh=true", &body)
}

fn create(id: &str) -> Value {
    json!({"create": {"_index": "logs-demo-default", "_id": id}})
}

#[test]
fn items_fail_alone_with_elasticsearchs_types() {
    let (_folder, server) = server();
    let good = json!({"@timestamp": "2026-01-01T00:00:00Z", "message": "hello", "event": {"duration": 1}});
    let (status, answer) = bulk(
        &server,
        &[
            create("a"),
            good.clone(),
            create("a"),
            good.clone(),
            create("b"),
            json!({"@timestamp": "2026-01-01T00:00:00Z", "event": {"duration": "not a number"}}),
            create("c"),
            json!({"message": "no time"}),
            create("d"),
            json!({"@timestamp": "yesterday"}),
            json!({"index": {"_index": "logs-demo-default", "_id": "e"}}),
            good.clone(),
            create("f"),
            json!({"@timestamp": "2026-01-01T00:00:00Z", "message": {"an": "object"}}),
            json!({"create": {"_index": "Upper-Case"}}),
            good.clone(),
            json!({"create": {"_index": "plain-b", "require_data_stream": true}}),
            good.clone(),
            json!({"create": {"_index": "logs-demo-default", "_id": "g", "pipeline": "missing"}}),
            good,
        ],
    );
    assert_eq!((status, &answer["errors"]), (200, &json!(true)));
    let shown: Vec<(u64, String)> = answer["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| {
            let item = item.as_object().and_then(|item| item.values().next()).expect("an entry");
            (
                item["status"].as_u64().expect("a status"),
                item["error"]["type"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let expected = [
        (201, ""),
        (409, "version_conflict_engine_exception"),
        (400, "document_parsing_exception"),
        (400, "document_parsing_exception"),
        (400, "document_parsing_exception"),
        (400, "illegal_argument_exception"),
        (400, "document_parsing_exception"),
        (400, "invalid_index_name_exception"),
        (404, "index_not_found_exception"),
        (400, "illegal_argument_exception"),
    ];
    assert_eq!(shown, expected.map(|(status, kind)| (status, kind.to_owned())));
    let first = &answer["items"][0]["create"];
    assert_eq!(
        (&first["result"], &first["_version"], &first["_seq_no"]),
        (&json!("created"), &json!(1), &json!(0))
    );
    assert!(first["_index"].as_str().expect("a name").starts_with(".ds-logs-demo-default-"));
    assert_eq!(
        answer["items"][2]["create"]["error"]["caused_by"]["reason"],
        "For input string: \"not a number\""
    );
}

#[test]
fn documents_are_replaced_changed_and_removed() {
    let (_folder, server) = server();
    for (method, target, body, expected) in [
        ("PUT", "/plain/_doc/1", json!({"a": 1, "o": {"x": 1}}), (201, "created", 1)),
        ("PUT", "/plain/_doc/1", json!({"a": 2, "o": {"x": 1}}), (200, "updated", 2)),
        ("POST", "/plain/_update/1", json!({"doc": {"o": {"y": 2}}}), (200, "updated", 3)),
        ("POST", "/plain/_update/1", json!({"doc": {"o": {"y": 2}}}), (200, "noop", 3)),
        ("POST", "/plain/_update/2", json!({"doc": {"a": 5}, "doc_as_upsert": true}), (201, "created", 1)),
        ("DELETE", "/plain/_doc/2", Value::Null, (200, "deleted", 2)),
        ("DELETE", "/plain/_doc/2", Value::Null, (404, "not_found", 1)),
    ] {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = server.send(method, target, &text);
        let (expected_status, result, version) = expected;
        assert_eq!(
            (status, &answer["result"], &answer["_version"]),
            (expected_status, &json!(result), &json!(version)),
            "{method} {target} {body}"
        );
    }
    let (_, found) = server.send("GET", "/plain/_doc/1", "");
    assert_eq!((&found["found"], &found["_source"]), (&json!(true), &json!({"a": 2, "o": {"x": 1, "y": 2}})));
    assert_eq!(server.send("GET", "/plain/_doc/2", "").0, 404);
    assert_eq!(server.send("PUT", "/plain/_create/1", "{}").0, 409);
    server.good("POST", "/plain/_refresh", &Value::Null);
    assert_eq!(server.good("GET", "/plain/_count", &Value::Null)["count"], 1);
}

#[test]
fn errors_have_elasticsearchs_shape() {
    let (_folder, server) = server();
    for (method, target, body, status, kind) in [
        ("POST", "/_search", r#"{"query":{"nope":{}}}"#, 400, "parsing_exception"),
        ("POST", "/_search", r#"{"query":{"fuzzy":{"a":"b"}}}"#, 400, "illegal_argument_exception"),
        (
            "POST",
            "/_search",
            r#"{"aggs":{"a":{"rare_terms":{"field":"a"}}}}"#,
            400,
            "illegal_argument_exception",
        ),
        ("POST", "/_search", r#"{"size":10001}"#, 400, "illegal_argument_exception"),
        ("POST", "/_search", "{", 400, "x_content_e_o_f_exception"),
        ("POST", "/missing/_search", "{}", 404, "index_not_found_exception"),
        ("GET", "/_index_template/nope", "", 404, "resource_not_found_exception"),
        (
            "PUT",
            "/_index_template/bad",
            r#"{"index_patterns":["x"],"composed_of":["missing"]}"#,
            400,
            "invalid_index_template_exception",
        ),
        ("PUT", "/_ingest/pipeline/bad", r#"{"processors":[{"nope":{}}]}"#, 400, "parse_exception"),
        ("POST", "/_bulk", "", 400, "parse_exception"),
        ("POST", "/_bulk", "{\"creat\":{}}\n{}\n", 400, "illegal_argument_exception"),
    ] {
        let (found, answer) = server.send(method, target, body);
        assert_eq!(
            (found, answer["error"]["type"].as_str()),
            (status, Some(kind)),
            "{method} {target} {body}: {answer}"
        );
        assert_eq!(answer["error"]["root_cause"][0]["type"], kind);
        assert_eq!(answer["status"], status);
    }
}

#[test]
fn pipelines_and_rollover_work_together() {
    let (_folder, server) = server();
    server.good("PUT", "/_ingest/pipeline/p", &json!({"processors": [{"lowercase": {"field": "level"}}]}));
    let item = |id: &str| json!({"create": {"_index": "logs-demo-default", "_id": id, "pipeline": "p"}});
    let (_, answer) = bulk(
        &server,
        &[
            item("1"),
            json!({"@timestamp": "2026-01-01T00:00:00Z", "level": "WARN"}),
            item("2"),
            json!({"@timestamp": "2026-01-01T00:00:00Z"}),
        ],
    );
    assert_eq!(
        (&answer["items"][0]["create"]["status"], &answer["items"][1]["create"]["status"]),
        (&json!(201), &json!(500))
    );
    let rolled = server.good("POST", "/logs-demo-default/_rollover", &Value::Null);
    assert_eq!(rolled["rolled_over"], true);
    // Ids are unique within a backing index only, as in Elasticsearch.
    let (_, answer) =
        bulk(&server, &[item("1"), json!({"@timestamp": "2026-01-01T00:00:00Z", "level": "x"})]);
    assert_eq!(answer["items"][0]["create"]["status"], 201);
    let found = server.good(
        "POST",
        "/logs-demo-default/_search",
        &json!({"query": {"term": {"level": "warn"}}, "track_total_hits": true}),
    );
    assert_eq!(found["hits"]["total"]["value"], 1);
    let streams = server.good("GET", "/_data_stream/logs-demo-default", &Value::Null);
    assert_eq!(streams["data_streams"][0]["generation"], 2);
    let old = rolled["old_index"].as_str().expect("a name");
    let found = server.good(
        "POST",
        &format!("/{old}/_mget?filter_path=docs._id,docs.found"),
        &json!({"ids": ["1", "9"]}),
    );
    assert_eq!(found, json!({"docs": [{"_id": "1", "found": true}, {"_id": "9", "found": false}]}));
}

#[test]
fn documents_without_a_value_count_with_those_that_have_the_one_given_for_them() {
    let (_folder, server) = server();
    let document = |level: Option<&str>| match level {
        Some(level) => json!({"@timestamp": "2026-01-01T00:00:00Z", "level": level}),
        None => json!({"@timestamp": "2026-01-01T00:00:00Z"}),
    };
    let lines =
        [create("a"), document(Some("")), create("b"), document(None), create("c"), document(Some("warn"))];
    assert_eq!(bulk(&server, &lines).0, 200);
    let terms = json!({"size": 0, "aggs": {"levels": {"terms": {"field": "level", "missing": ""}}}});
    let answer = server.good("POST", "/logs-demo-default/_search", &terms);
    let buckets = answer["aggregations"]["levels"]["buckets"].as_array().expect("buckets");
    let counts: Vec<(&str, u64)> = buckets
        .iter()
        .map(|bucket| (bucket["key"].as_str().unwrap_or("?"), bucket["doc_count"].as_u64().unwrap_or(0)))
        .collect();
    assert_eq!(counts, [("", 2), ("warn", 1)]);
}

#[test]
fn a_field_answers_to_its_other_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let mappings = json!({"properties": {
        "host.name": {"type": "keyword"},
        "beat.hostname": {"type": "alias", "path": "host.name"},
    }});
    server.good("PUT", "/shop", &json!({"mappings": mappings}));
    let lines = [json!({"index": {"_index": "shop"}}), json!({"host": {"name": "vm-1"}})];
    assert_eq!(bulk(&server, &lines).1["errors"], json!(false));
    let search = json!({
        "query": {"bool": {"filter": [{"term": {"beat.hostname": "vm-1"}}, {"exists": {"field": "beat.hostname"}}]}},
        "aggs": {"hosts": {"terms": {"field": "beat.hostname"}}},
        "docvalue_fields": ["beat.hostname"], "sort": [{"beat.hostname": "asc"}],
    });
    let answer = server.good("POST", "/shop/_search", &search);
    let hit = &answer["hits"]["hits"][0];
    assert_eq!(hit["fields"], json!({"beat.hostname": ["vm-1"]}));
    assert_eq!(hit["sort"], json!(["vm-1"]));
    assert_eq!(answer["aggregations"]["hosts"]["buckets"], json!([{"key": "vm-1", "doc_count": 1}]));
    let caps = server.good("GET", "/shop/_field_caps?fields=beat.*", &Value::Null);
    assert_eq!(caps["fields"]["beat.hostname"]["keyword"]["aggregatable"], json!(true));
    let (_, refused) =
        bulk(&server, &[json!({"index": {"_index": "shop"}}), json!({"beat": {"hostname": "vm-2"}})]);
    let error = &refused["items"][0]["index"]["error"];
    assert_eq!(error["type"], "document_parsing_exception");
    assert_eq!(error["caused_by"]["reason"], "Cannot write to a field alias [beat.hostname].");
}

#[test]
fn an_index_named_by_its_date_is_written_through_its_alias() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let body = json!({"aliases": {"shop": {"is_write_index": true}}});
    // `<shop-{now/y{uuuu}}-000001>`
    let made = server.good("PUT", "/%3Cshop-%7Bnow%2Fy%7Buuuu%7D%7D-000001%3E", &body);
    let name = made["index"].as_str().expect("a name").to_owned();
    assert!(name.starts_with("shop-2") && name.ends_with("-000001"), "{name}");
    let lines = [json!({"create": {"_index": "shop"}}), json!({"n": 1})];
    assert_eq!(bulk(&server, &lines).1["items"][0]["create"]["_index"], json!(name));
    let lines = [json!({"create": {"_index": "<shop-{now/y{uuuu}}-000001>"}}), json!({"n": 2})];
    assert_eq!(bulk(&server, &lines).1["errors"], json!(false));
    assert_eq!(server.good("GET", "/shop/_count", &Value::Null)["count"], json!(2));
    let (status, refused) = server.send("PUT", "/%3Cshop-%7Byesterday%7D%3E", "");
    assert_eq!((status, &refused["error"]["type"]), (400, &json!("parse_exception")));
}
