//! Sample lines of every format become the documents that lie beside them.
//!
//! `tests/data/formats/<format>/<case>.log` holds lines, `<case>.expected.ndjson` one document a line. Run with
//! `UPDATE_EXPECTED=1` to write the latter anew, then read the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/mapping.rs"]
mod mapping;

use blueox::event::LineEnd;
use mapping::{Pipeline, environment, input, samples};
use serde_json::Value;

// I01
#[test]
fn samples_become_the_documents_beside_them() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let cases = samples();
    assert!(cases.len() >= 7, "the samples are missing");
    for (format, path) in cases {
        let mut pipeline = Pipeline::new(&input(None), &environment());
        let text = std::fs::read_to_string(&path).unwrap();
        let mut documents = String::new();
        for line in text.lines() {
            let (document, mapped) = pipeline.map(line, LineEnd::Terminated);
            assert_eq!(mapped.format.name(), format, "{line}");
            documents += &format!("{document}\n");
        }
        let expected_path = path.with_extension("expected.ndjson");
        if update {
            std::fs::write(&expected_path, &documents).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap();
        let parse =
            |text: &str| text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>();
        for (at, (found, wanted)) in parse(&documents).iter().zip(parse(&expected)).enumerate() {
            if *found != wanted {
                wrong.push(format!("{}:{}\nfound  {found}\nwanted {wanted}", path.display(), at + 1));
            }
        }
        assert_eq!(documents.lines().count(), expected.lines().count(), "{}", path.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
