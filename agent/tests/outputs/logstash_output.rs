//! The Logstash output against servers of its protocol that misbehave, and against Elastic's own.

use crate::beats_server::{Act, BeatsServer, Window, ack};
use crate::certificates::{Authority, acceptor};
use crate::harness::{DELIVERED, Delivery, batch_in, id, refused_with};
use blueox::batch::{Batch, Form};
use blueox::config::{Address, Logstash, Tls};
use blueox::output::backoff::Delays;
use blueox::output::lumberjack::{self, Timing};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
use tempfile::TempDir;

/// Short delays, so that tests of long silences are short.
fn fast() -> Timing {
    Timing {
        connect: Duration::from_secs(5),
        answer: Duration::from_millis(300),
        window: Duration::from_secs(20),
        idle: Duration::from_secs(30),
        probe: Duration::from_millis(100),
        backoff: Delays { first: Duration::from_millis(2), max: Duration::from_millis(20) },
    }
}

fn config(addresses: &[SocketAddr]) -> Logstash {
    let hosts =
        addresses.iter().map(|address| Address { host: address.ip().to_string(), port: address.port() });
    Logstash { hosts: hosts.collect(), tls: None, pipelining: 2, compression: 1 }
}

fn start(config: Logstash, timing: Timing) -> Delivery {
    Delivery::running(|batches, settle, state| async move {
        lumberjack::run(&config, timing, batches, settle, state).await
    })
}

fn batch(starts: Range<u64>) -> Batch {
    batch_at(starts, 1)
}

fn batch_at(starts: Range<u64>, level: u8) -> Batch {
    batch_in(Form::Lumberjack, "logs-app-default", starts, level, |start| {
        format!("{{\"n\":{start},\"message\":\"hello\"}}")
    })
}

/// One act for each window, in order, then everything is taken.
fn acts(acts: impl IntoIterator<Item = Act>) -> impl FnMut(&Window) -> Act + Send {
    let mut acts: VecDeque<Act> = acts.into_iter().collect();
    move |window| acts.pop_front().unwrap_or_else(|| Act::take(window))
}

/// Sends ten events to a server with this script. Returns the numbers of each window and its connection.
async fn play(script: impl FnMut(&Window) -> Act + Send + 'static) -> Vec<(usize, Vec<u64>)> {
    let server = BeatsServer::start(script).await;
    let mut delivery = start(config(&[server.address]), fast());
    delivery.send(batch(0..10)).await;
    let fates = delivery.fates().await;
    assert!(fates.keys().copied().eq(0..10) && fates.values().all(|fate| *fate == DELIVERED), "{fates:?}");
    server.windows().iter().map(|window| (window.connection, window.numbers())).collect()
}

fn all() -> Vec<u64> {
    (0..10).collect()
}

// L01, L08, L13
#[tokio::test]
async fn events_carry_their_id_and_data_stream_at_every_level_of_compression() {
    for level in 0..=9 {
        let server = BeatsServer::start(acts([Act::close()])).await;
        let mut delivery = start(Logstash { compression: level, ..config(&[server.address]) }, fast());
        delivery.send(batch_at(0..10, level)).await;
        delivery.fates().await;
        let windows = server.windows();
        assert_eq!(windows.len(), 2);
        for window in &windows {
            assert_eq!(window.numbers(), all());
            assert!(window.ids().iter().copied().eq((0..10).map(id)), "the same ids each time");
            let stream = serde_json::json!({"type": "logs", "dataset": "app", "namespace": "default"});
            assert_eq!(window.events[0]["data_stream"], stream);
        }
    }
}

// L02
#[tokio::test]
async fn after_acknowledged_steps_and_silence_only_the_rest_is_sent_again() {
    let mut silent = VecDeque::from([true]);
    let windows = play(move |window| match silent.pop_front() {
        Some(_) => Act::Say([ack(3), ack(4)].concat()),
        None => Act::take(window),
    })
    .await;
    assert_eq!(windows, [(0, all()), (1, (4..10).collect())]);
}

// L03, L06
#[tokio::test]
async fn a_server_that_says_it_is_at_work_is_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut delivery = start(config(&[listener.local_addr().unwrap()]), fast());
    delivery.send(batch(0..1)).await;
    let serve = async {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        // Much longer in all than the silence that is borne.
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stream.write_all(&ack(0)).await.unwrap();
        }
        for byte in ack(1) {
            stream.write_all(&[byte]).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        let another = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(another.is_err(), "one connection is enough");
    };
    let (fates, ()) = tokio::join!(delivery.fates(), serve);
    assert_eq!(fates.len(), 1);
    assert_eq!(delivery.state.snapshot().signs_of_life, 10);
}

#[tokio::test]
async fn a_server_that_is_at_work_for_ever_is_left() {
    let server = BeatsServer::start(acts([Act::Say(ack(0))])).await;
    let timing = Timing { window: Duration::from_millis(200), answer: Duration::from_secs(20), ..fast() };
    let mut delivery = start(config(&[server.address]), timing);
    delivery.send(batch(0..1)).await;
    assert_eq!(delivery.fates().await.len(), 1);
    assert_eq!(server.windows().len(), 2);
}

#[tokio::test]
async fn wrong_acknowledgements_end_the_connection_and_nothing_is_lost() {
    for wrong in [
        ack(11),
        ack(u32::MAX),
        [ack(5), ack(4)].concat(),
        b"1A\0\0\0\x0a".to_vec(),
        b"2J\0\0\0\x0a".to_vec(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n<html>".to_vec(),
    ] {
        let windows = play(acts([Act::Say(wrong.clone())])).await;
        assert_eq!(windows.len(), 2, "{wrong:?}");
        assert_eq!(windows[1].0, 1, "a connection of its own");
    }
}

#[tokio::test]
async fn half_frames_and_closed_connections_are_no_acknowledgement() {
    for bytes in [Vec::new(), b"2".to_vec(), ack(10)[..5].to_vec()] {
        let windows = play(acts([Act::SayAndClose(bytes)])).await;
        assert_eq!(windows, [(0, all()), (1, all())]);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_and_tried_again() {
    let windows = play(acts([Act::Hang, Act::Hang])).await;
    assert_eq!(windows, [(0, all()), (1, all()), (2, all())]);
}

// L12
#[tokio::test]
async fn of_two_windows_exactly_the_one_without_acknowledgement_is_sent_again() {
    let server = BeatsServer::start(acts([Act::Say(ack(5)), Act::close()])).await;
    let mut delivery = start(config(&[server.address]), fast());
    delivery.send(batch(0..5)).await;
    delivery.send(batch(5..10)).await;
    assert_eq!(delivery.fates().await.len(), 10);
    let windows: Vec<_> =
        server.windows().iter().map(|window| (window.connection, window.numbers())).collect();
    assert_eq!(windows, [(0, (0..5).collect()), (0, (5..10).collect()), (1, (5..10).collect::<Vec<u64>>())]);
}

// L14
#[tokio::test]
async fn an_event_every_window_is_closed_upon_is_a_dead_letter_and_the_others_are_delivered() {
    let poison = 6;
    let script = move |window: &Window| match window.numbers().contains(&poison) {
        true => Act::close(),
        false if window.events.is_empty() => Act::Say(ack(0)),
        false => Act::take(window),
    };
    let server = BeatsServer::start(script).await;
    let mut delivery = start(config(&[server.address]), fast());
    delivery.send(batch(0..10)).await;
    let fates = delivery.fates().await;
    assert_eq!(fates.len(), 10);
    for (start, fate) in &fates {
        match *start == poison {
            true => assert_eq!(refused_with(fate), 0),
            false => assert_eq!(*fate, DELIVERED),
        }
    }
}

// L16
#[tokio::test]
async fn connections_lost_over_one_event_let_no_other_go_first() {
    let mut lost = 0;
    let server = BeatsServer::start(move |window: &Window| match window.events.is_empty() {
        true => Act::Say(Vec::new()),
        false if lost < 3 => {
            lost += 1;
            Act::close()
        }
        false => Act::take(window),
    })
    .await;
    let mut delivery = start(config(&[server.address]), fast());
    delivery.send(batch(0..1)).await;
    delivery.send(batch(1..10)).await;
    let fates = delivery.fates().await;
    assert!(fates.len() == 10 && fates.values().all(|fate| *fate == DELIVERED), "{fates:?}");
    let windows = server.windows();
    let firsts: Vec<u64> =
        windows.iter().flat_map(|window| window.numbers().first().copied()).take(4).collect();
    assert_eq!(firsts, [0; 4], "until it was taken");
}

#[tokio::test]
async fn a_server_that_closes_on_everything_gets_nothing_given_up() {
    let server = BeatsServer::start(|_: &Window| Act::close()).await;
    let mut delivery = start(config(&[server.address]), fast());
    delivery.send(batch(0..2)).await;
    delivery.wait_for_state(|state| state.retries > 20).await;
    let state = delivery.state.snapshot();
    assert!(!state.reachable);
    assert!(state.last_error.unwrap().contains("is this the port of a beats input"));
    assert!(delivery.abandon().await.is_empty());
}

// L11
#[tokio::test]
async fn a_server_that_stops_reading_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut delivery = start(config(&[listener.local_addr().unwrap()]), fast());
    let big = batch_in(Form::Lumberjack, "logs-app-default", 0..60, 0, |start| {
        format!("{{\"n\":{start},\"m\":\"{}\"}}", "x".repeat(1 << 18))
    });
    delivery.send(big).await;
    let first = listener.accept().await.unwrap();
    delivery
        .wait_for_state(|state| state.last_error.as_ref().is_some_and(|error| error.contains("no answer")))
        .await;
    drop(first);
    assert!(delivery.abandon().await.is_empty());
}

// L15
#[tokio::test]
async fn another_host_is_tried_where_one_is_a_black_hole_or_gone() {
    let black_hole = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = bench::process::free_address().unwrap();
    let server = BeatsServer::start(acts([])).await;
    let hosts = [black_hole.local_addr().unwrap(), gone, server.address];
    let mut delivery = start(config(&hosts), fast());
    for first in [0, 10, 20] {
        delivery.send(batch(first..first + 10)).await;
    }
    assert_eq!(delivery.fates().await.len(), 30);
}

// L09
#[tokio::test]
async fn a_connection_reset_within_a_window_is_made_good_by_the_whole_window() {
    use tokio::io::AsyncReadExt;
    let half = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let half_address = half.local_addr().unwrap();
    let server = BeatsServer::start(acts([])).await;
    let mut delivery = start(config(&[half_address, server.address]), fast());
    delivery.send(batch(0..10)).await;
    let (mut stream, _) = half.accept().await.unwrap();
    // What is left unread makes the end a reset.
    stream.read_exact(&mut [0; 20]).await.unwrap();
    drop((stream, half));
    assert_eq!(delivery.fates().await.len(), 10);
    assert_eq!(server.windows()[0].numbers(), all());
}

#[tokio::test]
async fn an_idle_connection_is_replaced_without_a_word_whoever_closes_it() {
    let server = BeatsServer::start(acts([])).await;
    let timing = Timing { idle: Duration::from_millis(50), ..fast() };
    let mut delivery = start(config(&[server.address]), timing);
    for first in [0, 1, 2] {
        delivery.send(batch(first..first + 1)).await;
        delivery.wait_for(|fates| fates.len() as u64 > first).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let fates = delivery.fates().await;
    assert_eq!(fates.len(), 3);
    assert_eq!(server.windows().iter().map(|window| window.connection).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(delivery.state.snapshot().retries, 0);
}

struct Certificates {
    folder: TempDir,
    authority: Authority,
}

impl Certificates {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new() }
    }

    fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn trusting(&self) -> Tls {
        Tls { ca: Some(self.file("ca.pem", &self.authority.pem)), ..Tls::default() }
    }
}

#[tokio::test]
async fn tls_with_a_client_certificate_carries_events() {
    let certificates = Certificates::new();
    let server = certificates.authority.certificate(|_| {});
    let client = certificates.authority.certificate(|_| {});
    let server = BeatsServer::serve(Some(acceptor(&server, Some(&certificates.authority))), acts([])).await;
    let tls = Tls {
        certificate: Some(certificates.file("client.pem", &client.pem)),
        key: Some(certificates.file("client.key", &client.key.serialize_pem())),
        ..certificates.trusting()
    };
    let mut delivery = start(Logstash { tls: Some(tls), ..config(&[server.address]) }, fast());
    for first in [0, 1000] {
        delivery.send(batch(first..first + 1000)).await;
    }
    assert_eq!(delivery.fates().await.len(), 2000);
}

/// What the output says of a server it cannot talk to.
async fn complaint(config: Logstash) -> String {
    let mut delivery = start(config, fast());
    delivery.send(batch(0..1)).await;
    delivery.wait_for_state(|state| state.last_error.is_some()).await;
    let error = delivery.state.snapshot().last_error.unwrap();
    assert!(delivery.abandon().await.is_empty());
    error
}

// L10
#[tokio::test]
async fn tls_to_plain_and_back_and_a_stranger_s_certificate_are_told() {
    let certificates = Certificates::new();
    let plain = BeatsServer::start(|_: &Window| Act::close()).await;
    let raw = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let raw_address = raw.local_addr().unwrap();
    let chatty = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        loop {
            let (mut stream, _) = raw.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let with_tls = |address| Logstash { tls: Some(certificates.trusting()), ..config(&[address]) };
    let error = complaint(with_tls(raw_address)).await;
    assert!(error.contains("does not speak TLS"), "{error}");
    chatty.abort();
    drop(plain);

    let identity = certificates.authority.certificate(|_| {});
    let server = BeatsServer::serve(Some(acceptor(&identity, None)), acts([])).await;
    let error = complaint(config(&[server.address])).await;
    assert!(error.contains("speaks TLS") || error.contains("does it speak TLS"), "{error}");

    let stranger = Authority::new().certificate(|_| {});
    let server = BeatsServer::serve(Some(acceptor(&stranger, None)), acts([])).await;
    let error = complaint(with_tls(server.address)).await;
    assert!(error.contains("tls.ca"), "{error}");
}
