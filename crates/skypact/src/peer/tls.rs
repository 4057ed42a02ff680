//! TLS between parties: 1.3 only, both sides authenticated by a key pinned in the pact, no certificate authority.
//!
//! The pin is the SHA-256 of the SubjectPublicKeyInfo, so a certificate can be re-issued at will. Certificates are
//! self-signed and carry nothing that is believed.
use super::refused::Refused;
use anyhow::{Context, Result};
use record::Hash32;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use std::sync::Arc;

/// Name used in the handshake; it is not looked up and means nothing.
pub const SERVER_NAME: &str = "skypact.invalid";
const ALPN: &[u8] = b"h2";

/// Server side: accepts any client whose key has one of `pins`.
pub fn server_config(key: &rcgen::KeyPair, pins: Vec<Hash32>) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned::new(&provider, pins));
    let (chain, private) = identity(key)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, private)
        .context("TLS identity")?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // No resumption: every connection proves both keys anew, so a revoked key has no ticket to come back with.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Client side: accepts only the server whose key has `pin`.
pub fn client_config(key: &rcgen::KeyPair, pin: Hash32) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned::new(&provider, vec![pin]));
    let (chain, private) = identity(key)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, private)
        .context("TLS identity")?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

fn identity(key: &rcgen::KeyPair) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let params = rcgen::CertificateParams::new(vec![SERVER_NAME.to_string()])?;
    let certificate = params.self_signed(key).context("cannot make the TLS certificate")?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((vec![certificate.der().clone()], private))
}

/// Pin of the key in a certificate.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Result<Hash32, Error> {
    let parsed = rustls::server::ParsedCertificate::try_from(certificate)?;
    Ok(Hash32::of(&parsed.subject_public_key_info()))
}

/// What a failed handshake means.
pub fn explained(error: &std::io::Error) -> Refused {
    let unknown = Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure);
    match error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
        Some(cause) if *cause == unknown => Refused::UnknownKey,
        Some(Error::NoCertificatesPresented) => Refused::NoKey,
        Some(Error::AlertReceived(_)) => Refused::ByPeer,
        Some(_) => Refused::NotTls,
        None => Refused::Lost,
    }
}

/// Believes a key because the pact names it, and for no other reason.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Hash32>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    fn new(provider: &CryptoProvider, pins: Vec<Hash32>) -> Self {
        Self { pins, algorithms: provider.signature_verification_algorithms }
    }

    //= spec/link.md S-1
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        if self.pins.contains(&pin_of(certificate)?) {
            return Ok(());
        }
        Err(Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(certificate).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
