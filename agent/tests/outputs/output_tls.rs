//! Whom the output trusts, and what it says when it does not (E41 to E43 of the catalogue of cases).

use crate::certificates::{Authority, Identity, acceptor};
use crate::harness::{DELIVERED, Delivery, batch, config};
use crate::scripted_server::{Act, Request, ScriptedServer};
use blueox::config::{Elasticsearch, Tls, Verify};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn store(request: &Request) -> Option<Act> {
    Some(Act::bulk(request, |_, _| 201))
}

/// A configuration that trusts `authority`, whose files live as long as the folder.
fn trusting(url: String, authority: &Authority, folder: &TempDir) -> Elasticsearch {
    let ca = file(folder, "ca.pem", &authority.pem);
    Elasticsearch { tls: Tls { ca: Some(ca), ..Tls::default() }, ..config(&[url]) }
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The output's reason not to talk to this server. Nothing may have been sent.
async fn refusal(config: Elasticsearch) -> String {
    let mut delivery = Delivery::start(config);
    delivery.send(batch(0..1)).await;
    delivery.wait_for_state(|state| state.last_error.is_some()).await;
    let snapshot = delivery.state.snapshot();
    assert!(!snapshot.reachable);
    assert!(delivery.abandon().await.is_empty());
    snapshot.last_error.unwrap()
}

#[tokio::test]
async fn a_server_with_a_certificate_of_the_configured_authority_is_trusted() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let server = ScriptedServer::tls(acceptor(&authority.certificate(|_| {}), None), store).await;
    let mut delivery = Delivery::start(trusting(server.url(), &authority, &folder));
    delivery.send(batch(0..3)).await;
    assert!(delivery.fates().await.values().all(|fate| *fate == DELIVERED));
    assert_eq!(server.finish().len(), 1);
}

/// E41
#[tokio::test]
async fn a_certificate_that_does_not_prove_the_host_is_refused_with_the_reason() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let name = |name: &str| CertificateParams::new([name.to_owned()]).unwrap().subject_alt_names;
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        Identity { pem: certificate.pem(), der: certificate.der().clone(), key }
    };
    for (case, identity, reason, remedy) in [
        (
            "expired",
            authority.certificate(|params| params.not_after = date_time_ymd(2020, 1, 1)),
            "expired",
            "clock",
        ),
        (
            "not yet valid",
            authority.certificate(|params| params.not_before = date_time_ymd(2999, 1, 1)),
            "not valid yet",
            "clock",
        ),
        (
            "wrong name",
            authority.certificate(|params| params.subject_alt_names = name("example.org")),
            "not valid for",
            "`hosts`",
        ),
        (
            "wrong address",
            authority.certificate(|params| params.subject_alt_names = name("127.0.0.2")),
            "not valid for",
            "`hosts`",
        ),
        ("unknown authority", stranger.certificate(|_| {}), "UnknownIssuer", "`tls.ca`"),
        ("self-signed", self_signed, "certificate", "`tls.ca`"),
    ] {
        let folder = TempDir::new().unwrap();
        let server = ScriptedServer::tls(acceptor(&identity, None), store).await;
        let error = refusal(trusting(server.url(), &authority, &folder)).await;
        assert!(error.contains(reason) && error.contains(remedy), "{case}: {error}");
        assert!(server.finish().is_empty(), "{case}: nothing is sent");
    }
}

/// The system's authorities do not know ours, and there is no way back to plain text.
#[tokio::test]
async fn without_a_configured_authority_only_those_of_the_system_count() {
    let authority = Authority::new();
    let server = ScriptedServer::tls(acceptor(&authority.certificate(|_| {}), None), store).await;
    let error = refusal(config(&[server.url()])).await;
    assert!(error.contains("certificate"), "{error}");
    assert!(server.finish().is_empty());
}

#[tokio::test]
async fn a_server_that_speaks_only_an_old_version_or_no_tls_is_refused() {
    // A fatal alert: protocol_version(70), as a server answers that knows TLS 1.0 only.
    let alert: &[u8] = &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];
    for (answer, reason) in
        [(alert, "ProtocolVersion"), (b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), "corrupt message")]
    {
        let listener = tokio::net::TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut hello = [0; 4096];
                let _ = stream.read(&mut hello).await;
                let _ = stream.write_all(answer).await;
            }
        });
        let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
        let error = refusal(trusting(url, &authority, &folder)).await;
        assert!(error.contains(reason), "{error}");
        task.abort();
    }
}

/// E42
#[tokio::test]
async fn a_client_certificate_is_shown_and_its_absence_is_an_error_that_says_so() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let ours = authority.certificate(|_| {});
    let server = ScriptedServer::tls(acceptor(&authority.certificate(|_| {}), Some(&authority)), store).await;
    let mut config = trusting(server.url(), &authority, &folder);

    let error = refusal(config.clone()).await;
    assert!(error.contains("CertificateRequired"), "{error}");

    config.tls.certificate = Some(file(&folder, "client.pem", &ours.pem));
    config.tls.key = Some(file(&folder, "client.key", &ours.key.serialize_pem()));
    let mut delivery = Delivery::start(config);
    delivery.send(batch(0..1)).await;
    assert_eq!(delivery.fates().await[&0], DELIVERED);
    server.finish();
}

/// E43
#[tokio::test]
async fn with_verification_off_any_certificate_will_do() {
    let stranger = Authority::new();
    let identity = stranger.certificate(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let server = ScriptedServer::tls(acceptor(&identity, None), store).await;
    let mut config = config(&[server.url()]);
    config.tls.verify = Verify::None;
    let mut delivery = Delivery::start(config);
    delivery.send(batch(0..1)).await;
    assert_eq!(delivery.fates().await[&0], DELIVERED);
    server.finish();
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named_before_anything_is_sent() {
    use blueox::output::elasticsearch::{Timing, client::Client};
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    let error = |tls: Tls| {
        let config = Elasticsearch { tls, ..config(&["https://127.0.0.1:1".to_owned()]) };
        let error = Client::new(&config, Timing::default()).expect_err("unusable");
        format!("{:#}", anyhow::Error::from(error))
    };
    let missing = error(Tls { ca: Some(folder.path().join("none.pem")), ..Tls::default() });
    assert!(missing.contains("none.pem") && missing.contains("tls.ca"), "{missing}");
    let empty = error(Tls { ca: Some(file(&folder, "empty.pem", "hello\n")), ..Tls::default() });
    assert!(empty.contains("empty.pem") && empty.contains("no certificate"), "{empty}");
    let certificate = Some(file(&folder, "c.pem", &authority.certificate(|_| {}).pem));
    let alone = error(Tls { certificate: certificate.clone(), ..Tls::default() });
    assert!(alone.contains("tls.key"), "{alone}");
    let key = Some(file(&folder, "k.pem", &authority.certificate(|_| {}).key.serialize_pem()));
    let mismatch = error(Tls { certificate, key, ..Tls::default() });
    assert!(mismatch.contains("tls.certificate"), "{mismatch}");
}
