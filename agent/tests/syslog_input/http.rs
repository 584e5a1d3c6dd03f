//! Senders that come by HTTP: what is answered 2xx is stored, whatever happens.

use super::certificates::Authority;
use super::{Receiver, documents, server};
use bench::fault::{Fault, Plan};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const PLAIN: &str = "protocol: http";

/// One request on a connection of its own; its status, or what went wrong.
fn post(address: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<u16> {
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(format!("POST /drain?x=1 HTTP/1.1\r\nHost: x\r\n{head}\r\n").as_bytes())?;
    socket.write_all(body)?;
    status(&mut socket)
}

pub(super) fn post_message(address: SocketAddr, body: &str) -> std::io::Result<u16> {
    post(address, &format!("Content-Length: {}\r\n", body.len()), body.as_bytes())
}

/// The status of the next answer.
fn status(stream: &mut impl Read) -> std::io::Result<u16> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head);
    Ok(text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line"))
}

pub(super) fn line(number: usize) -> String {
    format!("<14>1 2026-08-21T10:15:30.000Z web-1 shop 1 - - line {number:05}")
}

/// The numbers among the stored messages.
pub(super) fn numbers(server: &bench::fault::FaultServer) -> BTreeSet<usize> {
    let number =
        |document: &serde_json::Value| document["message"].as_str()?.strip_prefix("line ")?.parse().ok();
    documents(server).iter().filter_map(number).collect()
}

#[test]
fn one_message_or_several_are_answered_204_and_arrive() {
    let server = server();
    let receiver = Receiver::with(&server, |_| PLAIN.into(), "memory: 64MiB");
    let mut agent = receiver.site.run();
    drop(receiver.connect(&mut agent));
    let counted: String = (1..3).map(|number| format!("{} {}", line(number).len(), line(number))).collect();
    let trace = "<11>1 - - shop - - - java.lang.Error: x\n\tat a.B.c(B.java:1)\n";
    for body in [line(0), counted, format!("{}\n{}\n", line(3), line(4)), trace.into(), String::new()] {
        assert_eq!(post_message(receiver.address, &body).expect("answered"), 204, "{body}");
    }
    let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", line(5).len(), line(5));
    let answer = post(receiver.address, "Transfer-Encoding: chunked\r\n", chunked.as_bytes());
    assert_eq!(answer.expect("answered"), 204);
    agent.wait("all is stored", || server.created() >= 7);
    let status = agent.status().expect("a report");
    assert!(agent.stop().success());
    assert_eq!(numbers(&server), (0..6).collect());
    let found = documents(&server);
    assert!(
        found.iter().any(|found| found["message"] == "java.lang.Error: x\n\tat a.B.c(B.java:1)"),
        "{found:?}"
    );
    let listener = &status.listeners[0];
    assert_eq!((listener.messages, listener.requests_refused), (7, 0), "{listener:?}");
}

// I20
#[test]
fn what_cannot_be_taken_is_refused_and_nothing_of_it_stays() {
    let server = server();
    let receiver = Receiver::with(&server, |_| PLAIN.into(), "memory: 64MiB");
    let mut agent = receiver.site.run();
    drop(receiver.connect(&mut agent));
    let long = "x".repeat((64 << 10) + 1);
    let chunked = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    for (head, body, expected) in [
        // Its body is not waited for.
        ("Content-Length: 9999999999\r\n", "", 413),
        ("Transfer-Encoding: chunked\r\n", &chunked[..], 413),
        ("Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x", 415),
        ("Content-Length: x\r\n", "", 400),
    ] {
        assert_eq!(post(receiver.address, head, body.as_bytes()).expect("answered"), expected, "{head}");
    }
    let many = "A: b\r\n".repeat(100);
    assert_eq!(post(receiver.address, &many, b"").expect("answered"), 431);
    let mut socket = receiver.connect(&mut agent);
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("written");
    assert_eq!(status(&mut socket).expect("answered"), 405);
    // The sender ends within its body: nothing of it is a message.
    let mut half = receiver.connect(&mut agent);
    half.write_all(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n<14>half").expect("written");
    drop(half);
    assert_eq!(post_message(receiver.address, &line(1)).expect("answered"), 204);
    agent.wait("the whole one is stored", || server.created() >= 1);
    let refused =
        agent.wait_status("the refusals are counted", |status| status.listeners[0].requests_refused >= 5);
    assert!(agent.stop().success());
    assert_eq!((server.created(), refused.listeners[0].messages), (1, 1));
}

// I20
#[test]
fn a_full_queue_is_answered_503_and_taken_again_once_there_is_room() {
    let server = server();
    server.set_plan(Plan::Script(vec![Fault::Refuse(503); 1_000_000]));
    let receiver = Receiver::with(&server, |_| PLAIN.into(), "memory: 64MiB");
    let mut agent = receiver.site.run();
    drop(receiver.connect(&mut agent));
    let padding = "x".repeat(60_000);
    let body = |number: usize| format!("{} {padding}", line(number));
    let mut taken = 0;
    let refusal = loop {
        match post_message(receiver.address, &body(taken)).expect("answered") {
            204 => taken += 1,
            other => break other,
        }
    };
    assert_eq!(refusal, 503);
    let full = agent.wait_status("the queue is full", |status| status.queues[0].state == "full");
    assert!(full.queues[0].bytes <= 16 << 20 && taken > 200, "{taken}");
    server.set_plan(Plan::Calm);
    agent.wait("all is stored", || server.created() >= taken as u64);
    agent.wait("there is room", || {
        post_message(receiver.address, &body(taken)).is_ok_and(|status| status == 204)
    });
    agent.wait("the last is stored", || server.created() > taken as u64);
    assert!(agent.stop().success());
}

// Many senders at once, each repeating what was not answered, over four agents that are killed.
// I20
#[test]
fn kill_nine_loses_no_message_that_was_answered() {
    const SENDERS: usize = 8;
    const MESSAGES: usize = 4000;
    const KILLS: usize = 4;
    let server = server();
    let receiver = Receiver::with(&server, |_| PLAIN.into(), "memory: 64MiB");
    let (next, acknowledged) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(BTreeSet::new())));
    let senders = (0..SENDERS).map(|_| {
        let (next, acknowledged, address) = (next.clone(), acknowledged.clone(), receiver.address);
        std::thread::spawn(move || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= MESSAGES {
                    break;
                }
                while !post_message(address, &line(number)).is_ok_and(|status| status == 204) {
                    std::thread::yield_now();
                }
                acknowledged.lock().expect("no panic").insert(number);
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    for kill in 1..=KILLS {
        let mut agent = receiver.site.run();
        let enough = kill * MESSAGES / (KILLS + 1);
        agent.wait("some are answered", || acknowledged.lock().expect("no panic").len() >= enough);
        agent.kill();
    }
    let mut agent = receiver.site.run();
    agent.wait("all are answered", || acknowledged.lock().expect("no panic").len() == MESSAGES);
    senders.into_iter().for_each(|sender| sender.join().expect("all was sent"));
    agent.wait("all is stored", || numbers(&server).len() == MESSAGES);
    assert!(agent.stop().success());
    // A message whose answer was lost came again.
    let repeated = server.created() as usize - MESSAGES;
    assert!(repeated <= KILLS * SENDERS, "{repeated} repeated");
}

#[test]
fn an_https_drain_is_served() {
    let (server, authority) = (server(), Authority::new());
    let identity = authority.certificate(|_| {});
    let keys = |site: &super::Site| format!("{PLAIN}, {}", super::tls::keys(site, &identity, None));
    let receiver = Receiver::with(&server, keys, "memory: 64MiB");
    let mut agent = receiver.site.run();
    let mut sender = super::tls::sender(receiver.connect(&mut agent), &authority, None);
    for number in 0..2 {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
            line(number).len(),
            line(number)
        );
        sender.write_all(request.as_bytes()).expect("written");
        assert_eq!(status(&mut sender).expect("answered"), 204);
    }
    // Whoever speaks no TLS is turned away.
    assert!(post_message(receiver.address, &line(7)).is_err());
    agent.wait("all is stored", || server.created() >= 2);
    agent.wait_status("the refusal is counted", |status| status.listeners[0].connections_refused == 1);
    assert!(agent.stop().success());
    assert_eq!(numbers(&server), (0..2).collect());
}
