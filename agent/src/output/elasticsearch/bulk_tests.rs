use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

fn id(number: usize) -> [u8; ID_LEN] {
    let mut id = [b'0'; ID_LEN];
    let digits = number.to_string();
    id[ID_LEN - digits.len()..].copy_from_slice(digits.as_bytes());
    id
}

fn id_text(number: usize) -> String {
    String::from_utf8(id(number).to_vec()).unwrap()
}

fn parse(sent: usize, answer: &str) -> Result<BulkAnswer, BulkError> {
    parse_in(sent, answer.as_bytes(), usize::MAX)
}

fn parse_in(sent: usize, answer: &[u8], piece: usize) -> Result<BulkAnswer, BulkError> {
    let mut reader = BulkReader::new(sent as u32, (0..sent).map(id));
    for piece in answer.chunks(piece.min(answer.len().max(1))) {
        reader.push(piece)?;
    }
    reader.finish()
}

fn one(item: &str) -> Result<BulkAnswer, BulkError> {
    parse(1, &format!(r#"{{"items":[{item}]}}"#))
}

fn samples() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/bulk");
    let mut samples: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "index.json")
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect();
    samples.sort();
    assert!(samples.len() > 50, "{folder:?} holds the captured answers");
    samples
}

/// The same sample with the ids this test sends.
fn with_our_ids(sample: &str) -> Option<(usize, serde_json::Value)> {
    let mut value: serde_json::Value = serde_json::from_str(sample).unwrap();
    let items = value.get_mut("items")?.as_array_mut()?;
    for (number, item) in items.iter_mut().enumerate() {
        let (_, result) = item.as_object_mut().unwrap().iter_mut().next().unwrap();
        if result.get("_id").is_some_and(|id| id.is_string()) {
            result["_id"] = id_text(number).into();
        }
    }
    Some((items.len(), value))
}

/// What a second, slow reader makes of the same answer.
fn statuses(value: &serde_json::Value) -> Vec<u64> {
    let items = value["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item.as_object().unwrap().values().next().unwrap()["status"].as_u64().unwrap())
        .collect()
}

#[test]
fn captured_answers_of_both_engines_are_read_pretty_or_not_in_pieces_of_any_size() {
    let mut read = 0;
    for (name, sample) in samples() {
        let Some((sent, value)) = with_our_ids(&sample) else { continue };
        read += 1;
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            for piece in [1, 7, 1000, usize::MAX] {
                let answer =
                    parse_in(sent, text.as_bytes(), piece).unwrap_or_else(|error| panic!("{name}: {error}"));
                let mut found = vec![201; sent];
                for failure in &answer.failures {
                    let item = value["items"][failure.item as usize].as_object().unwrap();
                    assert_eq!(failure.create, item.contains_key("create"), "{name}: {failure:?}");
                    assert!(!failure.kind.is_empty(), "{name}: {failure:?}");
                    found[failure.item as usize] = u64::from(failure.status);
                }
                assert_eq!(found, statuses(&value), "{name}");
                let stored = found.contains(&201) && text.contains("\"_index\"");
                assert_eq!(answer.backing_index.is_some(), stored, "{name}");
            }
        }
    }
    assert!(read > 25, "only {read} samples are bulk answers");
}

#[test]
fn captured_refusals_of_whole_requests_are_no_bulk_answers_and_name_type_and_reason() {
    let named = ["broken-action", "empty-400", "indexing-pressure", "429-whole", "no-final-newline", "401"];
    let mut refusals = 0;
    for (name, sample) in samples() {
        let value: serde_json::Value = serde_json::from_str(&sample).unwrap();
        if value.get("items").is_some() {
            continue;
        }
        parse(1, &sample).unwrap_err();
        if named.iter().any(|part| name.contains(part)) {
            let (kind, reason) = request_error(sample.as_bytes()).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(kind, value["error"]["type"].as_str().unwrap(), "{name}");
            assert!(
                !reason.is_empty() && value["error"]["reason"].as_str().unwrap().starts_with(&reason),
                "{name}"
            );
            refusals += 1;
        }
    }
    assert!(refusals >= 10, "only {refusals}");
}

#[test]
fn error_reasons_carry_the_innermost_cause() {
    let item = r#"{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"failed to parse field [a]",
        "caused_by":{"type":"x","reason":"y","caused_by":{"type":"z","reason":"For input string: \"no\""}}}}}"#;
    let answer = one(item).unwrap();
    assert_eq!(&*answer.failures[0].kind, "document_parsing_exception");
    assert_eq!(&*answer.failures[0].reason, "failed to parse field [a]: For input string: \"no\"");
}

#[test]
fn only_the_items_decide() {
    for answer in [
        r#"{"took":3,"errors":true,"items":[{"create":{"status":201}}]}"#,
        r#"{"items":[{"create":{"status":201}}]}"#,
        r#"{"items":[{"create":{"status":201,"error":null}}],"errors":true,"took":1,"new":{"a":[1,{}]}}"#,
        "{ \"items\" : [ { \"create\" : { \"status\" : 201 } } ] }\n",
        r#"{"\u0069tems":[{"create":{"st\u0061tus":201}}]}"#,
        r#"{"items":[{"index":{"status":201}}]}"#,
        r#"{"items":[{"create":{"status":"201"}}]}"#,
        r#"{"items":[{"create":{"status":201.0}}]}"#,
    ] {
        let answer = parse(1, answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
        assert_eq!((answer.items, answer.failures.len()), (1, 0));
    }
}

#[test]
fn what_is_not_clear_is_not_believed() {
    for answer in [
        "",
        "{}",
        "null",
        "[]",
        "201",
        r#"{"errors":false}"#,
        r#"{"items":{}}"#,
        r#"{"items":[]}"#,
        r#"{"items":[{}]}"#,
        r#"{"items":[{"create":{}}]}"#,
        r#"{"items":[{"create":{"status":null}}]}"#,
        r#"{"items":[{"create":{"status":true}}]}"#,
        r#"{"items":[{"create":{"status":201.5}}]}"#,
        r#"{"items":[{"create":{"status":2e2}}]}"#,
        r#"{"items":[{"create":{"status":"ok"}}]}"#,
        r#"{"items":[{"create":{"status":20}}]}"#,
        r#"{"items":[{"create":{"status":101}}]}"#,
        r#"{"items":[{"create":{"status":302}}]}"#,
        r#"{"items":[{"create":{"status":201},"index":{"status":400}}]}"#,
        r#"{"items":[{"create":{"status":201,"status":400}}]}"#,
        r#"{"items":[{"create":{"status":201,"error":{"type":"x"}}}]}"#,
        r#"{"items":[{"create":{"status":201}}]}{}"#,
        r#"{"items":[{"create":{"status":201}}],}"#,
        r#"{"items":[{"create":{"status":201}},]}"#,
        r#"{"items":[{"create":{"status":201}}],"items":[]}"#,
        r#"{"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#,
        r#"{"items":[{"create":{"_id":"other","status":201}}]}"#,
        "<html><body>It works!</body></html>",
    ] {
        assert!(parse(1, answer).is_err(), "{answer}");
    }
}

#[test]
fn items_in_another_order_are_not_believed() {
    let item = |number| format!(r#"{{"create":{{"_id":"{}","status":201}}}}"#, id_text(number));
    assert!(parse(2, &format!(r#"{{"items":[{},{}]}}"#, item(0), item(1))).is_ok());
    let swapped = parse(2, &format!(r#"{{"items":[{},{}]}}"#, item(1), item(0)));
    assert_eq!(swapped, Err(BulkError::Order(0)));
}

#[test]
fn failure_store_is_told_apart_and_is_no_backing_index() {
    let answer = one(r#"{"create":{"_index":".fs-x","status":201,"failure_store":"used"}}"#).unwrap();
    assert_eq!((answer.failure_store, answer.backing_index), (vec![0], None));
    let answer = one(r#"{"create":{"_index":".ds-x","status":201,"failure_store":"not_enabled"}}"#).unwrap();
    assert_eq!((answer.failure_store, answer.backing_index), (vec![], Some(".ds-x".to_owned())));
}

#[test]
fn one_huge_item_is_refused_without_keeping_it() {
    let mut reader = BulkReader::new(1, std::iter::once(id(0)));
    reader.push(br#"{"items":[{"create":{"status":400,"error":{"reason":""#).unwrap();
    let piece = vec![b'x'; 16 << 10];
    let error = (0..1000).find_map(|_| reader.push(&piece).err());
    assert_eq!(error, Some(BulkError::TooLarge));
    assert!(reader.buffer.capacity() < 4 * MAX_UNIT);
}

fn items() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(prop::sample::select(vec![200u16, 201, 201, 201, 400, 403, 409, 429, 503]), 1..40)
}

fn answer_text(statuses: &[u16]) -> String {
    let items: Vec<_> = (0..)
        .zip(statuses)
        .map(|(number, status)| {
            let mut result =
                serde_json::json!({"_id": id_text(number), "_index": ".ds-a-000001", "status": status});
            if *status >= 300 {
                result["error"] =
                    serde_json::json!({"type": format!("t{status}"), "reason": "because of \"ä\"\n"});
            }
            serde_json::json!({"create": result})
        })
        .collect();
    serde_json::json!({"took": 7, "errors": true, "items": items}).to_string()
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_verdicts(statuses in items(), piece in 1usize..5000) {
        let text = answer_text(&statuses);
        let answer = parse_in(statuses.len(), text.as_bytes(), piece).unwrap();
        prop_assert_eq!(&answer, &parse(statuses.len(), &text).unwrap());
        let failed: Vec<u16> = statuses.iter().copied().filter(|status| *status >= 300).collect();
        prop_assert_eq!(answer.failures.iter().map(|failure| failure.status).collect::<Vec<_>>(), failed);
        prop_assert_eq!(answer.items as usize, statuses.len());
    }

    #[test]
    fn no_truncated_answer_is_believed(statuses in items(), cut: prop::sample::Index, piece in 1usize..3000) {
        let text = answer_text(&statuses);
        let cut = &text.as_bytes()[..cut.index(text.len())];
        prop_assert!(parse_in(statuses.len(), cut, piece).is_err());
    }

    #[test]
    fn no_answer_for_another_number_of_documents_is_believed(statuses in items(), sent in 0usize..45) {
        prop_assume!(sent != statuses.len());
        prop_assert!(parse(sent, &answer_text(&statuses)).is_err());
    }

    #[test]
    fn damaged_answers_are_never_read_as_more_successes_than_they_hold(
        statuses in items(), at: prop::sample::Index, byte: u8,
    ) {
        let text = answer_text(&statuses);
        let mut damaged = text.clone().into_bytes();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        if let Ok(answer) = parse_in(statuses.len(), &damaged, 1 << 20) {
            prop_assert_eq!(answer.items as usize, statuses.len());
        }
    }
}
