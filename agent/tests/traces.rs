//! Stack traces in texts give the fields of an error, whatever runtime wrote them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/mapping.rs"]
#[allow(dead_code, reason = "shared by several tests, each using its part")]
mod mapping;

use blueox::event::LineEnd;
use blueox::line::{Ending, Flow, Framing, Piece, frame_events};
use mapping::{Pipeline, environment, input};
use serde_json::{Value, json};

/// What an event says of its error: type, message, first line and number of lines of the trace.
type Told<'a> = Option<(Value, Value, &'a str, usize)>;

fn events(text: &str) -> Vec<String> {
    let mut events = Vec::new();
    let framed = frame_events(text.as_bytes(), 0, &Framing::Lines, Ending::Ended, |piece| {
        if let Piece::Line { bytes, .. } = piece {
            events.push(String::from_utf8(bytes.to_vec()).unwrap());
        }
        Flow::Continue
    });
    assert_eq!(framed.consumed, text.len());
    events
}

/// Maps every event of `text`; of those that are more than one line says what they tell.
fn check(name: &str, text: &str, expected: &[Told<'_>]) {
    let mut pipeline = Pipeline::new(&input(None), &environment());
    let traces: Vec<String> = events(text).into_iter().filter(|event| event.contains('\n')).collect();
    assert_eq!(traces.len(), expected.len(), "{name}: {traces:#?}");
    for (event, expected) in traces.iter().zip(expected) {
        let (document, _) = pipeline.map(event, LineEnd::Terminated);
        assert_eq!(document["message"], **event, "{name}: the message is the whole text");
        let error = &document["error"];
        let Some((kind, message, first, lines)) = expected else {
            assert_eq!(*error, Value::Null, "{name}");
            continue;
        };
        assert_eq!((&error["type"], &error["message"]), (kind, message), "{name}: {event}");
        let stack = error["stack_trace"].as_str().unwrap();
        assert_eq!((stack.lines().next().unwrap(), stack.lines().count()), (*first, *lines), "{name}");
        assert!(event.ends_with(stack), "{name}: {stack}");
    }
}

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("data/traces/", $name, ".txt"))
    };
}

const PYTHON: &str = "Traceback (most recent call last):";

// I10
#[test]
fn traces_of_real_runtimes_give_type_message_and_stack() {
    let java = (json!("java.lang.IllegalStateException"), json!("order 7 failed"));
    let first = "java.lang.IllegalStateException: order 7 failed";
    let java = |lines| Some((java.0.clone(), java.1.clone(), first, lines));
    check("java", sample!("java"), &[java(17), java(28)]);
    check(
        "python",
        sample!("python"),
        &[
            Some((json!("RuntimeError"), json!("no cart"), PYTHON, 19)),
            Some((json!("ValueError"), json!("invalid literal for int() with base 10: 'x'"), PYTHON, 16)),
            Some((
                json!("ExceptionGroup"),
                json!("several (2 sub-exceptions)"),
                "  + Exception Group Traceback (most recent call last):",
                10,
            )),
            Some((json!("RecursionError"), json!("maximum recursion depth exceeded"), PYTHON, 14)),
        ],
    );
    let carts = "assertion `left == right` failed: the number of carts\n  left: 6\n right: 7";
    let rust = |message: &str, first, lines| Some((json!("panic"), json!(message), first, lines));
    check(
        "rust",
        sample!("rust"),
        &[
            rust("first\nsecond line", "thread '<unnamed>' (20424) panicked at a.rs:2:63:", 4),
            rust(carts, "thread 'main' (20423) panicked at a.rs:1:19:", 4),
        ],
    );
    check(
        "rust-backtrace",
        sample!("rust-backtrace"),
        &[
            rust("first\nsecond line", "thread '<unnamed>' (9401) panicked at a.rs:2:63:", 9),
            rust(carts, "thread 'main' (9400) panicked at a.rs:1:19:", 20),
        ],
    );
    let nil = "runtime error: invalid memory address or nil pointer dereference";
    let headline = format!("panic: {nil} [recovered]");
    check(
        "go",
        sample!("go"),
        &[
            Some((json!("panic"), json!("no price"), "goroutine 22 [running]:", 15)),
            Some((json!("panic"), json!(nil), &headline, 43)),
        ],
    );
    check(
        "node",
        sample!("node"),
        &[
            Some((json!("Error"), json!("order failed"), "Error: order failed", 14)),
            Some((json!("TypeError"), json!("boom"), "TypeError: boom", 9)),
        ],
    );
    check(
        "dotnet",
        sample!("dotnet"),
        &[
            Some((
                json!("System.InvalidOperationException"),
                json!("order 7 failed"),
                "System.InvalidOperationException: order 7 failed",
                8,
            )),
            Some((
                json!("System.NullReferenceException"),
                json!("Object reference not set to an instance of an object."),
                "System.NullReferenceException: Object reference not set to an instance of an object.",
                2,
            )),
        ],
    );
}

// I10
#[test]
fn a_trace_cut_anywhere_is_a_sound_document_and_names_only_what_it_holds_whole() {
    let mut pipeline = Pipeline::new(&input(None), &environment());
    for text in [sample!("java"), sample!("python"), sample!("go"), sample!("rust-backtrace")] {
        let event = events(text).into_iter().find(|event| event.contains('\n')).unwrap();
        let (whole, _) = pipeline.map(&event, LineEnd::Terminated);
        for cut in 1..event.len() {
            let end = LineEnd::Cut { original_len: event.len() as u64 };
            let (document, _) = pipeline.map(&event[..cut], end);
            assert_eq!(document["message"], event[..cut]);
            assert_eq!(document["log"]["flags"], json!(["truncated"]));
            let error = &document["error"];
            if let Some(stack) = error["stack_trace"].as_str() {
                assert!(event[..cut].contains(stack) && !stack.is_empty(), "{stack}");
            }
            // Of Python's, the trace that was cut may have been the cause only.
            let kinds = [&Value::Null, &whole["error"]["type"], &json!("TimeoutError")];
            assert!(kinds.contains(&&error["type"]), "{error}");
        }
    }
}

#[test]
fn what_the_operator_states_beats_the_trace_and_json_is_left_alone() {
    let mut input = input(None);
    let stated = blueox::config::FieldValue::Text("stated".into());
    input.fields = vec![("error.type".into(), stated)];
    let mut pipeline = Pipeline::new(&input, &environment());
    let (document, _) = pipeline.map("x.Error: a\n\tat a.B.c(B.java:3)", LineEnd::Terminated);
    assert_eq!((&document["error"]["type"], &document["error"]["message"]), (&json!("stated"), &json!("a")));
    let (document, _) = pipeline.map("{\"message\":\"x.Error: a\",\n\"n\":1}", LineEnd::Terminated);
    assert_eq!(
        (&document["error"]["type"], &document["error"]["stack_trace"]),
        (&json!("stated"), &Value::Null)
    );
}

/// One entry alone, one with an event id and an exception, one with a time and a text of three lines, one as a terminal gets
/// it, and a line. As Microsoft documents the output of the simple console.
const CONSOLE: &str = sample!("dotnet-console");

// I10
#[test]
fn entries_of_the_console_of_dotnet_are_one_event_each_with_its_fields() {
    let mut events = events(CONSOLE);
    assert_eq!(events.pop().unwrap(), "done");
    let mut pipeline = Pipeline::new(&input(None), &environment());
    let documents: Vec<Value> =
        events.iter().map(|event| pipeline.map(event, LineEnd::Terminated).0).collect();
    let told: Vec<Value> = documents
        .iter()
        .map(|of| json!([of["log"]["level"], of["log"]["logger"], of["event"]["code"], of["message"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["info", "Microsoft.Hosting.Lifetime", null, "Now listening on: http://localhost:5000"]),
            json!(["error", "Shop.Orders", "7", "order 7 failed"]),
            json!(["warn", "Shop.Cart", null, "two\n\nlines"]),
            json!(["fatal", "Shop.Program", null, "out of memory"]),
        ]
    );
    let error = &documents[1]["error"];
    assert_eq!(
        (&error["type"], &error["message"]),
        (&json!("System.InvalidOperationException"), &json!("no price"))
    );
    let stack = error["stack_trace"].as_str().unwrap();
    assert!(
        stack.starts_with("System.InvalidOperationException: no price\n ---> System.ArgumentException"),
        "{stack}"
    );
    assert!(stack.ends_with("\n   at Shop.Orders.Take() in /src/Orders.cs:line 30"), "{stack}");
    assert!([0, 2, 3].iter().all(|at| documents[*at]["error"].is_null()));
    // The zone of the input is +02:00; a time of day alone has no day.
    let read_at = &documents[0]["@timestamp"];
    assert_eq!(
        (&documents[2]["@timestamp"], &documents[3]["@timestamp"]),
        (&json!("2026-11-30T08:15:00.000Z"), read_at)
    );
    assert_eq!(documents[3]["labels"]["time"], "10:15:01");
}

#[test]
fn an_exception_without_words_is_its_own_message() {
    let mut pipeline = Pipeline::new(&input(None), &environment());
    let event =
        "[2026-11-30 10:15:00] crit: A.B[0]\n      \n      System.Exception: no price\n         at A.B.C()";
    let (document, _) = pipeline.map(event, LineEnd::Terminated);
    assert_eq!(
        (&document["message"], &document["error"]["message"]),
        (&json!("no price"), &json!("no price"))
    );
    assert_eq!(document["@timestamp"], "2026-11-30T08:15:00.000Z");
}

// I10
#[test]
fn an_entry_of_the_console_cut_anywhere_is_a_sound_document() {
    let event = &events(CONSOLE)[1];
    let mut pipeline = Pipeline::new(&input(None), &environment());
    for cut in 1..event.len() {
        let end = LineEnd::Cut { original_len: event.len() as u64 };
        let (document, _) = pipeline.map(&event[..cut], end);
        let kinds = [Value::Null, json!("System.InvalidOperationException")];
        assert!(kinds.contains(&document["error"]["type"]), "{document}");
        let is_entry = event[..cut].contains("\n      ");
        assert_eq!(document["log"]["level"] == "error", is_entry, "{document}");
    }
}

// What other programs write so stays text, each line an event.
#[test]
fn lines_that_only_resemble_the_console_stay_as_they_are() {
    for text in [
        "info: x\n      indented\n",
        "info: two of [12]\n      indented\n",
        "info: Shop.Orders[7]\n   three blanks\n",
        "info: Shop.Orders[7] on one line\n      indented\n",
        "error: Shop.Orders[7]\n      indented\n",
    ] {
        let events = events(text);
        assert_eq!(events.join("\n") + "\n", text);
        assert_eq!(events.len(), 2, "{text}");
        let mut pipeline = Pipeline::new(&input(None), &environment());
        let (document, _) = pipeline.map(&events[0], LineEnd::Terminated);
        assert_eq!((&document["message"], &document["log"]["level"]), (&json!(events[0]), &Value::Null));
    }
}
