//! A peer that is not skypact: it speaks as much of the protocol as a test wants, and then breaks it.
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Believes every server: the test is about what the server believes.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Connects with this key, or without any.
pub async fn connect(address: &str, key: Option<&rcgen::KeyPair>) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)));
    let mut config = match key {
        None => builder.with_no_client_auth(),
        Some(key) => {
            let params = rcgen::CertificateParams::new(vec![String::from("stranger.invalid")]).unwrap();
            let certificate = params.self_signed(key).unwrap().der().clone();
            let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            builder.with_client_auth_cert(vec![certificate], private).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("skypact.invalid").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

/// A connection that stays open, for one request after another; the task ends when the other side ends it.
pub async fn open(address: &str, key: &rcgen::KeyPair) -> Option<(SendRequest<Full<Bytes>>, JoinHandle<()>)> {
    let stream = connect(address, Some(key)).await.ok()?;
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
    let driver = tokio::spawn(async move { drop(connection.await) });
    Some((sender, driver))
}

/// Asks on it, and gives the answer with its body not read; none if the connection is over.
pub async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Option<hyper::Response<hyper::body::Incoming>> {
    let request = hyper::Request::builder().method(method).uri(format!("https://skypact.invalid{path}"));
    sender.ready().await.ok()?;
    sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.ok()
}

/// Sends bytes as the body of one request and returns what came back until the other side ended it: status and body.
pub async fn request(address: &str, key: &rcgen::KeyPair, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let stream = connect(address, Some(key)).await.unwrap();
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = hyper::Request::post(format!("https://skypact.invalid{path}"));
    let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    let (status, mut body, mut all) = (response.status().as_u16(), response.into_body(), Vec::new());
    // Ends when the node ends the session; a node that does not is a failure that the caller sees by the time limit.
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(Duration::from_secs(10), body.frame()).await {
        all.extend_from_slice(frame.data_ref().map_or(&[][..], |d| d));
    }
    driver.abort();
    (status, all)
}

/// Asks once, without a body: status and answer; none if there is no connection to be had.
pub async fn read(address: &str, key: &rcgen::KeyPair, method: &str, path: &str) -> Option<(u16, Vec<u8>)> {
    let stream = connect(address, Some(key)).await.ok()?;
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
    let driver = tokio::spawn(connection);
    let request = hyper::Request::builder().method(method).uri(format!("https://skypact.invalid{path}"));
    let response = sender.send_request(request.body(Full::new(Bytes::new())).unwrap()).await;
    let answer = match response {
        Ok(response) => {
            Some((response.status().as_u16(), response.into_body().collect().await.ok()?.to_bytes().to_vec()))
        }
        Err(_) => None,
    };
    driver.abort();
    answer
}

/// Puts the length before each frame.
pub fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        out.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        out.extend_from_slice(frame);
    }
    out
}

/// The frames of a body.
#[track_caller]
pub fn unframed(mut body: &[u8]) -> Vec<link::Frame> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<4>() {
        let (frame, after) = rest.split_at(u32::from_be_bytes(*head) as usize);
        frames.push(link::Frame::decode(frame).unwrap());
        body = after;
    }
    assert!(body.is_empty(), "a body ends with a whole frame");
    frames
}
