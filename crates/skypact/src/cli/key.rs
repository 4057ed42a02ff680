//! `skypact key`: public keys of a node, and new keys.
mod replace;
mod token;

use crate::cli::client::{NodeArgs, talk};
use crate::cli::setup::{self, PartyFile};
use crate::cli::{Global, Outcome};
use crate::config::Loaded;
use crate::files::read_bounded;
use crate::keys::Keys;
use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use hyper::Method;
use pact::{KeyStatement, SignedKeys};
use record::PartyId;
use replace::Replace;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact key show --config north/skypact.toml
  skypact key show > again.party          what `init` wrote, again; into another file, for the shell empties it first
  skypact key new --keys keys-2           makes a second set; nothing uses it yet
  skypact key new --keys keys-2 --module /usr/lib/softhsm/libsofthsm2.so --token north --pin-file pin
                                          the same with log and cosigning key made in a PKCS#11 token
  skypact key import --from keys --keys keys-2 --module … --token north --pin-file pin
                                          the same keys, from now on in the token: no new pact is needed

The four keys of a node, each in a file of its own:
  log.key        signs the pact and everything this party says
  cosign.key     signs receipts for what the peers say
  tls.key.pem    authenticates connections; cannot sign history
  pseudonym.key  makes pseudonyms of released aircraft

A pact names the first three, and the authority key, which `init` makes and which is kept away from the node. With it the others
are replaced while pact and logs go on (stolen, lost, or by calendar):
  skypact key new --keys keys-2
  skypact key replace --keys keys-2 --authority PATH/north.authority.key --reason stolen
then `keys` and `statements` in the configuration, and a restart. The node tells its peers. If the old keys were stolen, hand the
statement to each peer besides: `skypact key accept FILE` there ends the old keys at once.
Without an authority key: `key new`, a new pact with each peer, then `keys` and `pacts` in the configuration. New logs begin with a
new pact; keep the old ones, and the old public keys, as evidence.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Shows the public keys, as a party file for a pact (nothing in it is secret).
    Show {
        /// Configuration file.
        #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
        config: PathBuf,
    },
    /// Makes a second set of keys in a folder of its own, for a new pact. The keys in use are not touched.
    New {
        /// Configuration file.
        #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
        config: PathBuf,
        /// Folder for the new keys, relative to the configuration file; must hold none.
        #[arg(long, default_value = "keys-2")]
        keys: PathBuf,
        #[command(flatten)]
        token: token::Where,
    },
    /// Puts the log and cosigning key of a folder into a token, and makes a folder that uses them there.
    Import(token::Import),
    /// Makes a statement, by the authority key, that replaces the keys of this party under each of its pacts.
    Replace(Replace),
    /// Hands a peer's statement to the running node: from then on the peer's older keys are worth nothing.
    Accept {
        #[command(flatten)]
        node: NodeArgs,
        /// The statement.
        #[arg(value_name = "FILE")]
        statement: PathBuf,
    },
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        KeyCommand::Show { config } => {
            let file = show(&config)?;
            if global.json {
                println!("{}", json!({ "party": file, "fingerprint": file.fingerprint() }));
            } else {
                print!("{}", file.text()?);
            }
        }
        KeyCommand::Import(args) => return token::import(&args, global),
        KeyCommand::New { config, keys, token } => {
            let (path, file) = new(&config, &keys, &token)?;
            if global.json {
                let at = path.display().to_string();
                println!("{}", json!({ "party_file": at, "party": file, "fingerprint": file.fingerprint() }));
            } else {
                print!("{}", file.text()?);
                println!(
                    "\nThe new keys are in {}; nothing uses them yet. Next: hand {} to the peers, agree a new pact with\n\
                     each of them (sign with --keys {}), then set `keys` and `pacts` in {} and start the node again.",
                    keys.display(),
                    path.display(),
                    keys.display(),
                    config.display()
                );
            }
        }
        KeyCommand::Replace(args) => return replace::run(&args, global),
        KeyCommand::Accept { node, statement } => return accept(&node, &statement, global),
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands a statement to the running node.
fn accept(node: &NodeArgs, path: &Path, global: Global) -> Outcome {
    let of = || format!("the statement {}", path.display());
    let bytes = read_bounded(path, pact::STATEMENT_BYTES_MAX as u64).with_context(of)?;
    let signed = SignedKeys::parse(&bytes).with_context(of)?;
    let body = json!({ "statement": signed.to_text() });
    talk(node, async |client| client.command(Method::POST, "/v1/keys", Some(body)).await)?;
    let KeyStatement { party, serial, .. } = signed.statement();
    if global.json {
        println!("{}", json!({ "party": party.as_str(), "serial": serial }));
    } else {
        println!("The keys of {party} are those of statement {serial}; older ones are worth nothing here from now on.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The public data of the keys in use.
fn show(config: &Path) -> Result<PartyFile> {
    let loaded = Loaded::read(config)?;
    let party = PartyId::parse(&loaded.config.party)?;
    let keys = Keys::load(&loaded.path(&loaded.config.keys))?;
    let (title, desk, authority) = words(&loaded, &party)?;
    PartyFile::of(&party, &title, &desk, &keys, authority.as_deref())
}

/// Title, desk and authority key stand in the party file that is handed over, and in the one beside the keys, should that be
/// lost.
pub(super) fn words(loaded: &Loaded, party: &PartyId) -> Result<(String, String, Option<String>)> {
    let name = format!("{party}.party");
    let (handed, kept) = (loaded.dir.join(&name), loaded.path(&loaded.config.keys).join(&name));
    let mut trouble = None;
    for path in [&handed, &kept] {
        if !path.exists() {
            continue;
        }
        match PartyFile::read(path) {
            Ok(file) => {
                if let Some(error) = trouble {
                    eprintln!("skypact: {error:#}; title and desk are those of {}", path.display());
                }
                return Ok((file.title, file.desk, file.authority_key));
            }
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    match trouble {
        None => Ok((party.to_string(), String::new(), None)),
        Some(error) => Err(error.context(format!(
            "title and desk of {party} are not known any more; put back {} from a copy that a peer has, or remove it: the title \
             is then the party's name",
            handed.display()
        ))),
    }
}

fn new(config: &Path, keys: &Path, token: &token::Where) -> Result<(PathBuf, PartyFile)> {
    let loaded = Loaded::read(config)?;
    let party = PartyId::parse(&loaded.config.party)?;
    let folder = loaded.path(keys);
    ensure!(
        !folder.exists(),
        "{} is there already, and keys are never overwritten: name another folder with --keys",
        folder.display()
    );
    let (title, desk, authority) = words(&loaded, &party)?;
    let made = match token.chosen() {
        None => Keys::create(&folder)?,
        Some(chosen) => token::create(&folder, &party, &chosen)?,
    };
    let file = PartyFile::of(&party, &title, &desk, &made, authority.as_deref())?;
    // Beside the new keys: the file of the keys in use stays what it is until they are not.
    let path = folder.join(format!("{party}.party"));
    setup::write_new(&path, file.text()?.as_bytes())?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::tests::a_node;

    #[test]
    fn what_is_shown_is_what_init_handed_over() {
        let (dir, config) = a_node("north");
        let shown = show(&config).unwrap();
        assert_eq!(shown, PartyFile::read(&dir.path().join("north.party")).unwrap());
        assert_eq!(shown.title, "Northern Air Command");
    }

    #[test]
    fn a_party_file_that_was_emptied_costs_neither_title_nor_desk() {
        let (dir, config) = a_node("north");
        let before = show(&config).unwrap();
        for ruin in ["", "party = \"north\"\n", "\0\0\0"] {
            std::fs::write(dir.path().join("north.party"), ruin).unwrap();
            assert_eq!(show(&config).unwrap(), before, "{ruin:?}");
        }
        let (_, second) = new(&config, Path::new("keys-2"), &token::Where::default()).unwrap();
        assert_eq!((second.title, second.desk), (before.title, before.desk));
        std::fs::remove_file(dir.path().join("keys/north.party")).unwrap();
        let error = format!("{:#}", show(&config).unwrap_err());
        assert!(error.starts_with("title and desk of north are not known any more; put back"), "{error}");
        std::fs::remove_file(dir.path().join("north.party")).unwrap();
        assert_eq!(show(&config).unwrap().title, "north");
    }

    #[test]
    fn new_keys_stand_beside_the_old_ones() {
        let (_dir, config) = a_node("north");
        let before = show(&config).unwrap();
        let (path, file) = new(&config, Path::new("keys-2"), &token::Where::default()).unwrap();
        assert_eq!(show(&config).unwrap(), before);
        assert_eq!(PartyFile::read(&path).unwrap(), file);
        assert_ne!(file.log_key, before.log_key);
        assert_ne!(file.tls_spki_sha256, before.tls_spki_sha256);
        let again = format!("{:#}", new(&config, Path::new("keys-2"), &token::Where::default()).unwrap_err());
        assert!(
            again.ends_with("keys-2 is there already, and keys are never overwritten: name another folder with --keys")
        );
    }

    #[test]
    fn without_a_configuration_the_way_to_one_is_named() {
        let error = format!("{:#}", show(Path::new("nowhere.toml")).unwrap_err());
        assert!(
            error.starts_with("cannot read the configuration nowhere.toml: run `skypact init` to make one"),
            "{error}"
        );
    }
}
