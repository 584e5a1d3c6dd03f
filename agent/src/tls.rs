//! TLS by rustls with ring, for outputs and listeners: whom to trust, and who we are.

use crate::config::{ServerTls, Tls, Verify};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {what} `{}` of `tls.{key}`; it has to be PEM and readable for this user", .path.display())]
    Read {
        /// What it should hold.
        what: &'static str,
        /// Key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// A file holds nothing of use.
    #[error("`{}` of `tls.{key}` holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)", .path.display())]
    Empty {
        /// Key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A certificate is damaged, or key and certificate do not belong together.
    #[error("cannot use the certificates of `tls.{key}`")]
    Unusable {
        /// Key in the configuration.
        key: &'static str,
        /// Why not.
        source: rustls::Error,
    },
    /// Certificate without key, or the other way round.
    #[error("`tls.certificate` and `tls.key` go together, one of them is missing")]
    Incomplete,
}

/// The client side of TLS as configured. Reads the files.
pub(crate) fn client_config(tls: &Tls) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring offers the cipher suites of TLS 1.2 and 1.3");
    let builder = match (tls.verify, &tls.ca) {
        (Verify::None, _) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(VerifyNothing(provider)))
        }
        (Verify::Full, Some(path)) => builder.with_root_certificates(roots("ca", path)?),
        (Verify::Full, None) => {
            let verifier = rustls_platform_verifier::Verifier::new(provider);
            let verifier = verifier.map_err(|source| TlsError::Unusable { key: "ca", source })?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    match (&tls.certificate, &tls.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let (chain, key) = identity(certificate, key)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|source| TlsError::Unusable { key: "certificate", source })
        }
        _ => Err(TlsError::Incomplete),
    }
}

/// The server side of TLS as configured. Reads the files.
pub(crate) fn server_config(tls: &ServerTls) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring offers the cipher suites of TLS 1.2 and 1.3");
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(roots("client_ca", path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let unusable = |error: rustls::server::VerifierBuilderError| TlsError::Unusable {
                key: "client_ca",
                source: rustls::Error::General(error.to_string()),
            };
            builder.with_client_cert_verifier(verifier.map_err(unusable)?)
        }
    };
    let (chain, key) = identity(&tls.certificate, &tls.key)?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|source| TlsError::Unusable { key: "certificate", source })?;
    // Most senders of syslog never read. One that closes with a ticket unread resets the connection, and the system throws away
    // what it had sent and was not read yet.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let chain = certificates("certificate", certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Read {
        what: "the private key",
        key: "key",
        path: key.to_owned(),
        source,
    })?;
    Ok((chain, key))
}

fn roots(key: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, path)? {
        roots.add(certificate).map_err(|source| TlsError::Unusable { key, source })?;
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().map_err(|source| TlsError::Read {
        what: "certificates",
        key,
        path: path.to_owned(),
        source,
    })?;
    if certificates.is_empty() {
        Err(TlsError::Empty { key, path: path.to_owned() })
    } else {
        Ok(certificates)
    }
}

/// `verify: none`: any certificate will do. Signatures are still checked, so that the peer has the key it shows.
#[derive(Debug)]
struct VerifyNothing(Arc<CryptoProvider>);

impl ServerCertVerifier for VerifyNothing {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
