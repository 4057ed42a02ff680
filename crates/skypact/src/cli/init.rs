//! `skypact init`: a new node from nothing.
use crate::cli::setup::{self, PartyFile};
use crate::cli::{Global, Outcome};
use crate::keys::{Authority, Keys};
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
  keys/          four secret keys, mode 0600: log, cosign, TLS, pseudonyms. Back them up, encrypted; beside them a copy of
                 PARTY.party
  authority/     the key that replaces the others should they be stolen, lost or old. Move it to a safe place off this machine
  pacts/         put the signed pacts here
  PARTY.party    the public data that the other parties need for the pact; nothing in it is secret
Nothing that exists is overwritten. All of it is made, or nothing.

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
         Keep {keys} secret and back it up: without it this party cannot speak under its pacts any more.\n\
         Move {authority} off this machine now, to a safe: it replaces the keys if they are stolen, and whoever has it can.",
        authority = args.dir.join("authority").display(),
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
    let authority_dir = dir.join("authority");
    for path in [&config, &keys_dir, &authority_dir, &party_file] {
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
    let mut undo = Undo::default();
    // The folders first, for most of what can go wrong is a right that is missing.
    undo.folders(dir, 0o755)?;
    for folder in [keys_dir.clone(), dir.join("pacts"), dir.join(&args.data)] {
        undo.folders(&folder, 0o700)?;
    }
    undo.keys = Some(keys_dir.clone());
    let keys = Keys::create(&keys_dir)?;
    undo.folders(&authority_dir, 0o700)?;
    let authority_file = authority_dir.join(format!("{}.authority.key", args.party));
    let authority = Authority::create(&authority_file)?;
    undo.made.push(authority_file);
    let authority = authority.signer(&args.party)?.verifier().to_string();
    let file = PartyFile::of(&args.party, title, &args.desk, &keys, Some(&authority))?;
    // Beside the keys too: title and desk stand nowhere else, and what is handed over gets lost.
    let name = party_file.file_name().context("no file name")?;
    for path in [&keys_dir.join(name), &party_file] {
        undo.file(path, file.text()?.as_bytes())?;
    }
    // The configuration last: with it the node is complete.
    undo.file(&config, text.as_bytes())?;
    undo.done();
    Ok(Made { config, party_file, file })
}

/// What was made so far; it goes if not all is made, for half a node would be in the way of the next try.
#[derive(Default)]
struct Undo {
    made: Vec<PathBuf>,
    /// The folder of the keys, which was not there before: it goes with all that is in it.
    keys: Option<PathBuf>,
}

impl Undo {
    /// Makes a folder and those above it that are not there. Those of mode 0700 only the node's own account may look into.
    fn folders(&mut self, path: &Path, mode: u32) -> Result<()> {
        let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
        for folder in missing.into_iter().rev() {
            let made = fs::DirBuilder::new().mode(mode).create(folder);
            made.with_context(|| format!("cannot create {}", folder.display()))?;
            self.made.push(folder.to_owned());
        }
        ensure!(path.as_os_str().is_empty() || path.is_dir(), "{} is there and is not a folder", path.display());
        Ok(())
    }

    /// Everything is made, and stays.
    fn done(&mut self) {
        self.made.clear();
        self.keys = None;
    }

    fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        // Before: a file that was begun is to go as well. It did not exist, else nothing is written.
        let existed = path.exists();
        let result = setup::write_new(path, bytes);
        if !existed {
            self.made.push(path.to_owned());
        }
        result
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let complain = |path: &Path, gone: std::io::Result<()>| {
            if let Err(error) = gone {
                eprintln!("skypact: {} was made and cannot be removed: {error}", path.display());
            }
        };
        if let Some(keys) = &self.keys {
            complain(keys, fs::remove_dir_all(keys));
        }
        for path in self.made.iter().rev().filter(|p| p.exists()) {
            complain(path, if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) });
        }
    }
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
    fn what_was_made_goes_if_not_all_can_be_made() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "mine").unwrap();
        let node = dir.path().join("a/b");
        // A folder cannot be made below a file, whoever asks.
        let failing = Args { data: dir.path().join("file/data"), ..args(&node) };
        let error = format!("{:#}", make(&failing).err().unwrap());
        assert!(error.starts_with("cannot create ") || error.contains("is not a folder"), "{error}");
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["file"]);
        // A folder that was there stays, with what is in it.
        fs::create_dir_all(node.join("pacts")).unwrap();
        fs::write(node.join("pacts/ours.pact"), "mine").unwrap();
        make(&Args { data: dir.path().join("file/data"), ..args(&node) }).err().unwrap();
        assert_eq!(fs::read_dir(&node).unwrap().count(), 1);
        assert!(node.join("pacts/ours.pact").exists());
        make(&args(&node)).unwrap();
    }

    #[test]
    fn words_that_no_pact_can_hold_are_refused_before_anything_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let good = args(dir.path());
        refused(
            &Args { title: Some("x".repeat(81)), ..args(dir.path()) },
            "title: 81 characters given, 1 to 80 are allowed",
        );
        refused(
            &Args { desk: String::from("\u{1b}[2J"), ..args(dir.path()) },
            "desk: has a control or invisible character (U+001B), which no pact can hold",
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
