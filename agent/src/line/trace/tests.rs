use super::*;
use crate::line::{Flow, Framing, Piece, frame_events};
use proptest::prelude::*;

/// Events of a text, and what is left of it.
fn events(text: &[u8], framing: &Framing, ending: Ending) -> (Vec<String>, usize) {
    let mut found = Vec::new();
    let framed = frame_events(text, 0, framing, ending, |piece| {
        if let Piece::Line { bytes, .. } = piece {
            found.push(String::from_utf8(bytes.to_vec()).unwrap());
        }
        Flow::Continue
    });
    (found, framed.consumed)
}

fn ended(text: &str) -> Vec<String> {
    let (found, consumed) = events(text.as_bytes(), &Framing::Lines, Ending::Ended);
    assert_eq!(consumed, text.len(), "{text}");
    found
}

/// How many lines each event has.
fn shape(text: &str) -> Vec<usize> {
    ended(text).iter().map(|event| event.split('\n').count()).collect()
}

pub(super) const SAMPLES: [(&str, &str, &[usize]); 8] = [
    // A message with its trace and cause, a line, an uncaught exception with a suppressed one and a cause.
    ("java", include_str!("../../../tests/data/traces/java.txt"), &[18, 1, 28]),
    // Direct cause; a line; another exception while one was handled; a group; recursion.
    ("python", include_str!("../../../tests/data/traces/python.txt"), &[20, 1, 17, 11, 14]),
    ("rust", include_str!("../../../tests/data/traces/rust.txt"), &[1, 4, 4]),
    ("rust-backtrace", include_str!("../../../tests/data/traces/rust-backtrace.txt"), &[1, 9, 20]),
    // A panic that net/http logs, two lines, a panic with all goroutines.
    ("go", include_str!("../../../tests/data/traces/go.txt"), &[16, 1, 1, 43]),
    // An error with a cause, the source line that Node shows, an uncaught error, Node's own line.
    ("node", include_str!("../../../tests/data/traces/node.txt"), &[1, 14, 1, 1, 1, 9, 1]),
    ("dotnet", include_str!("../../../tests/data/traces/dotnet.txt"), &[9, 1, 2]),
    // Entries of the console: a message, one with an exception, one with a time, one in colours; a line that is none.
    ("dotnet-console", include_str!("../../../tests/data/traces/dotnet-console.txt"), &[2, 7, 4, 2, 1]),
];

#[test]
fn traces_of_real_runtimes_are_one_event_each() {
    for (name, text, expected) in SAMPLES {
        assert_eq!(shape(text), expected, "{name}: {:#?}", ended(text));
    }
}

#[test]
fn only_what_surely_goes_on_is_joined() {
    let cases: [(&str, &[usize]); 24] = [
        // Plain lines, whatever they tell of.
        ("a\nb\n", &[1, 1]),
        ("ERROR a\nERROR b\n  indented\n", &[1, 1, 1]),
        ("ERROR a\n\nERROR b\n", &[1, 1]),
        ("1 ERROR a\nat noon\n at noon\n", &[1, 1, 1]),
        ("steps failed\n  1: one\n  2: two\n", &[1, 1, 1]),
        // The name of an exception alone is no trace.
        ("1 ERROR a\njava.io.IOException: no\n2 ERROR b\n", &[1, 1, 1]),
        ("1 ERROR a\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n", &[3]),
        ("1 INFO a\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n", &[1, 2]),
        ("1 ERROR a\n1 INFO b\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n", &[1, 1, 2]),
        ("java.io.IOException: a\njava.io.IOException: b\n\tat a.B.c(B.java:3)\n", &[1, 2]),
        // A message of several lines only if indented, and only if frames follow.
        ("java.io.IOException: a\n  more\n\tat a.B.c(B.java:3)\n", &[3]),
        ("java.io.IOException: a\n  more\n1 INFO b\n", &[1, 1, 1]),
        // A line in between ends the trace; its rest is a trace of its own.
        ("x.Error: a\n\tat a.B.c(B.java:3)\n1 INFO b\n\tat a.B.d(B.java:4)\n\t... 12 more\n", &[2, 1, 2]),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nINFO: started\n", &[2, 1]),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    f()\nE: a\nKeyError: a\n",
            &[3, 1, 1],
        ),
        // JSON is never joined, in any position.
        ("{\"level\":\"error\"}\n\tat a.B.c(B.java:3)\n{\"a\":1}\n", &[1, 1, 1]),
        (" {\"level\":\"error\"}\n\tat a.B.c(B.java:3)\n", &[1, 1]),
        ("x.Error: a\n{\"a\":1}\n\tat a.B.c(B.java:3)\n", &[1, 1, 1]),
        ("thread 'main' panicked at src/main.rs:1:2:\n{\"a\":1}\n", &[1, 1]),
        // Blank lines belong to a trace only in its middle.
        ("panic: a\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:3 +0x1\n\nnext\n", &[5, 1]),
        ("panic: a\n\nnext\n", &[1, 1]),
        // The first line of an entry of the console only with one below it; other traces go on behind such a line.
        ("warn: a[3]\nwarn: a[4]\n      b\n", &[1, 2]),
        ("warn: a[3]\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n", &[3]),
        ("goroutine 1 [running]:\nmain.main()\nmain.load()\n\t/app/main.go:3 +0x1\n", &[1, 1, 1, 1]),
    ];
    for (text, expected) in cases {
        assert_eq!(shape(text), expected, "{text}: {:#?}", ended(text));
    }
}

#[test]
fn a_growing_text_waits_only_where_a_trace_may_follow() {
    let left = |text: &str| {
        let framed = frame_events(text.as_bytes(), 0, &Framing::Lines, Ending::Growing, |_| Flow::Continue);
        (text.len() - framed.consumed, framed.has_open_block)
    };
    assert_eq!(left("1 INFO a\n"), (0, false));
    assert_eq!(left("{\"level\":\"error\"}\n"), (0, false));
    assert_eq!(left("1 INFO a\n1 ERROR b\n"), (10, true));
    assert_eq!(left("1 ERROR b\n1 INFO a\n"), (0, false));
    assert_eq!(left("info: A.B[0]\n"), (13, true));
    assert_eq!(left("info: A.B[0]\n      a\n"), (21, true));
    assert_eq!(left("info: A.B[0]\n      a\ninfo: c\n"), (0, false));
    // Time does not end a trace while half a line stands behind it.
    assert_eq!(left("x.Error: b\n\tat a.B.c(B.java:3)\n\tat"), (34, false));
    assert_eq!(left("x.Error: b\n\tat a.B.c(B.java:3)\n"), (31, true));
}

#[test]
fn a_trace_without_end_is_cut_into_bounded_events() {
    for frame in ["\tat shop.Orders.take(Orders.java:30)\n", "\tat a.b(c)\n"] {
        let text = ["1 ERROR a\n", &frame.repeat(20_000)].concat();
        let found = ended(&text);
        assert!(
            found.iter().all(|event| event.len() <= GROUP_BYTES && event.split('\n').count() <= MAX_LINES)
        );
        assert!(found.len() < 30, "{}", found.len());
    }
    // Lines that only later ones could decide on hold nothing up.
    let text = ["x.Error: a\n", &"  more\n".repeat(20_000)].concat();
    assert_eq!(ended(&text).len(), 20_001);
}

fn in_cri(text: &str) -> String {
    let wrap = |line: &str| match line.len() > 20 && line.is_char_boundary(9) {
        true => format!(
            "2026-08-21T10:15:30Z stderr P {}\n2026-08-21T10:15:30Z stderr F {}\n",
            &line[..9],
            &line[9..]
        ),
        false => format!("2026-08-21T10:15:30Z stderr F {line}\n"),
    };
    text.lines().map(wrap).collect()
}

fn in_docker(text: &str) -> String {
    let wrap = |line: &str| {
        let log = serde_json::to_string(&format!("{line}\n")).unwrap().replace('>', "\\u003e");
        format!("{{\"log\":{log},\"stream\":\"stderr\",\"time\":\"2026-08-21T10:15:30Z\"}}\n")
    };
    text.lines().map(wrap).collect()
}

#[test]
fn traces_in_containers_are_the_same_events() {
    for (name, text, _) in SAMPLES {
        for (wrapped, container) in [(in_cri(text), Container::Cri), (in_docker(text), Container::Docker)] {
            let (found, consumed) = events(wrapped.as_bytes(), &Framing::Container(container), Ending::Ended);
            let mut unwrapper = crate::event::Unwrapper::default();
            let found: Vec<String> = found
                .iter()
                .map(|group| {
                    let unwrapped = unwrapper.unwrap(group.as_bytes(), container).unwrap();
                    String::from_utf8(unwrapped.text.to_vec()).unwrap()
                })
                .collect();
            assert_eq!(found, ended(text), "{name} in {container:?}");
            assert_eq!(consumed, wrapped.len());
        }
    }
}

#[test]
fn the_other_stream_ends_a_trace() {
    let text = "2026-08-21T10:15:30Z stderr F x.Error: a\n2026-08-21T10:15:30Z stdout F hello\n\
                2026-08-21T10:15:30Z stderr F \tat a.B.c(B.java:3)\n";
    let (found, _) = events(text.as_bytes(), &Framing::Container(Container::Cri), Ending::Ended);
    assert_eq!(found.len(), 3);
}

proptest! {
    /// Reading in pieces, as after a kill at any byte, gives the same events as reading at once.
    #[test]
    fn any_split_gives_the_same_events(
        order in proptest::collection::vec(0usize..SAMPLES.len(), 1..4),
        plain in "[a-zA-Z0-9 :\\t\\n{}]{0,40}",
        cuts in proptest::collection::vec(0usize..12_000, 0..8),
        framing in prop_oneof![Just(Container::None), Just(Container::Cri), Just(Container::Docker)],
    ) {
        let text: String = order.iter().flat_map(|at| [SAMPLES[*at].1, &plain, "\n"]).collect();
        let (text, framing) = match framing {
            Container::None => (text, Framing::Lines),
            Container::Cri => (in_cri(&text), Framing::Container(framing)),
            Container::Docker => (in_docker(&text), Framing::Container(framing)),
        };
        let (whole, _) = events(text.as_bytes(), &framing, Ending::Ended);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let (mut found, mut from) = (Vec::new(), 0);
        for cut in cuts {
            let (events, consumed) = events(&text.as_bytes()[from..cut.max(from)], &framing, Ending::Growing);
            found.extend(events);
            from += consumed;
        }
        let (rest, _) = events(&text.as_bytes()[from..], &framing, Ending::Ended);
        found.extend(rest);
        prop_assert_eq!(found, whole);
    }
}
