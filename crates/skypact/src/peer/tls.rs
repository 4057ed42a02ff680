//! TLS between parties: 1.3 only, both sides authenticated by a key pinned in the pact, no certificate authority.
//!
//! The pin is the SHA-256 of the SubjectPublicKeyInfo, so a certificate can be re-issued at will. Certificates are
//! self-signed and carry nothing that is believed.
use anyhow::{Context, Result};
use record::Hash32;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// Name in the request; it is not looked up and means nothing.
pub const SERVER_NAME: &str = "skypact.invalid";
const ALPN: &[u8] = b"h2";

/// The keys that are believed at this moment: they change while the node runs (`spec/keys.md`).
pub type Pins = Arc<dyn Fn() -> Vec<Hash32> + Send + Sync>;

/// Name in the handshake: which key the dialling side expects, so that a party that is replacing its TLS key can show each
/// peer the one it knows. The first half of the pin, since a label has at most 63 characters.
//= spec/keys.md K-11
pub fn server_name(pin: &Hash32) -> String {
    format!("{}.{SERVER_NAME}", &pin.to_string()[..32])
}

/// Server side: accepts any client whose key is believed, and shows the one of `keys` that the client expects; the first if
/// it expects none of them.
pub fn server_config(keys: &[&rcgen::KeyPair], pins: Pins) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned::new(&provider, pins));
    let mut own = Vec::new();
    for key in keys {
        let (chain, private) = identity(key)?;
        let signing = provider.key_provider.load_private_key(private).context("TLS identity")?;
        own.push((server_name(&pin_of(&chain[0])?), Arc::new(CertifiedKey::new(chain, signing))));
    }
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Own(own)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // No resumption: every connection proves both keys anew, so a revoked key has no ticket to come back with.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Client side: accepts only the server whose key has `pin`.
pub fn client_config(key: &rcgen::KeyPair, pin: Hash32) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned::new(&provider, Arc::new(move || vec![pin])));
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

/// Own keys by the name under which a client asks for each.
#[derive(Debug)]
struct Own(Vec<(String, Arc<CertifiedKey>)>);

impl ResolvesServerCert for Own {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name();
        let asked_for = self.0.iter().find(|(name, _)| asked == Some(name.as_str()));
        asked_for.or(self.0.first()).map(|(_, key)| key.clone())
    }
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

/// What a failed handshake means, in few words: they are the counter's label too, and a stranger must not choose those.
pub fn explained(error: &std::io::Error) -> anyhow::Error {
    let refused = Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure);
    anyhow::anyhow!(match error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
        Some(cause) if *cause == refused => "TLS: a key that the pact does not name",
        Some(Error::NoCertificatesPresented) => "TLS: no key was shown",
        Some(Error::AlertReceived(_)) => "TLS: refused by the other side",
        Some(_) => "TLS: not a handshake that is understood",
        None => "TLS: the connection was lost in the handshake",
    })
}

/// Believes a key because the pact, or a later statement, names it, and for no other reason.
struct Pinned {
    pins: Pins,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("pins", &(self.pins)()).finish_non_exhaustive()
    }
}

impl Pinned {
    fn new(provider: &CryptoProvider, pins: Pins) -> Self {
        Self { pins, algorithms: provider.signature_verification_algorithms }
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        if (self.pins)().contains(&pin_of(certificate)?) {
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
