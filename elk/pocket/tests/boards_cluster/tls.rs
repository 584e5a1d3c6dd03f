//! A cluster behind TLS, with a log-in.

use super::support::Server;
use super::{Viewer, certificates, filled};
use certificates::{Authority, acceptor};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Shows the cluster at `HOST:PORT` behind TLS; ends with the process. Its URL.
fn front(cluster: &str, tls: TlsAcceptor) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    let (url, cluster) =
        (format!("https://{}", listener.local_addr().expect("its address")), cluster.to_owned());
    thread::spawn(move || {
        runtime.block_on(async move {
            while let Ok((viewer, _)) = listener.accept().await {
                let (tls, cluster) = (tls.clone(), cluster.clone());
                tokio::spawn(async move {
                    // One that does not trust the certificate hangs up.
                    let Ok(mut viewer) = tls.accept(viewer).await else { return };
                    let mut cluster = TcpStream::connect(&cluster).await.expect("the cluster");
                    let _ = copy_bidirectional(&mut viewer, &mut cluster).await;
                });
            }
        });
    });
    url
}

/// What a panel says when the viewer has this environment.
fn panel(url: &str, environment: &[(&str, &str)]) -> (u16, Value) {
    Viewer::with(url, environment).panel("app-errors", "errors-by-type")
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the file is written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_cluster_behind_tls_is_shown_to_who_trusts_it_and_logs_in() {
    let (folder, server) = filled();
    drop(server);
    let server = Server::start_as(folder.path(), &[], &[("POCKET_ELK_PASSWORD", "right")]);
    let authority = Authority::new();
    let url = front(server.address(), acceptor(&authority.certificate(|_| {}), None));
    let secrets = tempfile::tempdir().expect("a folder");
    let trusted = written(secrets.path(), "ca.pem", &authority.pem);
    let other = written(secrets.path(), "other.pem", &Authority::new().pem);
    let password = written(secrets.path(), "password", "right\n");
    let user = ("BLUEOX_USERNAME", "elastic");
    let (status, told) = panel(&url, &[("BLUEOX_CA", &trusted), user, ("BLUEOX_PASSWORD_FILE", &password)]);
    assert_eq!(status, 200, "{told}");
    let refused = [
        (vec![("BLUEOX_CA", trusted.as_str()), user, ("BLUEOX_PASSWORD", "wrong")], "unable to authenticate"),
        (vec![("BLUEOX_CA", trusted.as_str())], "missing authentication"),
        (vec![("BLUEOX_CA", other.as_str())], "certificate"),
        (vec![], "certificate"),
    ];
    for (environment, why) in refused {
        let (status, told) = panel(&url, &environment);
        let reason = told["error"]["reason"].as_str().unwrap_or_default();
        assert!(status >= 400 && reason.contains(why), "{environment:?}: {status} {told}");
        assert!(!told.to_string().contains("right"), "{told}");
    }
}
