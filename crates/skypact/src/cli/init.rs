//! `skypact init`: a new node from nothing.
use crate::cli::setup::{self, PartyFile};
use crate::cli::{Global, Outcome};
use crate::keys::Keys;
use anyhow::{Context, Result, ensure};
use record::{Mode, PartyId};
use serde_json::json;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact init --party north --dir north --title \"Northern Air Command\" --desk \"+41 31 000 00 00, 121.5 MHz\"
  skypact init --party north --mode exercise:spring-2026
  sudo -u skypact skypact init --party north --dir /etc/skypact --data /var/lib/skypact

Makes in DIR:
  skypact.toml   the configuration, with every option explained
  keys/          four secret keys, mode 0600: log, cosign, TLS, pseudonyms. Back them up, encrypted
  pacts/         put the signed pacts here
  PARTY.party    the public data that the other parties need for the pact; nothing in it is secret
Nothing that exists is overwritten; if one of these is there already, nothing is made.

Next: hand PARTY.party to the other parties and read them the fingerprint by voice; one of them runs `skypact pact propose`.
docs/joining.md goes through all of it.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Name of the party in pacts and records: 1 to 32 of a-z, 0-9 and -, a letter first. Not to be changed later.
    #[arg(long, value_name = "NAME", value_parser = party)]
    party: PartyId,
    /// Folder to make the node in; created if it is not there.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Name for people, 1 to 80 characters; the party's name if not given.
    #[arg(long)]
    title: Option<String>,
    /// Where the desk is reached when the link is down (voice number, radio), up to 120 characters.
    #[arg(long, default_value = "")]
    desk: String,
    /// `live`, or `exercise:NAME` (1 to 40 of a-z, 0-9, -).
    #[arg(long, default_value = "live", value_parser = mode)]
    mode: Mode,
    /// Folder of journal and logs, relative to DIR or absolute; created if it is not there.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

/// Parses a party's name.
pub fn party(text: &str) -> Result<PartyId, String> {
    PartyId::parse(text).map_err(|e| e.to_string())
}

/// Parses a mode.
pub fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| format!("{text:?} is neither `live` nor `exercise:NAME` (1 to 40 of a-z, 0-9, -)"))
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    let made = make(&args)?;
    let file = &made.file;
    if global.json {
        let party_file = made.party_file.display().to_string();
        let out = json!({
            "config": made.config.display().to_string(), "party_file": party_file, "fingerprint": file.fingerprint(),
            "party": file,
        });
        println!("{out}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Made the node of {} in {}.\n", file.party, args.dir.display());
    println!("Public data for the pact, also in {}:\n", made.party_file.display());
    print!("{}", file.text()?);
    println!(
        "\nNext:\n\
         1. Give {party_file} to the other parties; read them the fingerprint by voice.\n\
         2. Agree a pact (`skypact pact propose --help`), sign it (`skypact pact sign`), name it in {config}.\n\
         3. Start: skypact serve --config {config}\n\
         \x20  At the first start it prints a link with which the first administrator signs in, once; it then asks for a password.\n\
         Keep {keys} secret and back it up: without it this party cannot speak under its pacts any more.",
        party_file = made.party_file.display(),
        config = made.config.display(),
        keys = args.dir.join("keys").display(),
    );
    Ok(ExitCode::SUCCESS)
}

struct Made {
    config: PathBuf,
    party_file: PathBuf,
    file: PartyFile,
}

fn make(args: &Args) -> Result<Made> {
    let dir = &args.dir;
    let (config, keys_dir) = (dir.join("skypact.toml"), dir.join("keys"));
    let party_file = dir.join(format!("{}.party", args.party));
    for path in [&config, &keys_dir, &party_file] {
        ensure!(
            !path.exists(),
            "{} is there already, and nothing is overwritten: name another folder with --dir, or move it away",
            path.display()
        );
    }
    let data = args.data.to_str().context("--data is not UTF-8")?;
    let text = setup::config_text(&args.party, &args.mode, data, "keys")?;
    // Title and desk are checked before anything is made: half a node would be in the way of the next try.
    let title = args.title.as_deref().unwrap_or(args.party.as_str());
    setup::check_words(title, &args.desk)?;
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let keys = Keys::create(&keys_dir)?;
    let file = PartyFile::of(&args.party, title, &args.desk, &keys)?;
    setup::write_new(&party_file, file.text()?.as_bytes())?;
    for folder in [dir.join("pacts"), dir.join(&args.data)] {
        private_folder(&folder)?;
    }
    // The configuration last: with it the node is complete.
    setup::write_new(&config, text.as_bytes())?;
    Ok(Made { config, party_file, file })
}

/// Only the node's own account may look into it.
fn private_folder(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot create {}", path.display()))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::config::Loaded;
    use std::os::unix::fs::PermissionsExt;

    /// A node in a folder of its own, and its configuration's path.
    pub fn a_node(name: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let made = make(&Args { party: party(name).unwrap(), ..args(dir.path()) }).unwrap();
        (dir, made.config)
    }

    fn args(dir: &Path) -> Args {
        Args {
            party: party("north").unwrap(),
            dir: dir.to_owned(),
            title: Some(String::from("Northern Air Command")),
            desk: String::from("+41 31 000 00 00"),
            mode: Mode::Live,
            data: PathBuf::from("data"),
        }
    }

    #[test]
    fn a_new_node_is_complete_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let made = make(&args(dir.path())).unwrap();
        let loaded = Loaded::read(&made.config).unwrap();
        let keys = Keys::load(&loaded.path(&loaded.config.keys)).unwrap();
        assert_eq!(PartyFile::read(&made.party_file).unwrap(), made.file);
        assert_eq!(made.file.tls_spki_sha256, crate::keys::hex(&keys.tls_pin()));
        for folder in ["keys", "data", "pacts"] {
            let mode = fs::metadata(dir.path().join(folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{folder}");
        }
    }

    #[track_caller]
    fn refused(args: &Args, want: &str) {
        let error = make(args).err().map(|e| format!("{e:#}"));
        let path = args.dir.display().to_string();
        assert_eq!(error.map(|e| e.replace(&path, "DIR")), Some(want.to_owned()));
    }

    #[test]
    fn nothing_that_exists_is_overwritten_and_nothing_is_made_by_halves() {
        for existing in ["skypact.toml", "keys", "north.party"] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(existing), "mine").unwrap();
            let want = format!(
                "DIR/{existing} is there already, and nothing is overwritten: name another folder with --dir, or move it away"
            );
            refused(&args(dir.path()), &want);
            assert_eq!(fs::read_to_string(dir.path().join(existing)).unwrap(), "mine");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn words_that_no_pact_can_hold_are_refused_before_anything_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let good = args(dir.path());
        refused(
            &Args { title: Some("x".repeat(81)), ..args(dir.path()) },
            "title: 81 characters given, 1 to 80 are allowed",
        );
        let desk = String::from("say \"desk\"");
        refused(
            &Args { desk, ..good },
            "desk: must be one line without quotation marks, and without blanks at its ends",
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_and_modes_are_checked() {
        assert_eq!(
            party("North").unwrap_err(),
            "\"North\" is not a party name: 1 to 32 of a-z, 0-9 and -, beginning with a letter"
        );
        assert_eq!(
            mode("training").unwrap_err(),
            "\"training\" is neither `live` nor `exercise:NAME` (1 to 40 of a-z, 0-9, -)"
        );
    }
}
