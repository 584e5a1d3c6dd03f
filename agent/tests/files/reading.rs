//! What lies in files, however it was cut, ended or garbled, becomes one event a line.

use crate::agent::Site;
use crate::log;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{Stored, items_sent, messages, of_file};
use bench::fault::FaultServer;
use std::fs;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// The agent has looked at everything written before this: a line written now to another file is stored.
fn pass(agent: &mut crate::agent::Agent, server: &FaultServer, beacon: &mut LogFile) {
    let before = server.created();
    beacon.line("beacon");
    agent.wait("the beacon is stored", || server.created() > before);
}

// F01, F07
#[test]
fn a_line_written_in_pieces_is_one_event_once_its_newline_is_there() {
    let server = server();
    let site = Site::new(&server.url());
    let (mut log, mut beacon) = (log(&site, "a.log"), log(&site, "beacon.log"));
    let mut agent = site.run();
    for piece in [&b"first\n{\"message\":\"gr\xc3"[..], b"\xbcn \xe2\x82", b"\xac", b"\"}", b"\r"] {
        log.raw(piece);
        pass(&mut agent, &server, &mut beacon);
    }
    assert_eq!(messages(&server, "a.log"), ["first"]);
    log.raw(b"\n");
    agent.wait("the line is stored", || messages(&server, "a.log").len() == 2);
    assert!(agent.stop().success());
    assert_eq!(messages(&server, "a.log"), ["first", "grün €"]);
}

// F02, F03
#[test]
fn half_a_line_at_the_end_of_a_run_is_one_event_of_the_next() {
    for killed in [false, true] {
        let server = server();
        let site = Site::new(&server.url());
        let mut log = log(&site, "a.log");
        log.raw(b"whole\nha");
        let mut agent = site.run();
        agent.wait("the whole line is stored", || server.created() == 1);
        match killed {
            true => agent.kill(),
            false => assert!(agent.stop().success()),
        }
        log.raw(b"lf\nlast\n");
        let mut agent = site.run();
        agent.wait("all lines are stored", || server.created() >= 3);
        assert!(agent.stop().success());
        let found: Vec<(u64, String)> =
            of_file(&server, "a.log").into_iter().map(|stored| (stored.offset, stored.message)).collect();
        assert_eq!(found, [(0, "whole".into()), (6, "half".into()), (11, "last".into())], "killed: {killed}");
        assert!(killed || items_sent(&server) == 3, "after a stop nothing is sent twice");
    }
}

// F04, F05
#[test]
fn tail_of_a_renamed_file_is_completed_or_else_shipped_as_partial() {
    let server = server();
    let site = Site::new(&server.url());
    let (mut log, mut abandoned) = (log(&site, "a.log"), log(&site, "b.log"));
    log.raw(b"one\nha");
    abandoned.raw(b"two\nta");
    let mut agent = site.run();
    agent.wait("the whole lines are stored", || server.created() == 2);
    log.rename_only("a.log.1");
    abandoned.rename_and_reopen("b.log.1");
    pass(&mut agent, &server, &mut abandoned);
    log.raw(b"lf\n");
    agent.wait("the line of the late writer is stored", || server.created() == 4);
    agent.wait("the abandoned tail is stored", || server.created() >= 5);
    assert!(agent.stop().success());

    let whole = of_file(&server, "a.log.1");
    assert_eq!(messages(&server, "a.log.1"), ["half"]);
    assert!(whole[0].flags().is_empty(), "{whole:?}");
    let tail = of_file(&server, "b.log.1");
    assert_eq!((tail[0].message.as_str(), tail[0].flags()), ("ta", vec!["partial"]));

    // What was shipped as partial is final.
    let sent = items_sent(&server);
    let mut agent = site.run();
    pass(&mut agent, &server, &mut abandoned);
    assert!(agent.stop().success());
    assert_eq!((server.created(), items_sent(&server)), (6, sent + 1));
}

// F06
#[test]
fn unterminated_text_is_pending_until_its_file_is_deleted() {
    let server = server();
    let site = Site::new(&server.url());
    log(&site, "whole.log").raw(b"line\nno newline");
    log(&site, "alone.log").raw(b"nothing else");
    let mut beacon = log(&site, "beacon.log");
    let mut agent = site.run();
    agent.wait("the whole line is stored", || server.created() == 1);
    pass(&mut agent, &server, &mut beacon);
    let status = agent.wait_status("both files are known", |status| status.files.len() == 3);
    for (name, settled) in [("whole.log", 5), ("alone.log", 0)] {
        let file = status.files.iter().find(|file| file.path.ends_with(name)).expect("the file");
        assert_eq!((file.read, file.settled), (settled, settled), "{file:?}");
        assert!(file.size > file.settled, "{file:?}");
    }
    assert_eq!(status.accounts.read, 2, "the beacon and the whole line: {status:#?}");

    fs::remove_file(site.logs().join("whole.log")).expect("removed");
    fs::remove_file(site.logs().join("alone.log")).expect("removed");
    agent.wait("the tails are stored", || server.created() >= 4);
    assert!(agent.stop().success());
    for (name, tail) in [("whole.log", "no newline"), ("alone.log", "nothing else")] {
        let last = of_file(&server, name).pop().expect("an event");
        assert_eq!((last.message.as_str(), last.flags()), (tail, vec!["partial"]));
    }
}

// F08, F10: the agent reads chunks of 128 KiB, behind up to 1 KiB that it knows, and 256 KiB of a file in a turn.
#[test]
fn characters_and_terminators_at_the_edges_of_reads_stay_whole() {
    let server = server();
    let site = Site::new(&server.url());
    let mut expected = Vec::new();
    for edge in [64, 127, 128, 129, 255, 256, 257, 258].map(|kib| kib * 1024) {
        for shift in 0..4 {
            // The two bytes of `é`, then CR and LF, then the next line lie around the edge.
            let filler = "x".repeat(edge - 4 + shift);
            let name = format!("{edge}-{shift}.log");
            log(&site, &name).raw(format!("{filler}é\r\nnext é\r\n").as_bytes());
            expected.push((name, [format!("{filler}é"), "next é".into()]));
        }
    }
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 2 * expected.len() as u64);
    assert!(agent.stop().success());
    let all = crate::stored::all(&server);
    assert_eq!(all.len(), 2 * expected.len());
    for (name, lines) in expected {
        let found: Vec<&Stored> = all.iter().filter(|stored| stored.file == name).collect();
        assert!(found[0].message == lines[0] && found[1].message == lines[1], "{name}");
        assert!(found.iter().all(|stored| stored.flags().is_empty()), "{name}");
    }
}

/// Text of a file, and the events it makes: message, flags, tags.
struct Case {
    name: &'static str,
    text: &'static [u8],
    events: &'static [Expected],
}

type Expected = (&'static str, &'static [&'static str], &'static [&'static str]);

const REFUSED: &[&str] = &["_jsonparsefailure"];
const REPLACED: &[&str] = &["invalid_utf8"];

// F09, F13, F14, F17, F20, F21, F25, F26, F27, F29
const CASES: &[Case] = &[
    // F09: one CR belongs to the terminator.
    Case { name: "crlf", text: b"one\r\nt\rwo\r\r\n", events: &[("one", &[], &[]), ("t\rwo\r", &[], &[])] },
    // F12, F13, F14: blank lines make no event.
    Case {
        name: "blank",
        text: b"\n\r\n \t \r\n\nline\n\n  \nlast\n\n",
        events: &[("line", &[], &[]), ("last", &[], &[])],
    },
    Case { name: "newlines", text: b"\n\n\n\n\n", events: &[] },
    // F17
    Case {
        name: "nul",
        text: b"a\0b\0\n{\"message\":\"c\0d\"}\nend\n",
        events: &[("a\0b\0", &[], &[]), ("{\"message\":\"c\0d\"}", &[], REFUSED), ("end", &[], &[])],
    },
    // F20: a lone byte, an overlong form, half a sequence, a surrogate; the neighbours are whole.
    Case {
        name: "invalid-utf8",
        text: b"good\nlone \xff\n{\"message\":\"over\xc0\xaf\"}\nhalf \xe2\x82\nsurrogate \xed\xa0\x80\n{\"message\":\"good \xe2\x82\xac\"}\n",
        events: &[
            ("good", &[], &[]),
            ("lone \u{fffd}", REPLACED, &[]),
            ("{\"message\":\"over\u{fffd}\u{fffd}\"}", REPLACED, REFUSED),
            ("half \u{fffd}", REPLACED, &[]),
            ("surrogate \u{fffd}\u{fffd}\u{fffd}", REPLACED, &[]),
            ("good €", &[], &[]),
        ],
    },
    // F21: at the beginning only.
    Case {
        name: "bom",
        text: b"\xef\xbb\xbf{\"message\":\"first\"}\n\xef\xbb\xbfsecond\n",
        events: &[("first", &[], &[]), ("\u{feff}second", &[], &[])],
    },
    // F25: blanks around an object are no fault; what is no object, or more than one, ships as text.
    Case {
        name: "shapes",
        text: b" {\"message\":\"blanks\"} \t \n{\"a\":1}{\"b\":2}\n[1,2]\n42\nnull\n\"text\"\n{}\n",
        events: &[
            ("blanks", &[], &[]),
            ("{\"a\":1}{\"b\":2}", &[], REFUSED),
            ("[1,2]", &[], &[]),
            ("42", &[], &[]),
            ("null", &[], &[]),
            ("\"text\"", &[], &[]),
            ("{}", &[], &[]),
        ],
    },
    // F26
    Case {
        name: "broken",
        text: b"{\"message\":\"good\"}\n{\"message\":\n{\"message\":\"a\",}\n{'message':'b'}\n{\"message\":\"good too\"}\n",
        events: &[
            ("good", &[], &[]),
            ("{\"message\":", &[], REFUSED),
            ("{\"message\":\"a\",}", &[], REFUSED),
            ("{'message':'b'}", &[], REFUSED),
            ("good too", &[], &[]),
        ],
    },
    // F27
    Case {
        name: "ansi",
        text: b"\x1b[31mred\x1b[0m\x07\x08\n{\"message\":\"\\u001b[1mbold\\u2028\"}\n\xc2\x9b2J\n",
        events: &[("\x1b[31mred\x1b[0m\x07\x08", &[], &[]), ("\x1b[1mbold\u{2028}", &[], &[]), ("\u{9b}2J", &[], &[])],
    },
    // F29: two writers without a lock; the garbled line ships, the next one is whole again.
    Case {
        name: "interleaved",
        text: b"{\"message\":\"one\"}\n{\"message\":{\"message\":\"three\"}\n\"two\"}\n{\"message\":\"four\"}\n",
        events: &[
            ("one", &[], &[]),
            ("{\"message\":{\"message\":\"three\"}", &[], REFUSED),
            ("\"two\"}", &[], &[]),
            ("four", &[], &[]),
        ],
    },
];

#[test]
fn odd_lines_ship_as_they_are_and_their_neighbours_intact() {
    let server = server();
    let site = Site::new(&server.url());
    for case in CASES {
        log(&site, case.name).raw(case.text);
    }
    let count: usize = CASES.iter().map(|case| case.events.len()).sum();
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= count as u64);
    assert!(agent.stop().success());
    for case in CASES {
        let found = of_file(&server, case.name);
        let found: Vec<_> =
            found.iter().map(|stored| (stored.message.as_str(), stored.flags(), stored.tags())).collect();
        let wanted: Vec<_> = case
            .events
            .iter()
            .map(|(message, flags, tags)| (*message, flags.to_vec(), tags.to_vec()))
            .collect();
        assert_eq!(found, wanted, "{}", case.name);
    }

    // Nothing of it is read again.
    let mut beacon = log(&site, "beacon.log");
    let mut agent = site.run();
    pass(&mut agent, &server, &mut beacon);
    assert!(agent.stop().success());
    assert_eq!(items_sent(&server), count as u64 + 1);
    let own = fs::read(site.path("agent.log")).expect("the agent's log");
    let control = |byte: &u8| *byte != b'\n' && (*byte < 0x20 || *byte == 0x7f);
    assert!(!own.iter().any(control), "no content and no escape reaches the agent's own log");
}

// F12
#[test]
fn empty_lines_move_the_offset_that_survives_a_kill() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = log(&site, "a.log");
    log.raw(b"one\n\n\n\ntwo\n\n\n");
    let mut agent = site.run();
    agent.wait("the lines are stored", || server.created() == 2);
    agent.wait_status("the offset behind the empty lines is durable", |status| {
        status.files.iter().any(|file| file.size == 13 && file.checkpointed == 13)
    });
    agent.kill();
    log.raw(b"\n\nthree\n");
    let mut agent = site.run();
    agent.wait("the line is stored", || server.created() >= 3);
    assert!(agent.stop().success());
    assert_eq!(messages(&server, "a.log"), ["one", "two", "three"]);
    assert_eq!(items_sent(&server), 3, "nothing was read again");
}

// F27: names are text of others as well.
#[test]
fn a_file_name_cannot_write_into_the_agents_own_log() {
    let server = server();
    let site = Site::new(&server.url());
    log(&site, "first.log").line("first");
    let mut agent = site.run();
    agent.wait("the first line is stored", || server.created() == 1);
    log(&site, "a\x1b[31m\r\nb\u{202e}.log").line("odd name");
    agent.wait("the line is stored", || server.created() == 2);
    assert!(agent.stop().success());
    let own = fs::read_to_string(site.path("agent.log")).expect("the agent's log is UTF-8");
    let dangerous = |char: char| char != '\n' && blueox::telemetry::is_dangerous(char);
    assert!(!own.contains(dangerous), "{own}");
    assert!(own.lines().all(|line| !line.starts_with('b')), "the name broke a line: {own}");
}

// F26: the order within a file is kept, whatever the lines are.
#[test]
fn order_within_a_file_is_kept() {
    let site = crate::sites::with_output("file: {path: out.ndjson}", |logs| {
        format!("  - paths: [{:?}]", logs.join("*"))
    });
    let mut log = log(&site, "a.log");
    let count = 3_000;
    let text: String = (0..count)
        .map(|number| match number % 3 {
            0 => format!("{{\"message\":\"{number}\"}}\n"),
            1 => format!("{{\"message\":{number}\n"),
            _ => format!("text {number}\n\n"),
        })
        .collect();
    log.raw(text.as_bytes());
    let out = site.path("out.ndjson");
    let mut agent = site.run();
    agent.wait("all lines are written", || {
        fs::read(&out).is_ok_and(|text| text.iter().filter(|byte| **byte == b'\n').count() == count)
    });
    assert!(agent.stop().success());
    let written = fs::read_to_string(&out).expect("UTF-8");
    let offsets: Vec<u64> = written.lines().map(|line| Stored::of(line.as_bytes()).offset).collect();
    assert!(offsets.is_sorted_by(|a, b| a < b));
}

// F15
#[test]
fn lines_over_the_limit_are_cut_flagged_and_their_neighbours_intact() {
    let server = server();
    let site = crate::sites::with_inputs(&server.url(), |logs| {
        format!("  - paths: [{:?}]\n    max_line: 1KiB", logs.join("*"))
    });
    let mut log = log(&site, "a.log");
    let lengths = [1023, 1024, 1025, 10_240, 500_000];
    for length in lengths {
        log.line("before");
        log.line(&"x".repeat(length));
    }
    // Cuts that would fall into a character; a CR is not part of the length.
    log.raw(format!("y{}\n", "é".repeat(150_000)).as_bytes());
    log.raw(format!("{}€ and more\r\n{}\r\nafter\n", "y".repeat(1022), "z".repeat(1024)).as_bytes());
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 14);
    assert!(agent.stop().success());

    let found = of_file(&server, "a.log");
    let seen: Vec<(usize, Vec<&str>, Option<u64>)> = found
        .iter()
        .filter(|stored| stored.message != "before")
        .map(|stored| {
            let original = &stored.document["numeric_labels"]["original_bytes"];
            (stored.message.len(), stored.flags(), original.as_u64())
        })
        .collect();
    let cut = vec!["truncated"];
    assert_eq!(
        seen,
        [
            (1023, vec![], None),
            (1024, vec![], None),
            (1024, cut.clone(), Some(1025)),
            (1024, cut.clone(), Some(10_240)),
            (1024, cut.clone(), Some(500_000)),
            (1023, cut.clone(), Some(300_001)),
            (1022, cut, Some(1022 + 3 + 9)),
            (1024, vec![], None),
            (5, vec![], None),
        ]
    );
    assert_eq!(found.iter().filter(|stored| stored.message == "before").count(), lengths.len());
}

// F15: what is behind the limit of a line takes no memory.
#[test]
fn a_line_of_many_mebibytes_takes_no_more_memory_than_its_limit() {
    const LENGTH: u64 = 160 << 20;
    let server = server();
    let site = Site::new(&server.url());
    let path = site.logs().join("a.log");
    let file = fs::File::create(&path).expect("created");
    file.write_all_at(b"before\nx", 0).expect("written");
    file.write_all_at(b"\nafter\n", 7 + LENGTH).expect("written, the text between being a hole");
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 3);
    let peak = agent.process().peak_resident().expect("the kernel tells");
    assert!(peak < LENGTH / 2, "{peak} bytes");
    assert!(agent.stop().success());
    let found = of_file(&server, "a.log");
    assert_eq!((found[0].message.as_str(), found[2].message.as_str()), ("before", "after"));
    assert_eq!(found[1].document["numeric_labels"]["original_bytes"], LENGTH);
    assert_eq!(found[1].flags(), ["truncated"]);
}

// F22
#[test]
fn text_in_utf_16_is_warned_of_once_a_file() {
    let server = server();
    let site = Site::new(&server.url());
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    log(&site, "wide.log").raw(&utf_16("\u{feff}one\ntwo\n"));
    log(&site, "narrow.log").line("three");
    let mut agent = site.run();
    agent.wait("the lines are stored", || server.created() >= 3);
    assert!(agent.stop().success());
    let own = fs::read_to_string(site.path("agent.log")).expect("the agent's log");
    let warnings: Vec<&str> = own.lines().filter(|line| line.contains("UTF-16")).collect();
    assert_eq!(warnings.len(), 1, "{own}");
    assert!(warnings[0].contains("wide.log"), "{own}");
}

// F22, F23, F24: a legacy encoding is refused, never half understood.
#[test]
fn an_encoding_other_than_utf_8_is_a_refused_configuration() {
    let server = server();
    for encoding in ["utf-16le", "gbk", "shift_jis", "windows-1252"] {
        let site = crate::sites::with_inputs(&server.url(), |logs| {
            format!("  - paths: [{:?}]\n    encoding: {encoding}", logs.join("*"))
        });
        log(&site, "a.log").line("line");
        assert_eq!(site.run().finish().code(), Some(78), "{encoding}");
    }
    assert_eq!(server.request_count(), 0);
}

// F28
#[test]
fn a_writer_of_single_bytes_costs_neither_a_line_nor_a_core() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = log(&site, "a.log");
    let mut agent = site.run();
    let began = Instant::now();
    let count = 10_000;
    for number in 0..count {
        for byte in format!("line {number}\n").bytes() {
            log.raw(&[byte]);
        }
        // As a slow device would: 10 000 lines take some seconds.
        std::thread::sleep(Duration::from_micros(300));
    }
    agent.wait("all lines are stored", || server.created() >= count);
    let (used, took) = (agent.process().cpu().expect("the kernel tells"), began.elapsed());
    assert!(agent.stop().success());
    let expected: Vec<String> = (0..count).map(|number| format!("line {number}")).collect();
    assert_eq!(messages(&server, "a.log"), expected);
    assert!(used < took / 4, "{used:?} of CPU in {took:?}");
}
