//! JSON arrays to an http input: one status decides over a request.

use crate::harness::{DELIVERED, Delivery, batch_in, fast, id, refused_with};
use crate::scripted_server::{Act, Request, ScriptedServer};
use blueox::batch::{Batch, Form};
use blueox::config::{Http, Login, Secret, Tls};
use blueox::output::http;
use std::ops::Range;

fn start(server: &ScriptedServer) -> Delivery {
    let login = Login::Basic { username: "me".into(), password: Secret::new("pw") };
    let config = Http { url: format!("{}/in", server.url()), login, tls: Tls::default(), compression: 1 };
    Delivery::running(|batches, settle, state| async move {
        http::run(&config, fast(), batches, settle, state).await
    })
}

fn batch(starts: Range<u64>) -> Batch {
    batch_in(Form::Array, "logs-app-default", starts, 1, |start| format!("{{\"n\":{start}}}"))
}

fn events(request: &Request) -> Vec<serde_json::Value> {
    serde_json::from_str(&request.text()).expect("an array")
}

fn numbers(request: &Request) -> Vec<u64> {
    events(request).iter().map(|event| event["n"].as_u64().unwrap()).collect()
}

fn ok() -> Act {
    Act::reply(200, "content-type: text/plain\r\n", "ok")
}

#[tokio::test]
async fn events_go_as_one_array_with_their_ids() {
    let server = ScriptedServer::start(|_| Some(ok())).await;
    let mut delivery = start(&server);
    delivery.send(batch(0..3)).await;
    assert_eq!(delivery.fates().await.len(), 3);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/in"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), Some("Basic bWU6cHc="));
    let events = events(request);
    assert_eq!(events[2]["@metadata"]["_id"], id(2));
    assert_eq!(events[2]["data_stream"]["dataset"], "app");
}

#[tokio::test]
async fn busy_and_lost_answers_are_tried_again_with_the_same_events() {
    let acts = [429, 503, 500].map(|status| Act::reply(status, "", ""));
    let mut acts = acts.into_iter().chain([Act::close(), Act::reset()]);
    let server = ScriptedServer::start(move |_| acts.next().or_else(|| Some(ok()))).await;
    let mut delivery = start(&server);
    delivery.send(batch(0..3)).await;
    assert!(delivery.fates().await.values().all(|fate| *fate == DELIVERED));
    let requests = server.requests();
    assert_eq!(requests.len(), 6);
    assert!(requests.iter().all(|request| numbers(request) == [0, 1, 2]));
}

#[tokio::test]
async fn a_request_that_is_too_large_or_not_readable_is_split_down_to_the_culprit() {
    for status in [413, 400] {
        let server = ScriptedServer::start(move |request| {
            Some(if numbers(request).contains(&5) { Act::reply(status, "", "") } else { ok() })
        })
        .await;
        let mut delivery = start(&server);
        delivery.send(batch(0..8)).await;
        let fates = delivery.fates().await;
        assert_eq!(fates.len(), 8);
        for (start, fate) in &fates {
            match start {
                5 => assert_eq!(refused_with(fate), status),
                _ => assert_eq!(*fate, DELIVERED),
            }
        }
    }
}

#[tokio::test]
async fn what_only_an_operator_can_mend_holds_and_goes_on_when_mended() {
    for status in [401, 403, 404, 301, 400] {
        let mut left = 5;
        let server = ScriptedServer::start(move |_| {
            left -= 1;
            Some(if left > 0 { Act::reply(status, "", "") } else { ok() })
        })
        .await;
        let mut delivery = start(&server);
        delivery.send(batch(0..1)).await;
        delivery
            .wait_for_state(|state| !state.held.is_empty() || state.reachable && state.requests > 4)
            .await;
        let fates = delivery.fates().await;
        assert!(fates.values().all(|fate| *fate == DELIVERED), "{status}: {fates:?}");
        assert!(delivery.state.snapshot().held.is_empty());
    }
}
