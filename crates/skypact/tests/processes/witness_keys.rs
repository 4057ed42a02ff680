//! Witnesses over https, beside keys that are replaced, and against a log that is another than they saw; with what evidence
//! shows of them.
use super::keys::{all_cosigned, configure, replace};
use super::witness::{skypact, witness};
use crate::common::node::Node;
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually};
use pact::{Auditor, Oversight, Quorum};
use record::{Hash32, PartyId};
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use tlog::{Checkpoint, Hash, NoteSigner, sign_checkpoint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate for localhost of an authority of its own: what listens with it, and the authority's file.
fn tls() -> (TlsAcceptor, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::from_params(&params, &authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf =
        rcgen::CertificateParams::new(vec![String::from("localhost")]).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], private).unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

/// Serves each TLS connection with `answer`, which is given the stream; gives the URL and the authority's certificate.
fn serve<F, R>(runtime: &tokio::runtime::Runtime, answer: F) -> (String, String)
where
    F: Fn(tokio_rustls::server::TlsStream<TcpStream>) -> R + Send + Clone + 'static,
    R: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let (acceptor, authority) = tls();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    // A client that goes is as good as one that waits for the end.
                    let _ended = answer(stream).await;
                }
            });
        }
    });
    (url, authority)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A party's configuration with its witness.
fn with_witness(world: &World, name: &str, witness: &str, url: &str, ca: Option<&str>) {
    let path = world.home(name).join("skypact.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    text += &format!("\n[[witness]]\nname = \"{witness}\"\nurl = \"{url}\"\nevery_s = 1\n");
    if let Some(ca) = ca {
        fs::write(world.home(name).join("ca.pem"), ca).unwrap();
        text += "ca = \"ca.pem\"\n";
    }
    fs::write(path, text).unwrap();
}

fn witnessed(node: &Node, peer: &str, part: &str) -> u64 {
    node.peer(peer)[part]["witnessed"]["size"].as_u64().unwrap()
}

//= spec/witness.md W-15
//= spec/witness.md W-16
//= spec/witness.md W-17
#[test]
fn witness_and_auditor_follow_replaced_keys_and_evidence_shows_what_was_witnessed_throughout() {
    let _limit = Limit::of("witness and keys", 150);
    let mut world = World::new(Spec { aircraft: 2, ..Spec::default() });
    let (ours, court) = (world.dir.path().join("witness"), world.dir.path().join("court"));
    [&ours, &court].iter().for_each(|dir| fs::create_dir_all(dir).unwrap());
    let (_, key) = skypact(&ours, &["witness", "key", "w1.example"]);
    let (_, pin) = skypact(&court, &["audit", "key"]);
    world.oversight = Oversight {
        auditors: vec![Auditor {
            id: PartyId::parse("court").unwrap(),
            tls_spki_sha256: Hash32::parse(pin.trim()).unwrap(),
        }],
        witnesses: vec![key.trim().parse().unwrap()],
        quorum: Some(Quorum { of: 1, within_s: 60 }),
    };
    ["north", "south"].iter().for_each(|name| world.write_pact(name, world.pact()));
    let pact = world.home("north").join("test.pact");
    let (_witness, ready) = witness(&ours, "w1.example", &format!("pacts = [\"{}\"]\n", pact.display()));
    let plain = ready["url"].as_str().unwrap().to_owned();
    // North reaches it over https, through whatever terminates TLS before it.
    let runtime = runtime();
    let behind = plain.strip_prefix("http://").unwrap().to_owned();
    let (url, authority) = serve(&runtime, move |mut stream| {
        let behind = behind.clone();
        async move {
            let mut socket = TcpStream::connect(behind).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut socket).await.map(drop)
        }
    });
    with_witness(&world, "north", "w1.example", &url, Some(&authority));
    with_witness(&world, "south", "w1.example", &plain, None);
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    eventually("both logs are witnessed", 40, || {
        (witnessed(&north, "south", "out") > 3 && witnessed(&south, "north", "out") > 3).then_some(())
    });
    let fetch = |from: &str| -> Value {
        let args = ["--json", "audit", "fetch", "--pact", pact.to_str().unwrap(), "--party", "north", "--from", from];
        let (code, said) = skypact(&court, &args);
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str(said.lines().next().unwrap()).unwrap()
    };
    fetch(&north.link);

    // North replaces all its keys. Nobody tells the witness, and nobody the auditor.
    let file = replace(&world, "north", "keys-2", "rotation", 1);
    let before = witnessed(&north, "south", "out");
    north.stop();
    configure(&world, "north", "keys-2", Some("keys"), &[&file]);
    with_witness(&world, "north", "w1.example", &url, Some(&authority));
    let north = world.start("north");
    let size = north.peer("south")["out"]["size"].as_u64().unwrap();
    eventually("the witness cosigns what the new key signs", 40, || {
        (witnessed(&north, "south", "out") > size.max(before)).then_some(())
    });
    eventually("and the south what it says", 20, || all_cosigned(&north, "south", size).then_some(()));
    let report = fetch(&north.link);
    assert_eq!(report["sound"], true, "{report}");
    // With the old TLS key gone the auditor finds the node by the statement that it found in the log.
    north.stop();
    configure(&world, "north", "keys-2", None, &[&file]);
    with_witness(&world, "north", "w1.example", &url, Some(&authority));
    let north = world.start("north");
    link_up(&north, &south);
    assert_eq!(fetch(&north.link)["sound"], true);
    let more = witnessed(&north, "south", "in");
    eventually("south's log is witnessed on", 40, || (witnessed(&north, "south", "in") > more).then_some(()));
    north.stop();
    south.stop();

    for (name, heard) in [("north", "south to north"), ("south", "north to south")] {
        let home = world.home(name);
        let (code, said) = skypact(&home, &["evidence", "export", "-o", "all.evidence"]);
        assert_eq!(code, Some(0), "{said}");
        // By the pact alone: it names the witness, and the authority that signed for the new keys.
        let verify = ["--json", "evidence", "verify", "all.evidence", "--pact", "test.pact"];
        let (code, said) = skypact(&home, &verify);
        assert_eq!(code, Some(0), "{said}");
        let report: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        for log in report["logs"].as_array().unwrap() {
            let stretches = log["stretches"].as_array().unwrap();
            let covered = stretches.iter().filter(|s| s["witnessed"] == true);
            let end = covered.map(|s| s["entries"][1].as_u64().unwrap()).max().unwrap_or(0);
            let last = log["entries_total"].as_u64().unwrap();
            println!("{name}: {}: witnessed to {end} of {last}", log["origin"]);
            assert!(end > before.min(size), "{name}: witnessed over the change of keys: {log}");
            for stretch in stretches.iter().filter(|s| s["witnessed"] == true) {
                assert_eq!((&stretch["by"], &stretch["quorum"]), (&serde_json::json!(["w1.example"]), &1.into()));
            }
            // The witness's line never makes a receipt: receipts are the addressee's.
            let cosigners =
                log["checkpoints"].as_array().unwrap().iter().flat_map(|c| c["cosigned"].as_array().unwrap());
            assert!(cosigners.into_iter().all(|c| c["by"] != "w1.example"), "{log}");
        }
        assert!(report["logs"].as_array().unwrap().iter().any(|l| l["origin"].as_str().unwrap().starts_with(heard)));
        // Without the pact, with the witness's key given as a party's would be, nothing is received by it.
        let log_key = |name: &str| world.secrets[name].log.verifier().to_string();
        let (_, said) = skypact(
            &home,
            &[
                "evidence",
                "verify",
                "all.evidence",
                "--key",
                &log_key("north"),
                "--key",
                &log_key("south"),
                "--witness",
                key.trim(),
            ],
        );
        assert!(said.contains("no receipt of skypact.link/"), "{said}");
    }
}

/// Answers as a witness that has cosigned more of the log than its owner knows, and shows the note.
async fn contradict<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, note: Vec<u8>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let (head, body) = if request.starts_with(b"GET ") {
        ("200 OK\r\nContent-Type: text/plain", note)
    } else {
        ("409 Conflict\r\nContent-Type: text/x.tlog.size", b"1000000\n".to_vec())
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    stream.shutdown().await
}

//= spec/witness.md W-7
#[test]
fn a_witness_over_https_that_saw_another_log_under_our_key_stops_us_and_the_desk_is_told() {
    let _limit = Limit::of("contradicting witness", 90);
    let mut world = World::new(Spec { aircraft: 2, ..Spec::default() });
    let theirs = NoteSigner::cosigner("w1.example", &[9; 32]).unwrap();
    world.oversight = Oversight { witnesses: vec![theirs.verifier().clone()], ..Oversight::default() };
    ["north", "south"].iter().for_each(|name| world.write_pact(name, world.pact()));
    let origin = format!("skypact.link/north/south/exercise:test/{}", world.pact().hash());
    let another = Checkpoint { origin, size: 1_000_000, root: Hash([7; 32]) };
    let note = sign_checkpoint(&another, &world.secrets["north"].log).unwrap().to_bytes();
    let runtime = runtime();
    let shown = note.clone();
    let (url, authority) = serve(&runtime, move |stream| contradict(stream, shown.clone()));
    with_witness(&world, "north", "w1.example", &url, Some(&authority));
    let (south, north) = (world.start("south"), world.start("north"));
    eventually("north freezes", 40, || (north.peer("south")["link"] == "frozen").then_some(()));
    assert!(north.peer("south")["reason"].as_str().unwrap().contains("OWN_ROLLBACK"), "{}", north.peer("south"));
    let told = |alert: &Value| {
        alert["text"]
            .as_str()
            .is_some_and(|t| t.contains("The witness w1.example says that our log to south has another past"))
    };
    eventually("the desk is told", 10, || north.list("/v1/alerts").iter().any(told).then_some(()));
    south.stop();
    north.stop();
    // The note is kept: evidence shows a log that its owner's own signature contradicts, as far as sizes can tell.
    let kept = fs::read_dir(world.home("north").join("data/links/south")).unwrap().flatten().flat_map(|dir| {
        fs::read_dir(dir.path()).unwrap().flatten().filter(|f| f.file_name().to_string_lossy().starts_with("frozen-"))
    });
    let kept: Vec<Vec<u8>> = kept.map(|file| fs::read(file.path()).unwrap()).collect();
    assert!(kept.contains(&note), "{} notes kept", kept.len());
}
