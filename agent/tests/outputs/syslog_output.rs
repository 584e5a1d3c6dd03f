//! Syslog on the wire: framing, transports, and connections that are cut.

use crate::certificates::{Authority, acceptor};
use crate::harness::{DELIVERED, Delivery, batch_in, refused_with};
use blueox::batch::{Batch, Form};
use blueox::config::{Address, Dialect, Syslog, Tls, Transport};
use blueox::output::backoff::Delays;
use blueox::output::syslog::{self, Timing};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

fn fast() -> Timing {
    Timing {
        connect: Duration::from_secs(5),
        write: Duration::from_secs(5),
        idle: Duration::from_secs(20),
        backoff: Delays { first: Duration::from_millis(2), max: Duration::from_millis(20) },
    }
}

fn config(address: SocketAddr, transport: Transport, dialect: Dialect) -> Syslog {
    let address = Address { host: address.ip().to_string(), port: address.port() };
    Syslog { shipper: "web_1".into(), transport, address, dialect }
}

fn start(config: Syslog, timing: Timing) -> Delivery {
    Delivery::running(|batches, settle, state| async move {
        syslog::run(&config, timing, batches, settle, state).await
    })
}

fn batch(starts: Range<u64>) -> Batch {
    batch_in(Form::Documents, "logs-app-default", starts, 0, |start| {
        format!("{{\"@timestamp\":\"2026-08-21T10:15:30.000Z\",\"message\":\"m{start}\"}}")
    })
}

const DEADLINE: Duration = Duration::from_secs(30);

async fn accept(listener: &TcpListener) -> TcpStream {
    tokio::time::timeout(DEADLINE, listener.accept()).await.expect("a connection in time").unwrap().0
}

/// The next lines, each with its end.
async fn lines(reader: &mut (impl AsyncRead + Unpin), count: usize) -> Vec<String> {
    let mut reader = BufReader::new(reader);
    let mut lines = Vec::new();
    while lines.len() < count {
        let mut line = String::new();
        let read = tokio::time::timeout(DEADLINE, reader.read_line(&mut line)).await;
        assert!(read.expect("a line in time").unwrap() > 0, "{lines:?}");
        lines.push(line);
    }
    lines
}

const HEAD: &str = "<14>1 2026-08-21T10:15:30.000Z web-1 blueox - -";

fn logsearch_line(number: u64) -> String {
    format!(
        "{HEAD} [agent@32473 type=\"json\"] {{\"timestamp\":\"2026-08-21T10:15:30.000Z\",\"message\":\"m{number}\"}}\n"
    )
}

#[tokio::test]
async fn logsearch_gets_a_line_for_each_event_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut delivery = start(config(address, Transport::Tcp, Dialect::Logsearch), fast());
    delivery.send(batch(0..3)).await;
    let mut stream = accept(&listener).await;
    assert_eq!(lines(&mut stream, 3).await, [0, 1, 2].map(logsearch_line));
    assert!(delivery.fates().await.values().all(|fate| *fate == DELIVERED));
}

#[tokio::test]
async fn rfc_5424_is_framed_by_octet_counting_over_tls() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let tls = acceptor(&authority.certificate(|_| {}), None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = Transport::Tls(Tls { ca: Some(ca), ..Tls::default() });
    let mut delivery = start(config(listener.local_addr().unwrap(), transport, Dialect::Rfc5424), fast());
    delivery.send(batch(0..2)).await;
    let serve = async {
        let mut stream = tls.accept(listener.accept().await.unwrap().0).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let (fates, text) = tokio::join!(delivery.fates(), serve);
    assert_eq!(fates.len(), 2);
    let message = |number| {
        format!("{HEAD} - {{\"@timestamp\":\"2026-08-21T10:15:30.000Z\",\"message\":\"m{number}\"}}")
    };
    let expected: String =
        [0, 1].map(|number| format!("{} {}", message(number).len(), message(number))).concat();
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_datagram_holds_one_message_and_what_fits_none_is_a_dead_letter() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut delivery = start(config(address, Transport::Udp, Dialect::Logsearch), fast());
    delivery
        .send(batch_in(Form::Documents, "logs-app-default", 0..3, 0, |start| {
            let length = if start == 1 { 70_000 } else { 1 };
            format!("{{\"@timestamp\":\"2026-08-21T10:15:30.000Z\",\"message\":\"{}\"}}", "x".repeat(length))
        }))
        .await;
    let fates = delivery.fates().await;
    assert_eq!((&fates[&0], refused_with(&fates[&1]), &fates[&2]), (&DELIVERED, 0, &DELIVERED));
    for _ in 0..2 {
        let mut datagram = [0; 1000];
        let len = socket.recv(&mut datagram).await.unwrap();
        assert!(datagram[..len].starts_with(b"<14>1 ") && datagram[..len].ends_with(b"\"message\":\"x\"}"));
    }
}

/// A proxy that cuts idle connections: the next write to such a one would vanish without an error.
#[tokio::test]
async fn a_connection_that_was_cut_while_idle_is_replaced_before_anything_is_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut delivery = start(config(address, Transport::Tcp, Dialect::Logsearch), fast());
    for number in 0..3 {
        delivery.send(batch(number..number + 1)).await;
        let mut stream = accept(&listener).await;
        assert_eq!(lines(&mut stream, 1).await, [logsearch_line(number)]);
        delivery.wait_for(|fates| fates.contains_key(&number)).await;
        drop(stream);
        // The end of the connection has to arrive; what races with it is lost, as the page on Logsearch says.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(delivery.fates().await.len(), 3);
}

#[tokio::test]
async fn a_connection_is_not_used_again_after_a_pause_that_could_have_cut_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timing = Timing { idle: Duration::from_millis(50), ..fast() };
    let mut delivery = start(config(address, Transport::Tcp, Dialect::Logsearch), timing);
    let mut kept = Vec::new();
    for number in 0..2 {
        delivery.send(batch(number..number + 1)).await;
        let mut stream = accept(&listener).await;
        assert_eq!(lines(&mut stream, 1).await, [logsearch_line(number)]);
        kept.push(stream);
        delivery.wait_for(|fates| fates.contains_key(&number)).await;
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    assert_eq!(delivery.fates().await.len(), 2);
}

#[tokio::test]
async fn a_receiver_that_is_away_is_waited_for() {
    let address = bench::process::free_address().unwrap();
    let mut delivery = start(config(address, Transport::Tcp, Dialect::Logsearch), fast());
    delivery.send(batch(0..1)).await;
    delivery.wait_for_state(|state| state.retries > 2 && !state.reachable).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let mut stream = accept(&listener).await;
    assert_eq!(lines(&mut stream, 1).await, [logsearch_line(0)]);
    assert_eq!(delivery.fates().await.len(), 1);
}
