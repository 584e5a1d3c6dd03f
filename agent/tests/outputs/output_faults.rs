//! Everything a server, a proxy or a network did to a `_bulk` request somewhere, and what has to come of it.
//!
//! Case ids are those of the catalogue of cases. The server is on loopback and says what the script says, byte by byte.

use crate::harness::{DELIVERED, Delivery, batch, big_batch, config, fast, gzip, refused_with};
use crate::scripted_server::{Act, End, Piece, ScriptedServer, bulk_answer};
use blueox::output::Fate;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// E01, E58: nothing waits for company here.
#[tokio::test]
async fn a_stored_batch_is_settled_whole() {
    let server = ScriptedServer::acts_then_store([]).await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..3)).await;
    let settlements = delivery.finish().await;
    assert_eq!(settlements.len(), 1);
    assert!(settlements[0].last && settlements[0].fates.is_empty() && settlements[0].items.len() == 3);
    assert_eq!(settlements[0].backing_index.as_deref(), Some(".ds-logs-app-default-2026.01.01-000001"));

    let requests = server.finish();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].target.starts_with("/logs-app-default/_bulk?filter_path="), "{}", requests[0].target);
    assert_eq!(requests[0].header("content-type"), Some("application/x-ndjson"));
    assert_eq!(requests[0].header("content-encoding"), Some("gzip"));
}

/// E02
#[tokio::test]
async fn of_a_mixed_answer_only_429_and_503_are_sent_again_with_the_same_ids() {
    let statuses = [201, 400, 409, 429, 503];
    let server = ScriptedServer::start(move |request| {
        Some(Act::bulk(request, |place, _| if request.number == 0 { statuses[place] } else { 201 }))
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..5)).await;
    let fates = delivery.fates().await;
    assert_eq!(fates.len(), 5);
    assert_eq!(refused_with(&fates[&1]), 400);
    assert_eq!(fates[&2], Fate::Conflict { expected: false });
    assert!([0, 3, 4].iter().all(|start| fates[start] == DELIVERED), "{fates:?}");
    let requests = server.finish();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].ids(), requests[0].ids()[3..]);
    // E56
    let documents = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(documents(requests[1].text()), documents(requests[0].text())[6..]);
}

/// E03: back-off grows, so the number of requests is small however long it lasts.
#[tokio::test]
async fn when_all_items_are_throttled_one_request_at_a_time_tries_and_nothing_is_lost() {
    let server = ScriptedServer::start(|request| {
        Some(Act::bulk(request, |_, _| if request.number < 8 { 429 } else { 201 }))
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    for start in 0..6 {
        delivery.send(batch(start * 10..start * 10 + 10)).await;
    }
    let fates = delivery.fates().await;
    assert_eq!(fates.len(), 60);
    assert!(fates.values().all(|fate| *fate == DELIVERED));
    assert!(server.finish().len() <= 8 + 6, "each batch is sent once after the trouble");
}

/// E04, E05
#[tokio::test]
async fn a_throttled_request_is_sent_again_whatever_retry_after_says() {
    let throttled = |value: &str| Act::reply(429, &format!("retry-after: {value}\r\n"), "");
    let server = ScriptedServer::acts_then_store([
        throttled("0"),
        throttled("1"),
        throttled("99999999999999999999"),
        throttled("Fri, 31 Dec 2999 23:59:59 GMT"),
        throttled("soon"),
        Act::reply(503, "retry-after: 86400\r\n", ""),
    ])
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..1)).await;
    assert!(delivery.fates().await.values().all(|fate| *fate == DELIVERED));
    let requests = server.finish();
    assert_eq!(requests.len(), 7);
}

/// E06
#[tokio::test]
async fn a_gateway_error_with_a_web_page_is_retried_and_quoted_in_one_bounded_line() {
    for status in [502, 503, 504] {
        let page = format!("<html>\r\n<h1>Bad\x1b[31m Gateway</h1>{}", "x".repeat(100_000));
        let hold = Arc::new(tokio::sync::Semaphore::new(0));
        let wait = Piece::Until(Arc::clone(&hold));
        let mut acts = vec![Act::reply(status, "content-type: text/html\r\n", page)];
        let server = ScriptedServer::start(move |request| {
            acts.pop().or_else(|| Some(Act::bulk(request, |_, _| 201).after(wait.clone())))
        })
        .await;
        let mut delivery = Delivery::start(config(&[server.url()]));
        delivery.send(batch(0..1)).await;
        server.wait_for_requests(2).await;
        let error = delivery.state.snapshot().last_error.expect("an error while it lasts");
        assert!(
            error.starts_with(&format!("status {status}: <html> <h1>Bad\\u{{1b}}[31m Gateway</h1>xxx")),
            "{error}"
        );
        assert!(error.len() < 400 && !error.contains('\n'));
        hold.add_permits(1);
        assert_eq!(delivery.fates().await[&0], DELIVERED);
        server.finish();
    }
}

/// E07, E48: the others flow, the poison ends in the dead letters.
#[tokio::test]
async fn a_document_the_pipeline_fails_on_is_given_up_while_the_others_flow() {
    let server = ScriptedServer::start(|request| {
        let poison = &crate::harness::id(3);
        Some(Act::bulk(request, |_, id| if id == poison { 500 } else { 201 }))
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..10)).await;
    delivery.send(batch(10..20)).await;
    let fates = delivery.fates().await;
    assert_eq!(refused_with(&fates[&3]), 500);
    assert_eq!(fates.values().filter(|fate| **fate == DELIVERED).count(), 19);
    let requests = server.finish();
    assert_eq!(requests.iter().filter(|request| request.ids().contains(&crate::harness::id(3))).count(), 10);
}

/// E48: one field conflict in every batch costs no request.
#[tokio::test]
async fn a_poisoned_document_in_every_batch_does_not_slow_the_good_ones() {
    let server = ScriptedServer::start(|request| {
        Some(Act::bulk(request, |place, _| if place == 0 { 400 } else { 201 }))
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    for start in 0..20 {
        delivery.send(batch(start * 20..start * 20 + 20)).await;
    }
    let fates = delivery.fates().await;
    assert_eq!(fates.values().filter(|fate| **fate == DELIVERED).count(), 380);
    assert_eq!(server.finish().len(), 20);
}

/// E09
#[tokio::test]
async fn a_request_that_is_too_large_is_split_and_the_one_document_that_never_fits_is_refused() {
    const LIMIT: usize = 200_000;
    let server = ScriptedServer::start(|request| {
        Some(if request.text().len() > LIMIT {
            Act::reply(413, "", "")
        } else {
            Act::bulk(request, |_, _| 201)
        })
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(big_batch(0..40, |start| if start == 17 { LIMIT + 1 } else { 30_000 })).await;
    let fates = delivery.fates().await;
    assert_eq!(refused_with(&fates[&17]), 413);
    assert_eq!(fates.values().filter(|fate| **fate == DELIVERED).count(), 39);
    let learned = delivery.state.snapshot().refused_request_bytes.expect("a limit was learned") as usize;
    assert!(learned > LIMIT && learned < 3 * LIMIT, "{learned}");
    assert!(server.finish().len() < 30);
}

/// E10, E11, E13, E15, E59, E39: held with an alert that names the remedy, recovered, nothing dropped, never followed.
#[tokio::test]
async fn a_request_that_is_not_allowed_holds_the_index_until_it_is() {
    for (status, headers, remedy) in [
        (401, "", "api_key"),
        (403, "", "create_doc"),
        (404, "", "auto_create_index"),
        (406, "", "not Elasticsearch"),
        (410, "", "log of the server"),
        (415, "", "compression: 0"),
        (418, "", "log of the server"),
        (451, "", "log of the server"),
        (301, "location: http://127.0.0.1:1/elsewhere\r\n", "redirects are not followed"),
        (307, "location: http://127.0.0.1:1/elsewhere\r\n", "http://127.0.0.1:1/elsewhere"),
        (308, "location: /elsewhere\r\n", "hosts"),
    ] {
        let body = r#"{"error":{"type":"some_exception","reason":"says why"},"status":1}"#;
        let server = ScriptedServer::start(move |request| {
            Some(match request.number {
                0..4 => Act::reply(status, headers, body),
                _ => Act::bulk(request, |_, _| 201),
            })
        })
        .await;
        let mut delivery = Delivery::start(config(&[server.url()]));
        delivery.send(batch(0..2)).await;
        server.wait_for_requests(3).await;
        let held = delivery.state.snapshot().held;
        assert_eq!(held.len(), 1, "{status}");
        assert_eq!(held[0].index, "logs-app-default");
        for part in [&status.to_string(), "some_exception", remedy] {
            assert!(held[0].reason.contains(part), "{status}: {}", held[0].reason);
        }
        let fates = delivery.fates().await;
        assert!(fates.len() == 2 && fates.values().all(|fate| *fate == DELIVERED), "{status}: {fates:?}");
        assert!(delivery.state.snapshot().held.is_empty(), "{status}");
        assert!(server.finish().iter().all(|request| request.target.contains("_bulk")));
    }
}

/// E12, E13, E15
#[tokio::test]
async fn an_item_that_is_not_allowed_holds_the_index_until_it_is() {
    for status in [401, 403, 404, 410, 418, 451] {
        let server = ScriptedServer::start(move |request| {
            Some(Act::bulk(request, |place, _| if request.number < 3 && place == 0 { status } else { 201 }))
        })
        .await;
        let mut delivery = Delivery::start(config(&[server.url()]));
        delivery.send(batch(0..2)).await;
        server.wait_for_requests(2).await;
        let held = delivery.state.snapshot().held;
        assert!(held[0].reason.contains(&format!("type_{status}")), "{held:?}");
        let fates = delivery.fates().await;
        assert!(fates.len() == 2 && fates.values().all(|fate| *fate == DELIVERED), "{status}");
        server.finish();
    }
}

/// A hold concerns its index only.
#[tokio::test]
async fn while_one_index_is_held_the_others_flow() {
    let released = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let open = Arc::clone(&released);
    let server = ScriptedServer::start(move |request| {
        let held = request.target.starts_with("/held/") && !open.load(std::sync::atomic::Ordering::SeqCst);
        Some(if held { Act::json(403, "{}") } else { Act::bulk(request, |_, _| 201) })
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    for number in 0..5 {
        delivery.send(crate::harness::batch_for("held", number * 10..number * 10 + 2)).await;
    }
    delivery.send(crate::harness::batch_for("other", 100..110)).await;
    delivery.wait_for(|fates| fates.len() == 10).await;
    assert!((100..110).all(|start| delivery.now()[&start] == DELIVERED));
    assert_eq!(delivery.state.snapshot().held.len(), 1);
    released.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(delivery.fates().await.len(), 20);
    server.finish();
}

/// DESIGN 4: a broken set-up is no reason to fill the dead letters.
#[tokio::test]
async fn when_nearly_all_items_of_three_requests_are_refused_alike_the_index_is_held() {
    let server = ScriptedServer::start(|request| {
        Some(Act::bulk(request, |_, _| if request.number < 6 { 400 } else { 201 }))
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    for start in 0..4 {
        delivery.send(batch(start * 10..start * 10 + 10)).await;
    }
    server.wait_for_requests(5).await;
    assert!(delivery.state.snapshot().held[0].reason.contains("type_400"));
    let fates = delivery.fates().await;
    assert_eq!(fates.values().filter(|fate| **fate == DELIVERED).count(), 20);
    assert_eq!(fates.values().filter(|fate| matches!(fate, Fate::Refused(_))).count(), 20);
    server.finish();
}

/// E14, E34
#[tokio::test]
async fn a_conflict_after_a_lost_answer_is_a_repeat_and_one_out_of_the_blue_is_not() {
    let conflicts = |request: &crate::scripted_server::Request| Some(Act::bulk(request, |_, _| 409));
    let server = ScriptedServer::start(move |request| match request.number {
        0 => Some(Act::reset()),
        _ => conflicts(request),
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..2)).await;
    let fates = delivery.fates().await;
    assert!(
        fates.len() == 2 && fates.values().all(|fate| *fate == Fate::Conflict { expected: true }),
        "{fates:?}"
    );
    server.finish();

    let server = ScriptedServer::start(conflicts).await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..2)).await;
    let fates = delivery.fates().await;
    assert!(fates.values().all(|fate| *fate == Fate::Conflict { expected: false }), "{fates:?}");
    server.finish();
}

fn chunked(body: &str) -> Act {
    Act::raw(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}"))
}

fn encoded(encoding: &str, body: impl AsRef<[u8]>) -> Act {
    Act::reply(200, &format!("content-encoding: {encoding}\r\n"), body)
}

/// E17, E22, E28, E29, E30, E47 and other answers that say nothing about the documents.
#[tokio::test]
async fn an_answer_that_is_not_clear_and_complete_settles_nothing() {
    let item = |id: &str| format!(r#"{{"create":{{"_id":"{id}","status":201}}}}"#);
    let (first, second) = (item(&crate::harness::id(0)), item(&crate::harness::id(1)));
    let full = format!(r#"{{"items":[{first},{second}]}}"#);
    let bomb = gzip(&vec![b' '; 40 << 20]);
    let mut long = format!(r#"{{"items":[{first},{second}],"x":"#).into_bytes();
    long.resize(1 << 20, b' ');
    let unclear = [
        Act::json(200, ""),
        Act::json(200, "{}"),
        Act::json(200, "null"),
        Act::json(200, "[]"),
        Act::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        Act::json(201, "{\"ok\":true}"),
        Act::json(200, r#"{"error":{"type":"x","reason":"y"},"status":500}"#),
        Act::json(200, format!(r#"{{"errors":false,"items":[{first}]}}"#)),
        Act::json(200, format!(r#"{{"items":[{first},{second},{second}]}}"#)),
        Act::json(200, format!(r#"{{"items":[{second},{first}]}}"#)),
        Act::json(200, full.replacen("201", "null", 1)),
        Act::json(200, full.replacen("201", "0.5", 1)),
        Act::json(200, full.replacen("}}", "},\"index\":{\"status\":201}}", 1)),
        Act::json(200, &full[..full.len() - 1]),
        // Cut by the connection, with and without a stated length.
        Act::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{full}", full.len() + 1))
            .then(End::Close),
        Act::raw(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", &full[..40])).then(End::Close),
        // E28
        chunked(&format!("{:x}\r\n{full}\r\n", full.len())).then(End::Close),
        chunked(&format!("zz\r\n{full}\r\n0\r\n\r\n")).then(End::Close),
        chunked(&format!("{:x}\r\n{full}\r\n", full.len())).then(End::Hang),
        // E29
        encoded("gzip", &gzip(full.as_bytes())[..30]),
        encoded("gzip", full.as_bytes()),
        encoded("br", full.as_bytes()),
        encoded("gzip", bomb),
        // E30
        Act::json(200, long),
        Act::raw("garbage\r\n\r\n").then(End::Close),
    ];
    for (case, act) in unclear.into_iter().enumerate() {
        let server = ScriptedServer::acts_then_store([act.clone()]).await;
        let mut delivery = Delivery::start(config(&[server.url()]));
        delivery.send(batch(0..2)).await;
        let settlements = delivery.finish().await;
        let requests = server.finish();
        assert_eq!(requests.len(), 2, "case {case}: {act:?}");
        assert_eq!(requests[0].ids(), requests[1].ids());
        assert_eq!(requests[0].body, requests[1].body, "E56");
        assert_eq!(settlements.len(), 1, "case {case}");
        assert!(settlements[0].items.iter().all(|item| item.uncertain), "case {case}: its fate was unknown");
    }
}

/// E18, E20, E22, E23, E27, E29 and pretty-printing.
#[tokio::test]
async fn an_answer_that_is_clear_is_understood_in_any_dress() {
    let item = |id: &str| format!(r#"{{"create":{{"_id":"{id}","status":201}}}}"#);
    let (first, second) = (item(&crate::harness::id(0)), item(&crate::harness::id(1)));
    let full = format!(r#"{{"items":[{first},{second}]}}"#);
    let value: serde_json::Value = serde_json::from_str(&full).unwrap();
    let (half, rest) = full.split_at(50);
    let clear = [
        Act::json(200, &full),
        Act::json(200, format!(r#"{{"errors":true,"took":2,"new":[{{}}],"items":[{first},{second}]}}"#)),
        Act::json(200, serde_json::to_string_pretty(&value).unwrap()),
        Act::json(200, full.replace("create", "index")),
        Act::json(200, full.replace("201", "\"201\"")),
        Act::json(200, full.replace("201", "200.0")),
        Act::json(200, r#"{"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#),
        Act::raw(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{full}")).then(End::Close),
        // E16
        Act::raw(format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{full}",
            full.len()
        )),
        // E27
        chunked(&format!(
            "{:X};ext=1\r\n{half}\r\n{:x}\r\n{rest}\r\n0\r\ntrailer: x\r\n\r\n",
            half.len(),
            rest.len()
        )),
        encoded("gzip", gzip(full.as_bytes())),
    ];
    for (case, act) in clear.into_iter().enumerate() {
        let server = ScriptedServer::acts([act.clone()]).await;
        let mut delivery = Delivery::start(config(&[server.url()]));
        delivery.send(batch(0..2)).await;
        let fates = delivery.fates().await;
        assert!(fates.len() == 2 && fates.values().all(|fate| *fate == DELIVERED), "case {case}: {act:?}");
        server.finish();
    }
    // E27: a chunk's CRLF and size split over segments.
    let bytes = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:X}\r\n{full}\r\n0\r\n\r\n",
        full.len()
    );
    let drip = Act { pieces: vec![Piece::Drip(bytes.into_bytes(), Duration::ZERO)], end: End::Keep };
    let server = ScriptedServer::acts([drip]).await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..2)).await;
    assert_eq!(delivery.fates().await.len(), 2);
    server.finish();
}

/// E31, E32
#[tokio::test]
async fn a_server_that_never_gets_to_the_end_is_given_up_and_asked_again() {
    let full =
        format!(r#"HTTP/1.1 200 OK{}content-length: 10000{}{{"items":["#, "\r\n", "\r\n\r\n").into_bytes();
    let drip = Act { pieces: vec![Piece::Drip(full.repeat(20), Duration::from_millis(30))], end: End::Hang };
    for act in [drip, Act::hang(), Act::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").then(End::Hang)]
    {
        let server = ScriptedServer::acts_then_store([act]).await;
        let mut delivery = Delivery::start(config(&[server.url()]));
        delivery.send(batch(0..2)).await;
        assert_eq!(delivery.fates().await.len(), 2);
        assert_eq!(server.finish().len(), 2);
    }
}

/// E33
#[tokio::test]
async fn a_reset_in_the_middle_of_a_request_loses_nothing() {
    let server = ScriptedServer::acts_then_store([]).await;
    let mut resets = vec![(); 2];
    server.set_early(move |_| resets.pop().map(|()| Act::reset()));
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(big_batch(0..50, |_| 40_000)).await;
    let fates = delivery.fates().await;
    assert!(fates.len() == 50 && fates.values().all(|fate| *fate == DELIVERED));
    server.finish();
}

/// E35, E36
#[tokio::test]
async fn connections_the_server_closes_are_replaced() {
    let server = ScriptedServer::start(|request| {
        let act = match request.number % 3 {
            // Kept alive by its words, closed all the same.
            0 => Act::bulk(request, |_, _| 201).then(End::Close),
            1 => Act::reply(200, "connection: close\r\n", bulk_answer(request, |_, _| 201)).then(End::Close),
            _ => Act::bulk(request, |_, _| 201),
        };
        Some(act)
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    for start in 0..30 {
        delivery.send(batch(start..start + 1)).await;
        delivery.wait_for(|fates| fates.len() == start as usize + 1).await;
    }
    let fates = delivery.fates().await;
    assert!(fates.len() == 30 && fates.values().all(|fate| *fate == DELIVERED));
    assert!(server.connections() <= 31);
    server.finish();
}

/// E37
#[tokio::test]
async fn a_413_while_the_upload_is_under_way_is_seen() {
    let server = ScriptedServer::acts_then_store([]).await;
    server.set_early(|request| {
        let length: usize = request.header("content-length").unwrap().parse().unwrap();
        (length > 300_000).then(|| Act::reply(413, "connection: close\r\n", "").then(End::Hang))
    });
    let mut delivery = Delivery::start(crate::harness::plain(config(&[server.url()])));
    delivery.send(big_batch(0..100, |_| 50_000)).await;
    let fates = delivery.fates().await;
    assert!(fates.len() == 100 && fates.values().all(|fate| *fate == DELIVERED));
    assert!(
        delivery.state.snapshot().refused_request_bytes.is_some(),
        "seen as 413, not as a lost connection"
    );
    server.finish();
}

/// Servers that take no large body and say nothing are found out by halving.
#[tokio::test]
async fn a_request_whose_connection_is_always_closed_is_split() {
    let server = ScriptedServer::start(|request| {
        Some(if request.body.len() > 2000 { Act::close() } else { Act::bulk(request, |_, _| 201) })
    })
    .await;
    let mut delivery = Delivery::start(crate::harness::plain(config(&[server.url()])));
    delivery.send(batch(0..100)).await;
    let fates = delivery.fates().await;
    assert!(fates.len() == 100 && fates.values().all(|fate| *fate == DELIVERED));
    server.finish();
}

/// E44, E45
#[tokio::test]
async fn of_several_hosts_the_dead_and_the_troubled_are_left_out() {
    let dead = format!("http://{}", bench::process::free_address().unwrap());
    let troubled = ScriptedServer::start(|_| Some(Act::reply(503, "", ""))).await;
    let slow = ScriptedServer::start(|request| {
        Some(Act::bulk(request, |_, _| 201).after(Piece::Wait(Duration::from_millis(100))))
    })
    .await;
    let fine = ScriptedServer::acts_then_store([]).await;
    let hosts = [dead, "http://name.invalid:9200".to_owned(), troubled.url(), slow.url(), fine.url()];
    let mut delivery = Delivery::start(config(&hosts));
    for start in 0..60 {
        delivery.send(batch(start * 10..start * 10 + 10)).await;
    }
    let settlements = delivery.finish().await;
    let items: usize = settlements.iter().map(|settlement| settlement.items.len()).sum();
    assert_eq!(items, 600, "each once");
    assert!(settlements.iter().all(|settlement| settlement.fates.is_empty()));
    let (fine, slow) = (fine.finish().len(), slow.finish().len());
    assert!(fine > slow, "traffic moves to the fast host: {fine} and {slow}");
    assert!(slow > 0, "a slow host still works");
}

/// E44, E55: the name or the server comes later.
#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let address = bench::process::free_address().unwrap();
    let mut delivery = Delivery::start(config(&[format!("http://{address}")]));
    delivery.send(batch(0..3)).await;
    delivery.wait_for_state(|state| state.last_error.is_some()).await;
    let snapshot = delivery.state.snapshot();
    assert!(
        !snapshot.reachable && snapshot.last_error.as_deref().is_some_and(|error| error.contains("refused")),
        "{snapshot:?}"
    );

    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let server = ScriptedServer::serve(listener, None, |request| Some(Act::bulk(request, |_, _| 201)));
    let settlements = delivery.finish().await;
    assert!(!settlements[0].items[0].uncertain, "nothing was sent before");
    server.finish();
}

/// E47
#[tokio::test]
async fn a_web_page_is_not_elasticsearch_and_holds() {
    let page = "<!doctype html><html><body>It works!</body></html>";
    let server = ScriptedServer::start(move |request| {
        Some(match request.number {
            0 => Act::reply(200, "content-type: text/html\r\n", page),
            1 | 2 => Act::json(200, page),
            _ => Act::bulk(request, |_, _| 201),
        })
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..1)).await;
    server.wait_for_requests(3).await;
    assert!(delivery.state.snapshot().held[0].reason.contains("not Elasticsearch"));
    assert_eq!(delivery.fates().await[&0], DELIVERED);
    server.finish();
}

/// E49
#[tokio::test]
async fn a_refused_document_carries_the_servers_reason() {
    let server = ScriptedServer::start(|request| {
        let id = &request.ids()[0];
        let body = format!(
            r#"{{"items":[{{"create":{{"_id":"{id}","status":400,"error":{{"type":"document_parsing_exception","reason":"immense term"}}}}}}]}}"#
        );
        Some(Act::json(200, body))
    })
    .await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..1)).await;
    match &delivery.fates().await[&0] {
        Fate::Refused(refusal) => {
            assert_eq!(
                (refusal.status, &*refusal.kind, &*refusal.reason),
                (400, "document_parsing_exception", "immense term")
            );
        }
        other => panic!("{other:?}"),
    }
    server.finish();
}

/// E53
#[tokio::test]
async fn answers_may_come_in_any_order_and_each_settles_its_own_batch() {
    let gates: Vec<_> = (0..4).map(|_| Arc::new(tokio::sync::Semaphore::new(0))).collect();
    let script = gates.clone();
    let server = ScriptedServer::start(move |request| {
        let number: usize = (0..4).find(|n| request.ids()[0] == crate::harness::id(*n as u64 * 10)).unwrap();
        let fails = number == 1 && request.number < 4;
        let act = if fails { Act::reply(503, "", "") } else { Act::bulk(request, |_, _| 201) };
        Some(act.after(Piece::Until(Arc::clone(&script[number]))))
    })
    .await;
    let mut delivery = Delivery::start(crate::harness::in_flight(4, config(&[server.url()])));
    for start in 0..4 {
        delivery.send(batch(start * 10..start * 10 + 10)).await;
    }
    server.wait_for_requests(4).await;
    for (settled, number) in [3usize, 2, 0].into_iter().enumerate() {
        gates[number].add_permits(1);
        delivery.wait_for(|fates| fates.len() == (settled + 1) * 10).await;
        assert!(delivery.now().contains_key(&(number as u64 * 10)));
    }
    gates[1].add_permits(2);
    assert_eq!(delivery.fates().await.len(), 40);
    server.finish();
}

/// E54, E57
#[tokio::test]
async fn no_more_requests_are_open_than_allowed_and_the_end_waits_for_their_answers() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let wait = Piece::Until(Arc::clone(&gate));
    let server =
        ScriptedServer::start(move |request| Some(Act::bulk(request, |_, _| 201).after(wait.clone()))).await;
    let mut delivery = Delivery::start(crate::harness::in_flight(2, config(&[server.url()])));
    for start in 0..10 {
        delivery.send(batch(start..start + 1)).await;
    }
    server.wait_for_requests(2).await;
    assert_eq!(delivery.state.snapshot().in_flight, 2);
    for open in 3..=10 {
        gate.add_permits(1);
        server.wait_for_requests(open).await;
        assert!(server.requests().len() - delivery.now().len() <= 2);
    }
    gate.add_permits(2);
    assert_eq!(delivery.finish().await.len(), 10);
    assert_eq!(server.finish().len(), 10, "nothing was sent twice");
}

/// Log-in and path of a host that is not at the root (E46).
#[tokio::test]
async fn log_in_and_path_prefix_are_sent_and_the_log_in_is_never_shown() {
    use blueox::config::{Login, Secret};
    for (login, header) in [
        (Login::None, None),
        (Login::ApiKey(Secret::new("aWQ6a2V5")), Some("ApiKey aWQ6a2V5")),
        (Login::ApiKey(Secret::new("id:key")), Some("ApiKey aWQ6a2V5")),
        (
            Login::Basic { username: "elastic".into(), password: Secret::new("p:w") },
            Some("Basic ZWxhc3RpYzpwOnc="),
        ),
    ] {
        let server = ScriptedServer::acts_then_store([Act::json(401, "{}")]).await;
        let mut config = config(&[format!("{}/es", server.url())]);
        config.login = login;
        let mut delivery = Delivery::start(config);
        delivery.send(batch(0..1)).await;
        delivery.fates().await;
        let shown = format!("{:?}", delivery.state.snapshot());
        assert!(!shown.contains("aWQ6a2V5") && !shown.contains("p:w"), "{shown}");
        for request in server.finish() {
            assert!(request.target.starts_with("/es/logs-app-default/_bulk"), "{}", request.target);
            assert_eq!(request.header("authorization"), header);
        }
    }
}

/// DESIGN 3: ids are unique per backing index only.
#[tokio::test]
async fn events_of_unknown_fate_are_looked_up_in_the_backing_indices_before_a_rollover() {
    const STREAM: &str = r#"{"data_streams":[{"name":"logs-app-default","indices":[
        {"index_name":".ds-1"},{"index_name":".ds-2"},{"index_name":".ds-3"}]}]}"#;
    let stored = [crate::harness::id(0), crate::harness::id(2)];
    let server = ScriptedServer::start(move |request| {
        Some(match request.target.split('?').next().unwrap() {
            "/_data_stream/logs-app-default" => Act::json(200, STREAM),
            "/.ds-2/_mget" => {
                let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                let ids = body["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
                let docs: Vec<_> =
                    ids.map(|id| serde_json::json!({"found": stored.contains(&id), "_id": id})).collect();
                Act::json(200, serde_json::json!({ "docs": docs }).to_string())
            }
            "/logs-app-default/_bulk" => Act::bulk(request, |_, _| 201),
            _ => return None,
        })
    })
    .await;
    server.script_look_ups();
    let known = HashMap::from([("logs-app-default".to_owned(), ".ds-2".to_owned())]);
    let mut delivery = Delivery::start_with(config(&[server.url()]), fast(), known);
    delivery.send(crate::harness::uncertain(batch(0..4))).await;
    let fates = delivery.fates().await;
    assert_eq!([&fates[&0], &fates[&2]], [&Fate::FoundBefore; 2]);
    assert_eq!([&fates[&1], &fates[&3]], [&DELIVERED; 2]);
    let requests = server.finish();
    let bulk: Vec<_> = requests.iter().filter(|request| request.target.contains("_bulk")).collect();
    assert_eq!(bulk.len(), 1);
    assert_eq!(bulk[0].ids(), [crate::harness::id(1), crate::harness::id(3)]);
}

/// The answer to the very first request is lost and the stream rolls over: no answer has named a backing index yet.
#[tokio::test]
async fn where_no_backing_index_is_known_all_older_ones_are_looked_into() {
    const STREAM: &str = r#"{"data_streams":[{"name":"logs-app-default","indices":[
        {"index_name":".ds-1"},{"index_name":".ds-2"}]}]}"#;
    let unknown = HashMap::from([("logs-app-default".to_owned(), String::new())]);
    for (known, sent_before) in [(HashMap::new(), false), (unknown, true)] {
        let mut lost = !sent_before;
        let server = ScriptedServer::start(move |request| {
            Some(match request.target.split('?').next().unwrap() {
                "/_data_stream/logs-app-default" => Act::json(200, STREAM),
                "/.ds-1/_mget" => {
                    let stored = serde_json::json!({"found": true, "_id": crate::harness::id(1)});
                    Act::json(200, serde_json::json!({ "docs": [stored] }).to_string())
                }
                // The stream might roll over again before the next request.
                "/.ds-2/_mget" if !sent_before => Act::json(200, r#"{"docs":[]}"#),
                "/logs-app-default/_bulk" if std::mem::take(&mut lost) => Act::reset(),
                "/logs-app-default/_bulk" => Act::bulk(request, |_, _| 201),
                _ => return None,
            })
        })
        .await;
        server.script_look_ups();
        let mut delivery = Delivery::start_with(config(&[server.url()]), fast(), known);
        let batch = batch(0..3);
        delivery.send(if sent_before { crate::harness::uncertain(batch) } else { batch }).await;
        let fates = delivery.fates().await;
        assert_eq!([&fates[&0], &fates[&1], &fates[&2]], [&DELIVERED, &Fate::FoundBefore, &DELIVERED]);
        server.finish();
    }
}

/// DESIGN 3: no call other than `_bulk` may be needed for delivery.
#[tokio::test]
async fn where_looking_for_a_rollover_is_not_possible_events_are_delivered_and_counted() {
    for (status, counted) in [(403, 1), (400, 1), (500, 1), (404, 0)] {
        let server = ScriptedServer::start(move |request| {
            let bulk = request.target.contains("_bulk");
            Some(if bulk { Act::bulk(request, |_, _| 201) } else { Act::json(status, "{}") })
        })
        .await;
        server.script_look_ups();
        let known = HashMap::from([("logs-app-default".to_owned(), ".ds-1".to_owned())]);
        let mut delivery = Delivery::start_with(config(&[server.url()]), fast(), known);
        delivery.send(crate::harness::uncertain(batch(0..4))).await;
        assert!(delivery.fates().await.values().all(|fate| *fate == DELIVERED));
        assert_eq!(delivery.state.snapshot().unchecked_rollovers, counted, "{status}");
        server.finish();
    }
}

/// An event sent once for sure needs no look-up, even when a rollover is possible.
#[tokio::test]
async fn events_that_were_never_sent_cost_no_look_up() {
    let server = ScriptedServer::acts_then_store([Act::json(429, "{}")]).await;
    server.script_look_ups();
    let known = HashMap::from([("logs-app-default".to_owned(), ".ds-1".to_owned())]);
    let mut delivery = Delivery::start_with(config(&[server.url()]), fast(), known);
    delivery.send(batch(0..4)).await;
    assert_eq!(delivery.fates().await.len(), 4);
    assert!(server.finish().iter().all(|request| request.target.contains("_bulk")));
}

/// Stopping before the server is there: what is open is abandoned, and says so by not being settled.
#[tokio::test]
async fn a_dropped_output_abandons_its_requests() {
    let server = ScriptedServer::start(|_| Some(Act::hang())).await;
    let mut delivery = Delivery::start(config(&[server.url()]));
    delivery.send(batch(0..1)).await;
    server.wait_for_requests(1).await;
    let state = Arc::clone(&delivery.state);
    assert!(delivery.abandon().await.is_empty());
    assert_eq!(state.snapshot().in_flight, 0);
    server.finish();
}
