//! Senders that come by TLS, and those that should.

use super::certificates::{Authority, Identity};
use super::{Receiver, documents, message, server};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Writes the listener's certificates, and names them.
pub(super) fn keys(site: &super::Site, identity: &Identity, client_ca: Option<&Authority>) -> String {
    fs::write(site.path("server.pem"), &identity.pem).expect("written");
    fs::write(site.path("server.key"), identity.key.serialize_pem()).expect("written");
    let client_ca = client_ca.map(|authority| {
        fs::write(site.path("senders.pem"), &authority.pem).expect("written");
        ", client_ca: senders.pem"
    });
    format!("tls: {{certificate: server.pem, key: server.key{}}}", client_ca.unwrap_or_default())
}

pub(super) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A sender that trusts `authority`, and shows who it is where asked.
pub(super) fn sender(socket: TcpStream, authority: &Authority, own: Option<&Identity>) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            builder.with_client_auth_cert(vec![own.der.clone()], own.private_key()).expect("its own key")
        }
    };
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a connection"), socket)
}

#[test]
fn messages_come_by_tls_also_where_the_sender_says_no_goodbye() {
    const MESSAGES: usize = 3000;
    let (server, authority) = (server(), Authority::new());
    let identity = authority.certificate(|_| {});
    let receiver = Receiver::with(&server, |site| keys(site, &identity, None), "memory: 64MiB");
    let mut agent = receiver.site.run();
    for numbers in [0..MESSAGES / 2, MESSAGES / 2..MESSAGES] {
        let says_goodbye = numbers.start == 0;
        let mut sender = sender(receiver.connect(&mut agent), &authority, None);
        let all: String = numbers.map(message).collect();
        all.as_bytes().chunks(1009).for_each(|piece| sender.write_all(piece).expect("written"));
        if says_goodbye {
            sender.conn.send_close_notify();
            sender.flush().expect("written");
        }
    }
    agent.wait("all is stored", || server.created() >= MESSAGES as u64);
    assert!(agent.stop().success());
    let mut lines: Vec<String> = documents(&server)
        .iter()
        .map(|document| document["message"].as_str().expect("text").into())
        .collect();
    lines.sort_unstable();
    assert!(lines.iter().enumerate().all(|(number, line)| *line == format!("line {number:05}")));
}

// I22
#[test]
fn only_senders_with_a_certificate_of_the_named_authority_are_let_in() {
    let (server, authority, senders) = (server(), Authority::new(), Authority::new());
    let identity = authority.certificate(|_| {});
    let receiver = Receiver::with(&server, |site| keys(site, &identity, Some(&senders)), "memory: 64MiB");
    let mut agent = receiver.site.run();
    let (known, stranger) = (senders.certificate(|_| {}), authority.certificate(|_| {}));
    for own in [None, Some(&stranger)] {
        let mut sender = sender(receiver.connect(&mut agent), &authority, own);
        // The refusal comes after the sender's own handshake is over.
        let sent = sender.write_all(message(1).as_bytes()).and_then(|()| sender.read(&mut [0]));
        assert!(sent.is_err(), "{sent:?}");
    }
    sender(receiver.connect(&mut agent), &authority, Some(&known))
        .write_all(message(2).as_bytes())
        .expect("written");
    agent.wait("the message is stored", || server.created() >= 1);
    assert!(agent.stop().success());
    assert_eq!(documents(&server)[0]["message"], "line 00002");
    assert_eq!(server.created(), 1);
}

// Neither is taken for a message.
// I22
#[test]
fn tls_to_a_plain_listener_and_plain_to_one_with_tls_are_refused_with_the_remedy() {
    let (server, authority) = (server(), Authority::new());
    let identity = authority.certificate(|_| {});
    let plain = Receiver::new(&server);
    let mut agent = plain.site.run();
    let mut lost = sender(plain.connect(&mut agent), &authority, None);
    assert!(lost.write_all(message(1).as_bytes()).is_err());
    agent.wait("it says so", || log(&plain).contains("the sender speaks TLS and this listener does not"));
    assert!(agent.stop().success());

    let encrypted = Receiver::with(&server, |site| keys(site, &identity, None), "memory: 64MiB");
    let mut agent = encrypted.site.run();
    let mut socket = encrypted.connect(&mut agent);
    socket.write_all(message(1).as_bytes()).expect("written");
    agent.wait("it says so", || log(&encrypted).contains("the sender does not speak TLS"));
    // An alert, and the end.
    let mut rest = Vec::new();
    assert!(socket.read_to_end(&mut rest).is_err() || rest.len() < 16, "{rest:?}");
    assert!(agent.stop().success());
    assert_eq!(server.created(), 0);
}

#[test]
fn certificates_that_do_not_fit_end_the_start_with_line_key_and_remedy() {
    let (server, authority) = (server(), Authority::new());
    let (identity, other) = (authority.certificate(|_| {}), authority.certificate(|_| {}));
    let wrong = Identity { pem: identity.pem.clone(), der: identity.der.clone(), key: other.key };
    let receiver = Receiver::with(&server, |site| keys(site, &wrong, None), "memory: 64MiB");
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_blueox"));
    let check = check.arg("check").arg("-c").arg(receiver.site.config()).output().expect("it runs");
    let text = String::from_utf8_lossy(&check.stderr).into_owned();
    assert_eq!(check.status.code(), Some(78), "{text}");
    let expected =
        "inputs[0].tls.key: does not belong to the first certificate in `certificate`; name the key";
    assert!(text.contains(expected) && text.contains("blueox.yml:3:"), "{text}");
    assert_eq!(receiver.site.run().finish().code(), Some(78));
}

fn log(receiver: &Receiver) -> String {
    fs::read_to_string(receiver.site.path("agent.log")).unwrap_or_default()
}
