//! `skypact key replace`: a statement that replaces a party's keys (`spec/keys.md`). It needs no running node, only the
//! authority key, the new keys and the pacts.
use crate::cli::setup::write_new;
use crate::cli::{Global, Outcome};
use crate::clock::Clock;
use crate::config::Loaded;
use crate::files::read_bounded;
use crate::keys::{self, Authority, Keys};
use anyhow::{Context, Result, bail, ensure};
use pact::{KeyReason, KeySet, KeyStatement, SignedKeys, SignedPact};
use record::{Hash32, PartyId};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use units::Utc;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Replace {
    /// Configuration file; its pacts are those the statements are about.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Folder of the new keys (`skypact key new`), relative to the configuration file.
    #[arg(long)]
    keys: PathBuf,
    /// The authority key's file.
    #[arg(long)]
    authority: PathBuf,
    /// Why: rotation, stolen or lost.
    #[arg(long, value_parser = reason)]
    reason: KeyReason,
    /// Number of the statement; one more than those in the configuration if not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    serial: Option<u32>,
}

fn reason(text: &str) -> Result<KeyReason, String> {
    KeyReason::parse(text).ok_or_else(|| format!("{text:?} is none of rotation, stolen, lost"))
}

/// Runs the command.
pub(super) fn run(args: &Replace, global: Global) -> Outcome {
    let made = replace(args, Clock::system(units::Now::default()).now().utc)?;
    if global.json {
        let files: Vec<String> = made.iter().map(|(path, _)| path.display().to_string()).collect();
        println!("{}", json!({ "statements": files, "serial": made.first().map(|(_, s)| s.statement().serial) }));
        return Ok(ExitCode::SUCCESS);
    }
    for (path, signed) in &made {
        println!("{}\n{}", path.display(), signed.to_text());
    }
    let names: Vec<String> = made.iter().filter_map(|(p, _)| Some(format!("{:?}", p.file_name()?))).collect();
    println!(
        "Next, in {}: keys = {:?}, and {} added to statements{}; then start the node again.\n\
         It tells its peers. Put the authority key back where it was.{}",
        args.config.display(),
        args.keys.display().to_string(),
        names.join(", "),
        if args.reason == KeyReason::Stolen { "" } else { "; and the old folder as previous_keys" },
        if args.reason == KeyReason::Stolen {
            "\nThe old keys were stolen: hand the statement to each peer now; `skypact key accept FILE` there ends them at once."
        } else {
            ""
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// Makes a statement for each pact, in files beside the configuration.
fn replace(args: &Replace, now: Utc) -> Result<Vec<(PathBuf, SignedKeys)>> {
    let loaded = Loaded::read(&args.config)?;
    let party = PartyId::parse(&loaded.config.party)?;
    let authority = Authority::load(&args.authority)?.signer(&party)?;
    let new = Keys::load(&loaded.path(&args.keys))?;
    let name = keys::key_name(&party);
    let set = KeySet {
        log_key: new.log_signer(&name)?.verifier().clone(),
        cosign_key: new.cosigner(&name)?.verifier().clone(),
        tls_spki_sha256: Hash32(new.tls_pin()),
    };
    let issued = Utc(now.0.div_euclid(1000) * 1000);
    let mut made = Vec::new();
    for (n, path) in loaded.config.pacts.iter().enumerate() {
        let pact = read_pact(&loaded.path(path))?;
        let hash = pact.pact().hash();
        let before = stated(&loaded, &hash, &party)?;
        let serial = args.serial.unwrap_or_else(|| before.last().map_or(0, |newest| newest.serial) + 1);
        let keys = set.clone();
        let statement = KeyStatement { pact: hash, party: party.clone(), serial, keys, reason: args.reason, issued };
        let signed = SignedKeys::sign(statement, &authority)?;
        signed.check(pact.pact()).with_context(|| format!("under {}", path.display()))?;
        let had = pact.pact().party(&party).map(KeySet::of).into_iter();
        let had: Vec<KeySet> = had.chain(before.into_iter().filter(|s| s.serial < serial).map(|s| s.keys)).collect();
        //= spec/keys.md K-2
        signed
            .check_new(&had)
            .with_context(|| format!("under {}: make new ones with `skypact key new`", path.display()))?;
        let number = if n == 0 { String::new() } else { format!("-{n}") };
        made.push((loaded.dir.join(format!("{party}-{serial}{number}.keys")), signed));
    }
    ensure!(!made.is_empty(), "no pact is configured: there is nothing that names the old keys");
    if let Some((there, _)) = made.iter().find(|(path, _)| path.exists()) {
        bail!("{} is there already, and nothing is overwritten: name another number with --serial", there.display());
    }
    for (path, signed) in &made {
        write_new(path, &signed.to_bytes())?;
    }
    Ok(made)
}

fn read_pact(path: &Path) -> Result<SignedPact> {
    let bytes =
        read_bounded(path, tlog::NOTE_BYTES_MAX as u64).with_context(|| format!("the pact {}", path.display()))?;
    SignedPact::parse(&bytes).with_context(|| format!("the pact {}", path.display()))
}

/// The statements that the configuration names about a party's keys under a pact, by their numbers.
fn stated(loaded: &Loaded, pact: &Hash32, party: &PartyId) -> Result<Vec<KeyStatement>> {
    let mut found = Vec::new();
    for path in &loaded.config.statements {
        let path = loaded.path(path);
        let of = || format!("the statement {}", path.display());
        let bytes = read_bounded(&path, pact::STATEMENT_BYTES_MAX as u64).with_context(of)?;
        let signed = SignedKeys::parse(&bytes).with_context(of)?;
        if signed.statement().pact == *pact && signed.statement().party == *party {
            found.push(signed.statement().clone());
        }
    }
    found.sort_by_key(|statement| statement.serial);
    Ok(found)
}
