//! Every byte changed, everything removed, repeated, reordered, added and cut: a verifier refuses it, or what it still takes
//! shows nothing that the untouched file did not show.
//!
//! What may be taken is listed, with the reason. It is what no signature covers (hints, metadata), and what shows less than
//! before: nothing can force whoever passes a file on to pass on all of it, and the report says what is not proven.

mod common;

use std::collections::BTreeSet;

use common::{agree, log, note, parties, supplied, trusted_texts};
use tlog::{Bundle, LinkReport, LogEvidence, LogReader, Note, NoteSigner, Report, TrustedKeys, cosign, verify};

const KEYS: [&str; 2] = ["w1.example", "w2.example"];

fn witnesses() -> [NoteSigner; 2] {
    [0, 1].map(|n| NoteSigner::cosigner(KEYS[n], &[40 + n as u8; 32]).unwrap())
}

fn keys() -> Vec<String> {
    let mut args = trusted_texts();
    for witness in witnesses() {
        args.extend(["--witness".to_owned(), witness.verifier().to_string()]);
    }
    args.extend(["--quorum".to_owned(), "2".to_owned()]);
    args
}

/// A log with everything that a bundle can hold: receipts, witnesses, a claimed stretch and a single entry, proofs between
/// checkpoints, and another history that contradicts it.
fn whole(ours: bool) -> LogEvidence {
    let [a, b] = parties();
    let (from, to, name) = if ours { (&a, &b, "bravo") } else { (&b, &a, "alfa") };
    let (store, _) = log(9);
    let reader = LogReader::new(&store, 9);
    let origin = format!("{}/{name}/live", from.log.verifier().name());
    let mut out = LogEvidence::new(&origin);
    out.hints = vec![from.log.verifier().to_string()];
    let mut numbers = Vec::new();
    for (size, to) in [(3, Some(to)), (6, Some(to)), (9, None)] {
        let mut note = note(&origin, size, reader.root_at(size).unwrap(), from, to);
        for (witness, time_s) in witnesses().iter().zip([100 + size, 110 + size]).filter(|_| size != 3) {
            note.add(cosign(note.text(), time_s, witness).unwrap()).unwrap();
        }
        numbers.push(out.add_checkpoint(&note));
    }
    out.add_range(&reader, 1..3, numbers[0]).unwrap();
    out.add_range(&reader, 3..5, numbers[1]).unwrap();
    out.ranges = std::iter::once(1..5).collect();
    out.add_entry(&reader, 7, numbers[2]).unwrap();
    numbers.windows(2).for_each(|pair| out.add_link(&reader, pair[0], pair[1]).unwrap());
    if ours {
        out.add_checkpoint(&note(&origin, 6, tlog::Hash([9; 32]), from, None));
    }
    out
}

fn original() -> Bundle {
    Bundle { logs: vec![whole(true), whole(false)], metadata: Some(b"pact".to_vec()) }
}

/// Everything that a sound report shows as proven, one fact each.
fn facts(bundle: &Bundle, report: &Report) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (log, of) in bundle.logs.iter().zip(&report.logs) {
        let origin = &of.origin;
        let mut fact = |text: String| out.extend([format!("{origin}: {text}")]);
        for (entry, good) in log.entries.iter().zip(&of.good) {
            assert!(good, "{origin}: a sound report of an entry that is not proven");
            fact(format!("entry {} is {:?}", entry.index, entry.bytes));
        }
        for run in &of.proven {
            for (index, by) in run.range.clone().flat_map(|i| run.received.iter().map(move |by| (i, by))) {
                fact(format!("entry {index} received by {} at {}", by.name, by.time_s));
            }
        }
        for c in &of.checkpoints {
            let tree = c.verified.as_ref().unwrap();
            fact(format!("tree {} {}", tree.size, tree.root));
            for by in c.cosigned.iter().chain(&c.witnessed) {
                fact(format!("tree {} {} seen by {} at {}", tree.size, tree.root, by.name, by.time_s));
            }
        }
        for s in &of.stretches {
            for index in s.range.clone() {
                s.by.iter().for_each(|by| fact(format!("entry {index} witnessed by {by}")));
                if s.is_witnessed() {
                    fact(format!("entry {index} has its quorum"));
                }
            }
        }
        for (index, at) in of.ranges.iter().flat_map(|range| range.clone().map(move |i| (i, range))) {
            assert!(log.entries.iter().any(|e| e.index == index), "{origin}: {at:?} is claimed whole");
        }
        for link in &of.links {
            if let LinkReport::Extends { older, newer } = link {
                let tree = |n: u32| of.checkpoints[n as usize].verified.as_ref().unwrap().size;
                fact(format!("{} extends {}", tree(*newer), tree(*older)));
            }
        }
        for (a, b, _) in &of.equivocations {
            let root = |n: u32| of.checkpoints[n as usize].verified.as_ref().unwrap().root;
            let both = BTreeSet::from([root(*a).to_string(), root(*b).to_string()]);
            fact(format!("contradiction {both:?}"));
        }
    }
    out
}

struct Verifier {
    trusted: TrustedKeys,
    facts: BTreeSet<String>,
}

impl Verifier {
    fn of(bundle: &Bundle) -> Self {
        let trusted = supplied(&keys());
        let report = verify(bundle, &trusted);
        assert!(report.is_sound() && report.equivocations().count() == 1, "{report}");
        Self { facts: facts(bundle, &report), trusted }
    }

    /// The facts that a changed bundle no longer shows; none if it is refused. It never shows one more.
    #[track_caller]
    fn taken(&self, bundle: &Bundle, what: &str) -> Option<BTreeSet<String>> {
        let report = verify(bundle, &self.trusted);
        if !report.is_sound() {
            return None;
        }
        let found = facts(bundle, &report);
        let more: Vec<_> = found.difference(&self.facts).collect();
        assert!(more.is_empty(), "{what}: shows what the untouched file does not: {more:?}");
        Some(self.facts.difference(&found).cloned().collect())
    }
}

/// What differs between two bundles that are both taken.
fn differs(a: &Bundle, b: &Bundle) -> &'static str {
    let mut plain = b.clone();
    plain.metadata.clone_from(&a.metadata);
    if plain == *a {
        return "metadata";
    }
    for (log, of) in plain.logs.iter_mut().zip(&a.logs) {
        log.hints.clone_from(&of.hints);
    }
    if plain == *a {
        return "hint";
    }
    for (log, of) in plain.logs.iter_mut().zip(&a.logs) {
        log.ranges.clone_from(&of.ranges);
    }
    if plain == *a {
        return "claim";
    }
    for (log, of) in plain.logs.iter_mut().zip(&a.logs) {
        let text = |note: &Vec<u8>| Note::parse(note).map(|n| n.text().to_owned()).unwrap_or_default();
        let same = log.checkpoints.iter().map(text).eq(of.checkpoints.iter().map(text));
        if same {
            log.checkpoints.clone_from(&of.checkpoints);
        }
    }
    if plain == *a { "signature line" } else { "something else" }
}

#[test]
fn any_byte_that_is_changed_is_refused_or_shows_less_and_says_so() {
    // One log: it holds every part, and each change costs some forty signatures to check.
    let bundle = Bundle { logs: vec![whole(true)], metadata: Some(b"pact".to_vec()) };
    let (verifier, good) = (Verifier::of(&bundle), bundle.encode().unwrap());
    let (mut refused, mut taken, mut sample) = (0, std::collections::BTreeMap::<&str, u32>::new(), Vec::new());
    for at in 0..good.len() {
        let flip = [0x01, 0x20, 0x80][at % 3];
        let mut bad = good.clone();
        bad[at] ^= flip;
        if at.is_multiple_of(601) {
            sample.push(bad.clone());
        }
        let decoded = Bundle::decode(&bad).ok();
        let missing =
            decoded.as_ref().and_then(|changed| Some((changed, verifier.taken(changed, &format!("byte {at}"))?)));
        let Some((changed, missing)) = missing else {
            refused += 1;
            continue;
        };
        let class = differs(&bundle, changed);
        *taken.entry(class).or_default() += 1;
        // Hints, metadata and narrower claims take no fact away. A line whose key nobody knows any more takes away what it
        // proved: the report lists the line, and says that nobody is shown to have received, or witnessed.
        let lost = missing
            .iter()
            .all(|fact| ["received by", "seen by", "witnessed by", "has its quorum"].iter().any(|w| fact.contains(w)));
        assert!(if class == "signature line" { lost } else { missing.is_empty() }, "byte {at}: {class}: {missing:?}");
    }
    println!("{} bytes: {refused} changes refused, taken: {taken:?}", good.len());
    let known = |class: &&str| ["claim", "hint", "metadata", "signature line"].contains(class);
    assert!(taken.keys().all(known) && taken.contains_key("signature line"), "nothing else may be taken: {taken:?}");
    agree(&sample, &keys(), "tamper_flips");
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let good = original().encode().unwrap();
    for len in 0..good.len() {
        assert!(Bundle::decode(&good[..len]).is_err(), "cut to {len}");
    }
    for more in 0..=255u8 {
        assert!(Bundle::decode(&[&good[..], &[more]].concat()).is_err(), "{more} after the end");
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad.remove(at);
        assert!(Bundle::decode(&bad).is_err(), "byte {at} left out");
        let mut bad = good.clone();
        bad.insert(at, good[at]);
        assert!(Bundle::decode(&bad).is_err(), "byte {at} twice");
    }
}

/// What a change to the parts of a log may do.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Not read, or not proven as claimed.
    Refused,
    /// Taken: nothing that was shown is gone.
    Same,
    /// Taken: less is shown, and nothing else.
    Less,
}
use Fate::{Less, Refused, Same};

#[test]
fn every_part_removed_repeated_reordered_or_added_is_refused_or_shows_no_more() {
    let verifier = Verifier::of(&original());
    let mut bundles = Vec::new();
    let mut check = |what: String, bundle: Bundle, expect: &[Fate]| {
        let encoded = bundle.encode().ok().filter(|bytes| Bundle::decode(bytes).is_ok());
        let fate = match encoded.as_ref().and_then(|_| verifier.taken(&bundle, &what)) {
            None => Refused,
            Some(missing) if missing.is_empty() => Same,
            Some(_) => Less,
        };
        assert!(expect.contains(&fate), "{what}: {fate:?}, not {expect:?}");
        bundles.extend(encoded);
    };
    let changed = |change: &dyn Fn(&mut LogEvidence)| {
        let mut bundle = original();
        change(&mut bundle.logs[0]);
        bundle
    };
    let log = whole(true);
    for n in 0..log.entries.len() {
        // The last entry is claimed to be in no stretch: it can be withheld like anything that is not shown.
        let claimed = log.ranges[0].contains(&log.entries[n].index);
        check(
            format!("entry {n} removed"),
            changed(&|l| drop(l.entries.remove(n))),
            &[if claimed { Refused } else { Less }],
        );
        check(format!("entry {n} twice"), changed(&|l| l.entries.insert(n, l.entries[n].clone())), &[Refused]);
        check(format!("entry {n} again at the end"), changed(&|l| l.entries.push(l.entries[n].clone())), &[Refused]);
        for m in 0..n {
            check(format!("entries {m} and {n} swapped"), changed(&|l| l.entries.swap(m, n)), &[Refused]);
            let bytes = |l: &mut LogEvidence| {
                let (a, b) = l.entries.split_at_mut(n);
                std::mem::swap(&mut a[m].bytes, &mut b[0].bytes);
            };
            check(format!("bytes of {m} and {n} swapped"), changed(&bytes), &[Refused]);
        }
        for c in (0..log.checkpoints.len() as u32).filter(|c| *c != log.entries[n].checkpoint) {
            check(format!("entry {n} under checkpoint {c}"), changed(&|l| l.entries[n].checkpoint = c), &[Refused]);
        }
        for index in (0..12).filter(|i| *i != log.entries[n].index) {
            check(format!("entry {n} said to be {index}"), changed(&|l| l.entries[n].index = index), &[Refused]);
        }
        let forged = changed(&|l| {
            let mut entry = l.entries[n].clone();
            (entry.index, entry.bytes) = (8, b"never said".to_vec());
            l.entries.push(entry);
        });
        check(format!("an entry never said, with the proof of {n}"), forged, &[Refused]);
        check(format!("entry {n} cut"), changed(&|l| l.entries[n].bytes.truncate(3)), &[Refused]);
        check(format!("entry {n} longer"), changed(&|l| l.entries[n].bytes.push(0)), &[Refused]);
        for h in 0..log.entries[n].proof.0.len() {
            check(
                format!("proof hash {h} of {n} removed"),
                changed(&|l| {
                    l.entries[n].proof.0.remove(h);
                }),
                &[Refused],
            );
            let twice = changed(&|l| {
                let proof = &mut l.entries[n].proof.0;
                proof.insert(h, proof[h]);
            });
            check(format!("proof hash {h} of {n} twice"), twice, &[Refused]);
        }
    }
    for n in 0..log.links.len() {
        check(format!("link {n} removed"), changed(&|l| drop(l.links.remove(n))), &[Less]);
        check(format!("link {n} twice"), changed(&|l| l.links.push(l.links[n].clone())), &[Same]);
        let turned = changed(&|l| (l.links[n].older, l.links[n].newer) = (l.links[n].newer, l.links[n].older));
        check(format!("link {n} turned round"), turned, &[Refused]);
        let forged = changed(&|l| l.links[n].root.0[0] ^= 1);
        check(format!("link {n} from another root"), forged, &[Refused]);
    }
    for n in 0..log.checkpoints.len() {
        // All others are referred to by number; the last is the other history.
        let last = n + 1 == log.checkpoints.len();
        let removed = changed(&|l| drop(l.checkpoints.remove(n)));
        check(format!("checkpoint {n} removed"), removed, &[if last { Less } else { Refused }]);
        check(
            format!("checkpoint {n} again at the end"),
            changed(&|l| l.checkpoints.push(l.checkpoints[n].clone())),
            &[Same],
        );
        let lines: Vec<String> =
            String::from_utf8(log.checkpoints[n].clone()).unwrap().lines().map(str::to_owned).collect();
        let with = |lines: &[String]| changed(&|l| l.checkpoints[n] = (lines.join("\n") + "\n").into_bytes());
        for at in 0..lines.len() {
            let mut fewer = lines.clone();
            let line = fewer.remove(at);
            // Origin, size, root, blank, owner's signature: nothing of it can go. Cosignatures can.
            let cosigned = at > 4;
            check(format!("line {at} of note {n} removed"), with(&fewer), &[if cosigned { Less } else { Refused }]);
            let mut more = lines.clone();
            more.insert(at, line);
            check(format!("line {at} of note {n} twice"), with(&more), &[if at >= 4 { Same } else { Refused }]);
            for other in 0..at {
                let mut swapped = lines.clone();
                swapped.swap(at, other);
                check(
                    format!("lines {other} and {at} of note {n} swapped"),
                    with(&swapped),
                    &[if other >= 4 { Same } else { Refused }],
                );
            }
        }
        // A cosignature of another tree, moved here.
        for m in (0..log.checkpoints.len()).filter(|m| *m != n) {
            let theirs = String::from_utf8(log.checkpoints[m].clone()).unwrap();
            for line in theirs.lines().skip(4).filter(|line| !lines.contains(&(*line).to_owned())) {
                let mut more = lines.clone();
                more.push(line.to_owned());
                check(format!("a line of note {m} in note {n}"), with(&more), &[Refused]);
            }
        }
        let mut stranger = lines.clone();
        stranger.push("\u{2014} stranger.example AAAAAAAA".into());
        check(format!("a stranger's line in note {n}"), with(&stranger), &[Same]);
    }
    let mut narrow = original();
    narrow.logs[0].ranges.clear();
    check("no claim of completeness".into(), narrow, &[Same]);
    let mut wide = original();
    wide.logs[0].ranges = std::iter::once(0..5).collect();
    check("a wider claim".into(), wide, &[Refused]);
    let mut fewer = original();
    fewer.logs.remove(1);
    check("a log removed".into(), fewer, &[Less]);
    let mut twice = original();
    twice.logs.push(twice.logs[0].clone());
    check("a log twice".into(), twice, &[Refused]);
    let mut renamed = original();
    renamed.logs[0].origin = renamed.logs[1].origin.replace("live", "more");
    check("a log under another name".into(), renamed, &[Refused]);
    let mut empty = original();
    empty.logs[0].checkpoints.clear();
    check("a log without checkpoints".into(), empty, &[Refused]);
    println!("{} changed bundles", bundles.len());
    agree(&bundles.into_iter().step_by(41).collect::<Vec<_>>(), &keys(), "tamper_parts");
}

/// Logs in a file stand in order; a bundle is never read in another.
#[test]
fn logs_in_another_order_are_refused() {
    let good = original();
    let [one, two] = [0, 1].map(|n| Bundle { logs: vec![good.logs[n].clone()], metadata: None }.encode().unwrap());
    let bytes = Bundle { metadata: None, ..good }.encode().unwrap();
    // Head of the map, name of the format and key 1 are alike; then the list of logs.
    let head = one.iter().zip(&two).take_while(|(a, b)| a == b).count();
    let head = one[..head].iter().rposition(|b| *b == 0x81).unwrap();
    let swapped = [&bytes[..=head], &two[head + 1..], &one[head + 1..]].concat();
    let straight = [&bytes[..=head], &one[head + 1..], &two[head + 1..]].concat();
    assert!(Bundle::decode(&straight).is_ok() != Bundle::decode(&swapped).is_ok());
    assert_eq!(if one < two { &straight } else { &swapped }, &bytes);
}
