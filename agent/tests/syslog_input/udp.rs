//! Senders that nothing can hold: what has no room is counted.

use super::{Receiver, documents, message, server};
use bench::fault::{Fault, Plan};
use std::net::UdpSocket;

const UDP: &str = "protocol: udp";

fn socket(receiver: &Receiver) -> UdpSocket {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a free port");
    socket.connect(receiver.address).expect("an address");
    socket
}

#[test]
fn a_datagram_is_a_message() {
    let server = server();
    let receiver = Receiver::with(&server, |_| UDP.into(), "memory: 64MiB");
    let mut agent = receiver.site.run();
    agent.wait_status("it listens", |status| status.listeners.len() == 1);
    let socket = socket(&receiver);
    let trace = "<11>Aug 21 10:15:30 web-1 shop[7]: java.lang.Error: x\n\tat a.B.c(B.java:1)";
    for datagram in [message(1).as_bytes(), trace.as_bytes(), b"\n", b""] {
        socket.send(datagram).expect("sent");
    }
    agent.wait("both are stored", || server.created() >= 2);
    let status = agent.status().expect("a report");
    assert!(agent.stop().success());
    let listener = &status.listeners[0];
    assert_eq!((&listener.protocol[..], listener.messages, listener.messages_dropped), ("udp", 2, 0));
    let messages: Vec<_> =
        documents(&server).iter().map(|document| document["message"].to_string()).collect();
    assert_eq!(messages, [r#""line 00001""#, r#""java.lang.Error: x\n\tat a.B.c(B.java:1)""#]);
}

// I23
#[test]
fn what_comes_while_the_queue_is_full_is_dropped_and_counted() {
    let server = server();
    server.set_plan(Plan::Script(vec![Fault::Refuse(503); 1_000_000]));
    let receiver = Receiver::with(&server, |_| UDP.into(), "memory: 64MiB");
    let mut agent = receiver.site.run();
    agent.wait_status("it listens", |status| status.listeners.len() == 1);
    let socket = socket(&receiver);
    let datagram = format!("<14>1 - web-1 shop - - - {}", "x".repeat(60_000));
    let mut sent = 0;
    let full = agent.wait_status("datagrams are dropped", |status| {
        for _ in 0..5 {
            socket.send(datagram.as_bytes()).expect("sent");
            sent += 1;
        }
        status.listeners[0].messages_dropped >= 3
    });
    assert!(full.queues[0].state == "full" && full.queues[0].bytes <= 16 << 20, "{:?}", full.queues);
    // Each datagram is counted once: taken, dropped here, or dropped by the system.
    agent.wait_status("all are counted", |status| {
        let listener = &status.listeners[0];
        listener.messages + listener.messages_dropped + listener.datagrams_dropped == sent
    });
    let taken = agent.status().expect("a report").listeners[0].messages;
    server.set_plan(Plan::Calm);
    agent.wait("what was taken is stored", || server.created() >= taken);
    assert!(agent.stop().success());
    assert_eq!(server.created(), taken);
}
