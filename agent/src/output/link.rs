//! A connection over TCP, plain or by TLS.

use crate::config::{Address, Tls};
use crate::tls::{TlsError, client_config};
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Both directions of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Plain TCP and TLS alike.
pub(super) type Link = Box<dyn Stream>;

/// Makes connections.
pub(super) struct Connector {
    tls: Option<TlsConnector>,
    within: Duration,
}

impl Connector {
    /// Reads certificates; connects to nothing yet. A connection has to stand `within` that time, TLS included.
    pub(super) fn new(tls: Option<&Tls>, within: Duration) -> Result<Self, TlsError> {
        let tls = match tls {
            Some(tls) => Some(TlsConnector::from(Arc::new(client_config(tls)?))),
            None => None,
        };
        Ok(Self { tls, within })
    }

    /// Connects; the error is a sentence that names the likely cause.
    pub(super) async fn connect(&self, address: &Address) -> Result<Link, String> {
        let connecting = tokio::time::timeout(self.within, self.establish(address));
        let late = |_| Err(format!("no connection within {} s", self.within.as_secs_f32()));
        connecting.await.unwrap_or_else(late)
    }

    async fn establish(&self, address: &Address) -> Result<Link, String> {
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await;
        let tcp = tcp.map_err(|error| format!("cannot connect: {error}"))?;
        tcp.set_nodelay(true).map_err(|error| format!("cannot set up the connection: {error}"))?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(address.host.clone())
            .map_err(|_| format!("`{}` is no name that a certificate can hold", address.host))?;
        match tls.connect(name, tcp).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(format!("no TLS: {error}{}", tls_guess(&error))),
        }
    }
}

fn tls_guess(error: &io::Error) -> &'static str {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(rustls::Error::InvalidMessage(_)), _) => {
            "; the peer does not speak TLS: leave `tls` out, or name its TLS port"
        }
        (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            "; the peer closed the connection: does it speak TLS at this port?"
        }
        (Some(rustls::Error::InvalidCertificate(_)), _) => "; name its authority in `tls.ca`",
        _ => "",
    }
}
