use proptest::prelude::*;
use serde_json::{Value, json};

use super::query::{Comparison, Literal, Pattern, Query};

fn dsl(text: &str) -> Value {
    Query::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}")).to_dsl()
}

fn should(clause: Value) -> Value {
    json!({"bool": {"should": [clause], "minimum_should_match": 1}})
}

#[test]
fn every_form_becomes_the_query_that_kibana_sends() {
    let (a, b, c) =
        (json!({"match": {"f": "a"}}), json!({"match": {"f": "b"}}), json!({"match": {"f": "c"}}));
    let (a, b, c) = (should(a), should(b), should(c));
    let either = json!({"bool": {"should": [a, b], "minimum_should_match": 1}});
    let table = [
        ("", json!({"match_all": {}})),
        ("   ", json!({"match_all": {}})),
        ("*", json!({"match_all": {}})),
        ("*: *", json!({"match_all": {}})),
        ("f: a", a.clone()),
        ("f:a", a.clone()),
        ("f : a  ", a.clone()),
        ("f: \"a b\"", should(json!({"match_phrase": {"f": "a b"}}))),
        ("f: \"say \\\"a\\\" \\\\ \\u0041\"", should(json!({"match_phrase": {"f": "say \"a\" \\ A"}}))),
        ("f: a b c", should(json!({"match": {"f": "a b c"}}))),
        ("f: *", should(json!({"exists": {"field": "f"}}))),
        ("f: a*", should(json!({"query_string": {"fields": ["f"], "query": "a*"}}))),
        ("f: a-b c*d", should(json!({"query_string": {"fields": ["f"], "query": "a\\-b\\ c*d"}}))),
        ("f: a\\*", should(json!({"match": {"f": "a*"}}))),
        ("f: true", should(json!({"match": {"f": true}}))),
        ("f: trueish", should(json!({"match": {"f": "trueish"}}))),
        ("f: null", should(json!({"match": {"f": "null"}}))),
        ("f >= 5", should(json!({"range": {"f": {"gte": "5"}}}))),
        ("f<=5", should(json!({"range": {"f": {"lte": "5"}}}))),
        ("f > \"2026-01-01\"", should(json!({"range": {"f": {"gt": "2026-01-01"}}}))),
        ("f < -1.5", should(json!({"range": {"f": {"lt": "-1.5"}}}))),
        ("f: a and f: b", json!({"bool": {"filter": [a, b]}})),
        ("f: a or f: b", either.clone()),
        ("f: a OR f: b", either.clone()),
        ("not f: a", json!({"bool": {"must_not": a}})),
        ("NOT (f: a)", json!({"bool": {"must_not": a}})),
        ("f: (a or b)", either.clone()),
        (
            "f: (a or b and not c)",
            json!({"bool": {"should": [a, {"bool": {"filter": [b, {"bool": {"must_not": c}}]}}], "minimum_should_match": 1}}),
        ),
        (
            "f: a or f: b and f: c",
            json!({"bool": {"should": [a, {"bool": {"filter": [b, c]}}], "minimum_should_match": 1}}),
        ),
        ("(f: a or f: b) and f: c", json!({"bool": {"filter": [either, c]}})),
        (
            "n: { f: a }",
            json!({"nested": {"path": "n", "query": should(json!({"match": {"n.f": "a"}})), "score_mode": "none"}}),
        ),
        ("a", json!({"multi_match": {"query": "a", "type": "best_fields", "lenient": true}})),
        ("\"a b\"", json!({"multi_match": {"query": "a b", "type": "phrase", "lenient": true}})),
        ("a*", json!({"query_string": {"query": "a*"}})),
        ("*: a", json!({"multi_match": {"query": "a", "type": "best_fields", "lenient": true}})),
        (
            "f.*: a",
            should(
                json!({"multi_match": {"query": "a", "type": "best_fields", "lenient": true, "fields": ["f.*"]}}),
            ),
        ),
        ("f.*: *", should(json!({"exists": {"field": "f.*"}}))),
        ("f: sand or", should(json!({"match": {"f": "sand or"}}))),
        ("f: android and f: b", json!({"bool": {"filter": [should(json!({"match": {"f": "android"}})), b]}})),
        ("f: a\\ and\\ b", should(json!({"match": {"f": "a and b"}}))),
        ("f: \\and", should(json!({"match": {"f": "and"}}))),
        ("f: cannot do", should(json!({"match": {"f": "cannot do"}}))),
        ("f: /a/b", should(json!({"match": {"f": "/a/b"}}))),
        ("\"f g\": a", should(json!({"match": {"f g": "a"}}))),
        ("f: \"a\" ", should(json!({"match_phrase": {"f": "a"}}))),
        (
            "log.level: (\"error\" or \"fatal\")",
            json!({"bool": {"should": [
            should(json!({"match_phrase": {"log.level": "error"}})),
            should(json!({"match_phrase": {"log.level": "fatal"}})),
        ], "minimum_should_match": 1}}),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(dsl(text), expected, "{text}");
    }
}

#[test]
fn a_mistake_is_found_where_it_is() {
    for (text, position, expected) in [
        ("f:", 2, "a value"),
        ("f: and f: b", 3, "a value"),
        ("f: a and ", 9, "a field or a value"),
        ("(f: a", 5, "`)`"),
        ("f: a)", 4, "`and`, `or` or the end"),
        ("f: \"a", 5, "`\"`"),
        ("f: \"a\"and f: b", 6, "`and`, `or` or the end"),
        ("f: (a or )", 9, "a value"),
        ("f > ", 4, "a value to compare with"),
        ("f > 5*", 4, "a value without wildcards"),
        ("n: { f: a", 9, "`}`"),
        ("f: a:b", 4, "`and`, `or` or the end"),
        ("()", 1, "a field or a value"),
        ("f: ü not g: a", 6, "`and`, `or` or the end"),
    ] {
        let error = Query::parse(text).expect_err(text);
        assert_eq!((error.position, error.expected), (position, expected), "{text}: {error}");
    }
}

#[test]
fn nesting_ends_with_an_error_and_not_with_the_stack() {
    for (open, inner) in [("(", "a"), ("not ", "a"), ("n: { ", "a: b"), ("f: (", "a")] {
        let text = format!("{}{inner}", open.repeat(200_000));
        let error = Query::parse(&text).expect_err(open);
        assert!(error.position < 1000, "{error}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z.]{1,6}",
        "[ -~äé\t\n]{1,8}",
        prop::sample::select(vec!["and", "or", "not", "a and b", "OR", "not x", "x not", "x\\", "\u{a0}x"])
            .prop_map(str::to_owned),
    ]
    .prop_filter("a boolean is written differently", |text| !["true", "false"].contains(&text.as_str()))
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        text().prop_map(|text| Pattern::plain(&text)),
        prop::collection::vec(prop_oneof![Just(String::new()), text()], 2..4).prop_map(Pattern::of),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        "[ -~äé\t\n]{0,8}".prop_map(Literal::Phrase),
        any::<bool>().prop_map(Literal::Boolean),
        pattern().prop_map(Literal::Bare),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
    prop::sample::select(vec![Less, LessOrEqual, Greater, GreaterOrEqual])
}

fn query() -> impl Strategy<Value = Query> {
    let leaf = prop_oneof![
        literal().prop_map(|value| Query::Is(None, value)),
        (pattern(), literal()).prop_map(|(field, value)| Query::Is(Some(field), value)),
        (pattern(), comparison(), text())
            .prop_map(|(field, comparison, value)| Query::Compare(field, comparison, value)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Query::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Query::Or),
            inner.clone().prop_map(|query| Query::Not(Box::new(query))),
            (pattern(), inner).prop_map(|(path, query)| Query::Nested(path, Box::new(query))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(query in query()) {
        let text = query.to_string();
        prop_assert_eq!(Query::parse(&text), Ok(query), "{}", text);
    }

    #[test]
    fn no_text_stops_the_parser(text in "(f|a|:|\\*|\\(|\\)|\\{|\\}|<|>|=|\"|\\\\|and |or |not | |ü|\\\\u00){0,40}") {
        if let Err(error) = Query::parse(&text) {
            prop_assert!(text.is_char_boundary(error.position));
        }
    }
}
