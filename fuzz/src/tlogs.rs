//! Signed logs: notes, checkpoints, cosignatures, tiles, proofs, evidence.
use std::sync::OnceLock;

use tlog::{
    Bundle, Checkpoint, Hash, LogReader, LogWriter, MemStore, Note, NoteSigner, Proof, SignatureLine, Store, Tree,
    TrustedKeys, VerifierKey,
};

use crate::{Seeds, Target, Verdict, bent, refused, seed};

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "note", about: "a signed note (C2SP signed-note)", bytes_max: 4096, run: note, seeds: note_seeds },
    Target {
        name: "checkpoint",
        about: "a checkpoint's note, its signature and cosignature",
        bytes_max: 4096,
        run: checkpoint,
        seeds: checkpoint_seeds,
    },
    Target { name: "key", about: "a verifier key's text", bytes_max: 512, run: key, seeds: key_seeds },
    Target {
        name: "entry-bundle",
        about: "an entry bundle (C2SP tlog-tiles); the first byte is its width",
        bytes_max: 8192,
        run: entry_bundle,
        seeds: entry_bundle_seeds,
    },
    Target {
        name: "tile",
        about: "one file of a stored log changed; the first byte says which",
        bytes_max: 4096,
        run: tile,
        seeds: tile_seeds,
    },
    Target {
        name: "proof",
        about: "inclusion and consistency proofs over a log of 40: kind, two sizes, hashes",
        bytes_max: 256,
        run: proof,
        seeds: proof_seeds,
    },
    Target {
        name: "evidence",
        about: "an evidence file (spec/evidence.md)",
        bytes_max: 8192,
        run: evidence,
        seeds: evidence_seeds,
    },
];

const ORIGIN: &str = "skypact.link/north/south/live/00";

fn signer() -> &'static NoteSigner {
    static SIGNER: OnceLock<NoteSigner> = OnceLock::new();
    SIGNER.get_or_init(|| must(NoteSigner::new("skypact.link/north", &[7; 32])))
}

fn cosigner() -> &'static NoteSigner {
    static SIGNER: OnceLock<NoteSigner> = OnceLock::new();
    SIGNER.get_or_init(|| must(NoteSigner::cosigner("skypact.link/south", &[8; 32])))
}

/// What cannot fail: our own examples.
fn must<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn note(bytes: &[u8]) -> Verdict {
    let note = Note::parse(bytes).map_err(refused)?;
    assert_eq!(note.to_bytes(), bytes, "a note is passed on as it came");
    assert!(note.signatures().len() <= tlog::SIGNATURES_MAX && bytes.len() <= tlog::NOTE_BYTES_MAX);
    for line in note.signatures() {
        let text = line.to_text();
        assert_eq!(SignatureLine::from_text(&text).as_ref(), Ok(line), "a line is read as it was written");
    }
    let mut twice = note.clone();
    if let Some(line) = note.signatures().first() {
        must(twice.add(line.clone()));
        assert_eq!(twice, note, "the very same line is not added again");
    }
    Ok(())
}

fn note_seeds() -> Seeds {
    let other = must(NoteSigner::new("other.example", &[9; 32]));
    let good = must(tlog::sign("a text\n\nwith a blank line\n", &[signer(), &other])).to_bytes();
    vec![
        seed("ok-two-signatures", &good),
        seed("ok-of-another-log", include_bytes!("../../crates/tlog/testdata/arche2025h1.checkpoint")),
        seed("no-signature", "a text\n"),
        seed("no-final-newline", &good[..good.len() - 1]),
        seed("no-control-character", bent(b"a\x08\n\n\xe2\x80\x94 x AAAAAAA=\n", 1)),
    ]
}

/// Whatever verifies was signed: Ed25519 has no chance in it, so the signature that a key makes of a text is the only one
/// of that key which may verify.
fn checkpoint(bytes: &[u8]) -> Verdict {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert!(text.starts_with(&checkpoint.to_text()), "extension lines may follow, nothing else");
        assert_eq!(Checkpoint::parse(&checkpoint.to_text()), Ok(checkpoint));
    }
    let verified = tlog::open_checkpoint(bytes, ORIGIN, signer().verifier()).map_err(refused)?;
    let own = must(tlog::sign(verified.note().text(), &[signer()]));
    let found = verified.note().signatures().iter().filter(|line| line.names(signer().verifier()));
    assert!(found.clone().count() > 0 && found.clone().all(|line| *line == own.signatures()[0]), "a forged signature");
    for cosignature in tlog::cosignatures(verified.note(), &[cosigner().verifier().clone()]).map_err(refused)? {
        let line = must(tlog::cosign(verified.note().text(), cosignature.time_s, cosigner()));
        assert!(verified.note().signatures().contains(&line), "a forged cosignature");
    }
    Ok(())
}

fn checkpoint_seeds() -> Seeds {
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 3, root: Hash([7; 32]) };
    let mut note = must(tlog::sign_checkpoint(&checkpoint, signer()));
    let plain = note.to_bytes();
    must(note.add(must(tlog::cosign(&checkpoint.to_text(), 1_780_272_000, cosigner()))));
    let other = Checkpoint { origin: "other".into(), ..checkpoint.clone() };
    vec![
        seed("ok-signed", &plain),
        seed("ok-cosigned", note.to_bytes()),
        seed("no-text-alone", checkpoint.to_text()),
        seed("no-other-origin", must(tlog::sign_checkpoint(&other, signer())).to_bytes()),
        seed("no-changed-size", bent(&plain, ORIGIN.len() + 1)),
        seed("no-changed-signature", bent(&plain, plain.len() - 20)),
    ]
}

fn key(bytes: &[u8]) -> Verdict {
    let text = std::str::from_utf8(bytes).map_err(refused)?;
    let key = text.parse::<VerifierKey>().map_err(refused)?;
    assert_eq!(key.to_string(), text, "a key has one text");
    assert!(key.name().len() <= tlog::NAME_BYTES_MAX);
    Ok(())
}

fn key_seeds() -> Seeds {
    let good = signer().verifier().to_string();
    vec![
        seed("ok-log", &good),
        seed("ok-cosigner", cosigner().verifier().to_string()),
        seed("no-other-id", bent(good.as_bytes(), good.find('+').unwrap_or(0) + 1)),
        seed("no-name", &good[good.find('+').unwrap_or(0)..]),
    ]
}

fn entry_bundle(bytes: &[u8]) -> Verdict {
    let (width, bytes) = bytes.split_first().ok_or("empty")?;
    let width = u32::from(*width) + 1;
    let entries = tlog::decode_bundle(bytes, width).map_err(refused)?;
    assert_eq!(entries.len(), width as usize);
    assert_eq!(tlog::encode_bundle(&entries).as_deref(), Ok(bytes), "a bundle has one encoding");
    Ok(())
}

fn entry_bundle_seeds() -> Seeds {
    let of = |entries: &[&[u8]], width: u8| [&[width - 1], must(tlog::encode_bundle(entries)).as_slice()].concat();
    vec![
        seed("ok-one", of(&[b"entry"], 1)),
        seed("ok-three", of(&[b"one", b"", b"three"], 3)),
        seed("no-fourth", of(&[b"one", b"", b"three"], 4)),
        seed("no-cut", [&[0, 0, 9][..], b"short"].concat()),
    ]
}

const ENTRIES: u64 = 300;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A log of 300 entries in files.
fn stored() -> &'static (MemStore, Hash) {
    static STORED: OnceLock<(MemStore, Hash)> = OnceLock::new();
    STORED.get_or_init(|| {
        let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
        for index in 0..ENTRIES {
            must(writer.append(&entry(index)));
        }
        must(writer.flush(&mut store));
        let root = writer.root();
        (store, root)
    })
}

/// A file of a log that was changed is found, or changes nothing of what is believed.
fn tile(bytes: &[u8]) -> Verdict {
    let (which, bytes) = bytes.split_first().ok_or("empty")?;
    let (store, root) = stored();
    let paths: Vec<&String> = store.files.keys().collect();
    let path = paths[usize::from(*which) % paths.len()].clone();
    let mut store = store.clone();
    must(store.write(&path, bytes));
    let opened = LogWriter::open(&store, ENTRIES, root).map_err(refused);
    let reader = LogReader::new(&store, ENTRIES);
    let entries = reader.entries(0..ENTRIES).map_err(refused);
    let audited = reader.audit(root).map_err(refused).and_then(|bad| match bad {
        Some(bad) => Err(format!("{bad:?}")),
        None => Ok(()),
    });
    if let Ok(mut writer) = opened.clone() {
        assert_eq!((writer.size(), writer.root()), (ENTRIES, *root), "the right edge adds up to the root");
        must(writer.append(b"one more"));
    }
    if audited.is_ok() {
        let entries = entries.clone().unwrap_or_else(|e| panic!("audited, but unreadable: {e}"));
        assert!((0..).zip(&entries).all(|(index, found)| *found == entry(index)), "{path}: other entries passed");
        // Damaged hashes are no bad entry: the proofs made of them do not verify, that is all.
        for index in [0, 255, 256, ENTRIES - 1].into_iter().filter(|_| path.contains("entries")) {
            let proof = must(reader.inclusion_proof(index, ENTRIES));
            let leaf = tlog::leaf_hash(&entry(index));
            must(tlog::verify_inclusion(&leaf, index, ENTRIES, &proof, root));
        }
    }
    opened.and(entries).and(audited).map(|_| ())
}

fn tile_seeds() -> Seeds {
    let (store, _) = stored();
    let mut seeds = Vec::new();
    for (which, (path, bytes)) in store.files.iter().enumerate().filter(|(_, (_, bytes))| bytes.len() < 4000) {
        let name = path.replace('/', "-");
        let with = |bytes: &[u8]| [&[which as u8], bytes].concat();
        seeds.push(seed(&format!("ok-{name}"), with(bytes)));
        seeds.push(seed(&format!("no-{name}-bent"), with(&bent(bytes, 9))));
        seeds.push(seed(&format!("no-{name}-short"), with(&bytes[..bytes.len() - 7])));
    }
    seeds
}

const LEAVES: u8 = 40;

fn tree() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut tree = Tree::new();
        for leaf in 0..LEAVES {
            tree.append(tlog::leaf_hash(&[leaf]));
        }
        tree
    })
}

/// A proof verifies if it is the proof, and not otherwise. Hashes of the tree are named by a byte: a fuzzer cannot guess 32.
fn proof(bytes: &[u8]) -> Verdict {
    let [kind, a, b, rest @ ..] = bytes else { return Err("too short".into()) };
    let (tree, size) = (tree(), b % (LEAVES + 1));
    let known = known_hashes();
    let given = Proof(rest.iter().map(|n| known[usize::from(*n) % known.len()]).collect());
    let root = |size: u8| must(tlog::root_at(tree, size.into()));
    let (right, verified) = if kind % 2 == 0 {
        let index = *a;
        let leaf = tlog::leaf_hash(&[index]);
        let right = (index < size).then(|| must(tlog::inclusion_proof(tree, index.into(), size.into())));
        (right, tlog::verify_inclusion(&leaf, index.into(), size.into(), &given, &root(size)))
    } else {
        let old = a % (LEAVES + 1);
        let right = (old <= size).then(|| must(tlog::consistency_proof(tree, old.into(), size.into())));
        (right, tlog::verify_consistency(old.into(), size.into(), &root(old), &root(size), &given))
    };
    assert_eq!(right.as_ref() == Some(&given), verified.is_ok(), "{bytes:?}: {verified:?}, the proof is {right:?}");
    // As a stranger would send it: any sizes, any hashes. It ends, and proves nothing.
    let raw = Proof(rest.as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect());
    let wide = u64::from_le_bytes([*a, *b, *kind, *a, *b, *kind, *a, *b]);
    let refuted = tlog::verify_inclusion(&Hash([1; 32]), u64::from(*a), wide, &raw, &Hash([2; 32]));
    assert!(refuted.is_err(), "a root out of thin air");
    verified.map_err(refused)
}

/// Every hash of a subtree that some proof over the tree holds.
fn known_hashes() -> &'static [Hash] {
    static KNOWN: OnceLock<Vec<Hash>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = Vec::new();
        for size in 1..=u64::from(LEAVES) {
            for at in 0..size {
                let inclusion = must(tlog::inclusion_proof(tree(), at, size)).0;
                let consistency = must(tlog::consistency_proof(tree(), at, size)).0;
                for hash in inclusion.into_iter().chain(consistency) {
                    if !known.contains(&hash) {
                        known.push(hash);
                    }
                }
            }
        }
        // One byte names them; the first 256 are those of the small trees.
        known.truncate(256);
        known
    })
}

fn proof_seeds() -> Seeds {
    let named = |proof: Proof| -> Vec<u8> {
        let at = |hash: &Hash| known_hashes().iter().position(|known| known == hash).unwrap_or(0) as u8;
        proof.0.iter().map(at).collect()
    };
    let inclusion = |index: u8, size: u8| {
        let proof = must(tlog::inclusion_proof(tree(), index.into(), size.into()));
        [&[0, index, size][..], &named(proof)].concat()
    };
    let consistency = |old: u8, new: u8| {
        let proof = must(tlog::consistency_proof(tree(), old.into(), new.into()));
        [&[1, old, new][..], &named(proof)].concat()
    };
    let good = inclusion(3, 13);
    vec![
        seed("ok-inclusion", &good),
        seed("ok-inclusion-last", inclusion(12, 13)),
        seed("ok-consistency", consistency(5, 13)),
        seed("ok-consistency-power-of-two", consistency(8, 13)),
        seed("no-inclusion-elsewhere", bent(&good, 1)),
        seed("no-inclusion-bent", bent(&good, 4)),
        seed("no-inclusion-long", [&good[..], &[1]].concat()),
        seed("no-consistency-short", &consistency(5, 13)[..5]),
    ]
}

const EVIDENCE: &[u8] = include_bytes!("../../crates/tlog/testdata/two-logs.evidence");

/// With the right keys nothing is proven that the good file does not hold.
fn evidence(bytes: &[u8]) -> Verdict {
    static GOOD: OnceLock<(Bundle, TrustedKeys)> = OnceLock::new();
    let (good, trusted) = GOOD.get_or_init(|| {
        let mut trusted = TrustedKeys::new();
        for line in include_str!("../../crates/tlog/testdata/two-logs.keys").lines() {
            must(trusted.add_text(line));
        }
        (must(Bundle::decode(EVIDENCE)), trusted)
    });
    let bundle = Bundle::decode(bytes).map_err(refused)?;
    assert_eq!(bundle.encode().as_deref(), Ok(bytes), "a bundle has one encoding");
    let report = tlog::verify(&bundle, trusted);
    let text = report.to_string();
    assert!(text.len() < 64 * bytes.len() + 4096, "{} bytes of report over {} of evidence", text.len(), bytes.len());
    for (log, found) in bundle.logs.iter().zip(&report.logs) {
        let known = good.logs.iter().find(|known| known.origin == log.origin);
        for proven in &found.proven {
            for index in proven.range.clone() {
                let of = |log: &tlog::LogEvidence| {
                    log.entries.iter().find(|entry| entry.index == index).map(|entry| entry.bytes.clone())
                };
                assert!(
                    of(log).is_some() && known.and_then(of) == of(log),
                    "entry {index} of {} is proven",
                    log.origin
                );
            }
        }
    }
    if report.is_sound() { Ok(()) } else { Err(refused(report)) }
}

fn evidence_seeds() -> Seeds {
    vec![
        seed("ok-two-logs", EVIDENCE),
        seed("no-cut", &EVIDENCE[..EVIDENCE.len() - 1]),
        seed("no-entry-bent", bent(EVIDENCE, 1100)),
    ]
}
