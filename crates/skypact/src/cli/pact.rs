//! `skypact pact`: propose, sign, show, compare and join pacts.
use crate::cli::setup::{fingerprint_of, grouped, replace_file, write_new};
use crate::cli::terms::Terms;
use crate::cli::{Exit, FOUND_BAD, Global, Outcome, values};
use crate::clock::{rfc3339, utc_ms};
use crate::config::Loaded;
use crate::keys::{self, Keys};
use ::pact::{Difference, Pact, SignError, SignedPact, differences};
use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use record::PartyId;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use units::Utc;

const AFTER: &str = "\
A pact is a text that people read and machines compare byte by byte; spec/pact.md describes every clause. It holds when every
party has signed the same bytes. The usual way:

  1. Each party hands over its PARTY.party file (skypact init, skypact key show) and reads its fingerprint by voice.
  2. One proposes:
       skypact pact propose --party north.party --party south.party --area \"circle 47.1,8.2 150 NM\" \\
         --levels FL050..FL660 --valid 2026-01-01T00:00:00Z 2026-12-31T23:59:59Z \\
         --minima \"any any 5 NM 1000 ft 300 s\" --minima \"civil military 10 NM 2000 ft 300 s\" -o ns.pact
  3. Each reads it (skypact pact show ns.pact), compares the hash by voice, and signs its copy:
       skypact pact sign ns.pact --config skypact.toml
  4. The signatures are put together:
       skypact pact join ns-by-north.pact ns-by-south.pact -o ns-signed.pact
  5. Each names the file under `pacts` in its configuration and starts its node.

Exit codes: 0 done, or the same pact; 1 failed; 2 wrong command line; 3 the pacts differ, or a signature does not verify.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: PactCommand,
}

#[derive(Debug, Subcommand)]
enum PactCommand {
    /// Writes a pact that nobody has signed yet, from party files and terms.
    #[command(after_help = AFTER)]
    Propose {
        #[command(flatten)]
        terms: Box<Terms>,
        /// File to write; must not exist.
        #[arg(long, short)]
        output: PathBuf,
    },
    /// Adds this party's signature to a pact file, after showing its terms.
    #[command(after_help = AFTER)]
    Sign {
        /// Pact file; it is replaced by one with the signature added.
        file: PathBuf,
        /// Configuration of the party that signs.
        #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
        config: PathBuf,
        /// Folder of the keys, if not that of the configuration: new keys (skypact key new) for a new pact.
        #[arg(long)]
        keys: Option<PathBuf>,
        /// Do not ask. For scripts that have shown the terms to somebody.
        #[arg(long)]
        yes: bool,
    },
    /// Shows a pact: its hash, its clauses, who has signed, whether it is in force.
    Show {
        /// Pact file.
        file: PathBuf,
    },
    /// Names the clauses in which two pacts differ.
    Diff {
        /// One pact file.
        a: PathBuf,
        /// The other.
        b: PathBuf,
    },
    /// Puts the signatures of two copies of one pact into one file.
    Join {
        /// One copy.
        a: PathBuf,
        /// The other.
        b: PathBuf,
        /// File to write; must not exist.
        #[arg(long, short)]
        output: PathBuf,
    },
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        PactCommand::Propose { terms, output } => {
            let signed = SignedPact::unsigned(terms.pact()?)?;
            write_new(&output, &signed.to_bytes())?;
            let next = format!(
                "Next: send {} to the parties; compare the hash and the fingerprints by voice; each runs `skypact pact sign`.",
                output.display()
            );
            tell(&signed, &next, global);
        }
        PactCommand::Sign { file, config, keys, yes } => {
            let signed = sign(&file, &config, keys.as_deref(), |signed| if yes { Ok(()) } else { ask(signed) })?;
            tell(&signed, &after_signing(&signed, &file), global);
        }
        PactCommand::Show { file } => {
            let signed = read(&file)?;
            if !global.json {
                print!("{}", signed.pact().format());
                println!();
            }
            tell(&signed, "", global);
        }
        PactCommand::Diff { a, b } => return compare(&read(&a)?, &read(&b)?, global),
        PactCommand::Join { a, b, output } => {
            let signed = join(&a, &b)?;
            write_new(&output, &signed.to_bytes())?;
            tell(&signed, &after_signing(&signed, &output), global);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a pact file.
fn read(path: &Path) -> Result<SignedPact> {
    let of = || format!("cannot read the pact {}", path.display());
    let bytes = crate::files::read_bounded(path, tlog::NOTE_BYTES_MAX as u64).with_context(of)?;
    SignedPact::parse(&bytes).map_err(|error| match error {
        SignError::Note(tlog::Error::PeerMisbehaved(why)) => {
            let message =
                format!("{}: {why}; the text was changed after it was signed, or the file is damaged", path.display());
            Exit { code: FOUND_BAD, message }.into()
        }
        // Its text has the text of what it wraps already.
        error => anyhow::anyhow!("{} is not a pact: {error}", path.display()),
    })
}

fn join(a: &Path, b: &Path) -> Result<SignedPact> {
    let (mut joined, other) = (read(a)?, read(b)?);
    let names = (a.display(), b.display());
    joined
        .join(other)
        .with_context(|| format!("run `skypact pact diff {} {}` to see the clauses", names.0, names.1))?;
    Ok(joined)
}

fn sign(
    file: &Path,
    config: &Path,
    keys: Option<&Path>,
    agreed: impl Fn(&SignedPact) -> Result<()>,
) -> Result<SignedPact> {
    let loaded = Loaded::read(config)?;
    let party = PartyId::parse(&loaded.config.party)?;
    let mut signed = read(file)?;
    let folder = keys.unwrap_or(&loaded.config.keys);
    let keys = Keys::load(&loaded.path(folder))?;
    check_own_clause(signed.pact(), &party, &keys, file)?;
    check_authority(signed.pact(), &party, &loaded, file)?;
    let mode = signed.pact().mode.label();
    ensure!(
        mode == loaded.config.mode,
        "{} is for mode {mode:?} (clause 12.1), the configuration for {:?}: this node could not run under it",
        file.display(),
        loaded.config.mode
    );
    if signed.signed_by().contains(&party) {
        return Ok(signed);
    }
    agreed(&signed)?;
    signed.sign(&keys.log_signer(&keys::key_name(&party))?)?;
    replace_file(file, &signed.to_bytes())?;
    Ok(signed)
}

/// A party signs only what names it with the keys that it holds: otherwise its node would not start under the pact.
fn check_own_clause(pact: &Pact, party: &PartyId, keys: &Keys, file: &Path) -> Result<()> {
    let at = file.display();
    let Some(me) = pact.party(party) else {
        bail!("{at} does not name {party} (clause 1): it is not for this party to sign")
    };
    let name = keys::key_name(party);
    let advice = "the party file that was used is another; hand over that of `skypact key show`, or give --keys";
    ensure!(
        me.log_key == *keys.log_signer(&name)?.verifier(),
        "clause 1 of {at} names another log key than {party} holds: {advice}"
    );
    ensure!(
        me.cosign_key == *keys.cosigner(&name)?.verifier(),
        "clause 1 of {at} names another cosign key than {party} holds: {advice}"
    );
    ensure!(
        me.tls_spki_sha256.0 == keys.tls_pin(),
        "clause 1 of {at} names another TLS key than {party} holds: {advice}"
    );
    Ok(())
}

/// Whoever holds the key that clause 1 names can take the party's place under the pact.
fn check_authority(pact: &Pact, party: &PartyId, loaded: &Loaded, file: &Path) -> Result<()> {
    let named = pact.party(party).and_then(|p| p.authority_key.as_ref()).map(ToString::to_string);
    let own = crate::cli::key::words(loaded, party)?.2;
    ensure!(
        named.is_none() || named == own,
        "clause 1 of {} names another authority key than {party}'s own party file: whoever holds it could replace the keys \
         of {party}; hand over the party file again",
        file.display()
    );
    Ok(())
}

/// Shows the terms and asks whether to sign them.
fn ask(signed: &SignedPact) -> Result<()> {
    let mut err = std::io::stderr();
    write!(err, "{}\n{}", signed.pact().format(), report(signed))?;
    ensure!(
        std::io::stdin().is_terminal(),
        "nobody can be asked, since standard input is not a terminal: read the terms above, then add --yes; nothing was signed"
    );
    write!(err, "\nSign these terms? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was signed");
    Ok(())
}

fn after_signing(signed: &SignedPact, file: &Path) -> String {
    let missing = names(&signed.missing());
    if missing.is_empty() {
        return format!(
            "Next: give {0} to every party; name it in the configuration, pacts = [\"{0}\"], and start the node.",
            file.display()
        );
    }
    format!("Next: send {} to {missing}, who sign it with `skypact pact sign` and send it back.", file.display())
}

fn tell(signed: &SignedPact, next: &str, global: Global) {
    if global.json {
        println!("{}", as_json(signed, Utc(utc_ms())));
        return;
    }
    print!("{}", report(signed));
    if !next.is_empty() {
        println!("{next}");
    }
}

/// Hash, parties, signatures, and whether the pact is in force.
fn report(signed: &SignedPact) -> String {
    let pact = signed.pact();
    let mut out = format!("Pact {}\n", pact.hash());
    out.push_str(&format!("  to read aloud: {}\n", grouped(&pact.hash().to_string()[..32])));
    for party in &pact.parties {
        let state = if signed.signed_by().contains(&party.id) { "signed    " } else { "NOT SIGNED" };
        let (id, title) = (party.id.as_str(), values::plain(&party.name));
        out.push_str(&format!("  {state}  {id}, {title}; fingerprint {}\n", fingerprint_of(party)));
    }
    out.push_str(&format!("In force: {}\n", standing(signed, Utc(utc_ms()))));
    out
}

/// Whether the pact is in force, and if not, why.
fn standing(signed: &SignedPact, now: Utc) -> String {
    let pact = signed.pact();
    let missing = signed.missing();
    if !missing.is_empty() {
        return format!("no, not signed by {}", names(&missing));
    }
    if now < pact.valid_from {
        return format!("not yet, from {}", rfc3339(pact.valid_from));
    }
    if now > pact.valid_until {
        return format!("no longer, ended {}", rfc3339(pact.valid_until));
    }
    format!("yes, until {}", rfc3339(pact.valid_until))
}

fn names(parties: &[PartyId]) -> String {
    parties.iter().map(PartyId::as_str).collect::<Vec<_>>().join(", ")
}

fn as_json(signed: &SignedPact, now: Utc) -> Value {
    let pact = signed.pact();
    let party = |p: &::pact::Party| {
        json!({
            "party": p.id.as_str(), "title": p.name, "desk": p.desk, "fingerprint": fingerprint_of(p),
            "signed": signed.signed_by().contains(&p.id),
        })
    };
    json!({
        "hash": pact.hash().to_string(),
        "mode": pact.mode.label(),
        "parties": pact.parties.iter().map(party).collect::<Vec<_>>(),
        "missing": signed.missing().iter().map(PartyId::as_str).collect::<Vec<_>>(),
        "valid_from": rfc3339(pact.valid_from),
        "valid_until": rfc3339(pact.valid_until),
        "in_force": signed.in_force(now),
        "standing": standing(signed, now),
        "text": pact.format(),
    })
}

fn compare(a: &SignedPact, b: &SignedPact, global: Global) -> Outcome {
    let found = differences(a.pact(), b.pact());
    if global.json {
        let one = |d: &Difference| json!({ "clause": d.clause, "about": d.about, "a": d.ours, "b": d.theirs });
        let list: Vec<Value> = found.iter().map(one).collect();
        let (a, b) = (a.pact().hash().to_string(), b.pact().hash().to_string());
        println!("{}", json!({ "same": found.is_empty(), "a": a, "b": b, "differences": list }));
    } else if found.is_empty() {
        println!("The same pact: {}", a.pact().hash());
    } else {
        for d in &found {
            let side = |text: &Option<String>| text.as_deref().map_or_else(|| String::from("(absent)"), values::plain);
            println!("clause {} ({}):\n  a: {}\n  b: {}", d.clause, d.about, side(&d.ours), side(&d.theirs));
        }
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_BAD) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::tests::a_node;
    use crate::cli::setup::PartyFile;
    use tempfile::TempDir;

    const GOOD: &str = include_str!("../../../pact/testdata/three-parties.pact");

    /// Two nodes and a proposal between them, in north's folder.
    fn proposal() -> (TempDir, PathBuf, TempDir, PathBuf, PathBuf) {
        let ((north, north_config), (south, south_config)) = (a_node("north"), a_node("south"));
        let mut pact = SignedPact::parse(GOOD.as_bytes()).unwrap().pact().clone();
        let party = |dir: &TempDir, name: &str| PartyFile::read(&dir.path().join(name)).unwrap().party().unwrap();
        pact.parties = vec![party(&north, "north.party"), party(&south, "south.party")];
        let file = north.path().join("ns.pact");
        write_new(&file, &SignedPact::unsigned(pact).unwrap().to_bytes()).unwrap();
        (north, north_config, south, south_config, file)
    }

    fn agreed(_: &SignedPact) -> Result<()> {
        Ok(())
    }

    #[test]
    fn a_pact_goes_from_proposal_into_force() {
        let (_n, north, _s, south, file) = proposal();
        let theirs = file.with_extension("copy");
        std::fs::copy(&file, &theirs).unwrap();
        let at = |text| values::instant(text).unwrap();
        let signed = sign(&file, &north, None, agreed).unwrap();
        assert_eq!(standing(&signed, at("2026-06-01T00:00:00Z")), "no, not signed by south");
        sign(&theirs, &south, None, agreed).unwrap();
        let joined = join(&file, &theirs).unwrap();
        assert_eq!(standing(&joined, at("2026-06-01T00:00:00Z")), "yes, until 2026-12-31T23:59:59Z");
        assert_eq!(standing(&joined, at("2025-06-01T00:00:00Z")), "not yet, from 2026-01-01T00:00:00Z");
        assert_eq!(standing(&joined, at("2027-06-01T00:00:00Z")), "no longer, ended 2026-12-31T23:59:59Z");
        assert!(as_json(&joined, at("2026-06-01T00:00:00Z"))["in_force"].as_bool().unwrap());
        let before = std::fs::read(&file).unwrap();
        sign(&file, &north, None, |_| bail!("asked again")).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), before, "signing twice changes nothing");
    }

    #[track_caller]
    fn refused<T>(got: Result<T>, dir: &Path, want: &str) {
        let error = got.err().map(|e| format!("{e:#}").replace(&dir.display().to_string(), "DIR"));
        assert_eq!(error.as_deref(), Some(want));
    }

    #[test]
    fn a_party_signs_only_what_names_it_and_its_keys() {
        let (north_dir, north, _s, south, file) = proposal();
        let dir = north_dir.path();
        let (_e, east) = a_node("east");
        refused(
            sign(&file, &east, None, agreed),
            dir,
            "DIR/ns.pact does not name east (clause 1): it is not for this party to sign",
        );
        Keys::create(&dir.join("keys-2")).unwrap();
        refused(
            sign(&file, &north, Some(Path::new("keys-2")), agreed),
            dir,
            "clause 1 of DIR/ns.pact names another log key than north holds: the party file that was used is another; hand over \
             that of `skypact key show`, or give --keys",
        );
        let config = std::fs::read_to_string(&south).unwrap().replace("mode = \"live\"", "mode = \"exercise:a\"");
        std::fs::write(&south, config).unwrap();
        refused(
            sign(&file, &south, None, agreed),
            dir,
            "DIR/ns.pact is for mode \"live\" (clause 12.1), the configuration for \"exercise:a\": this node could not run under it",
        );
        let before = std::fs::read(&file).unwrap();
        refused(sign(&file, &north, None, |_| bail!("nothing was signed")), dir, "nothing was signed");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_pact_is_refused_with_the_line_and_a_changed_one_is_found_bad() {
        let (north_dir, north, _s, _, file) = proposal();
        let dir = north_dir.path();
        sign(&file, &north, None, agreed).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let changed = write("changed", &text.replace("alarm 120 s", "alarm 60 s"));
        let error = read(&changed).unwrap_err();
        assert_eq!(error.downcast_ref::<Exit>().map(|e| e.code), Some(FOUND_BAD));
        assert!(
            format!("{error:#}")
                .ends_with("does not verify; the text was changed after it was signed, or the file is damaged")
        );
        refused(
            read(&write("none", "hello\n")),
            dir,
            "DIR/none is not a pact: line 1, clause 0: a pact begins with the line `skypact pact v1`, found `hello`",
        );
        refused(
            read(&dir.join("absent")),
            dir,
            "cannot read the pact DIR/absent: No such file or directory (os error 2)",
        );
        let other = write("other", &GOOD.replace("alarm 120 s", "alarm 60 s"));
        let (ours, theirs) = (read(&file).unwrap().pact().hash(), read(&other).unwrap().pact().hash());
        refused(
            join(&file, &other),
            dir,
            &format!(
                "run `skypact pact diff DIR/ns.pact DIR/other` to see the clauses: the two files hold different pacts: {ours} and {theirs}"
            ),
        );
    }
}
