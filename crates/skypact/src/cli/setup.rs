//! What a new node is made of: its configuration from the one template, and the party's public data for a pact.
use crate::files::read_bounded;
use crate::keys::{self, Keys};
use anyhow::{Context, Result, bail, ensure};
use record::{Hash32, Mode, PartyId};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tlog::VerifierKey;

/// The example configuration, which every new node's file is made from.
pub const TEMPLATE: &str = include_str!("../../../../deploy/skypact.toml");
/// Characters of a party's title, as the pact allows.
const TITLE_MAX: usize = 80;
/// Characters of a desk, as the pact allows.
const DESK_MAX: usize = 120;
/// A party file is a handful of lines.
const PARTY_FILE_BYTES_MAX: u64 = 16 << 10;

/// The configuration of a new node.
pub fn config_text(party: &PartyId, mode: &Mode, data: &str, keys: &str) -> Result<String> {
    let mut text = TEMPLATE.to_owned();
    for (option, value) in [("party", party.as_str()), ("mode", &mode.label()), ("data", data), ("keys", keys)] {
        let quoted = toml::Value::String(value.to_owned()).to_string();
        text = replace(&text, option, &quoted).with_context(|| format!("the template has no option {option}"))?;
    }
    Ok(text)
}

/// Replaces the value of a top-level option.
fn replace(text: &str, option: &str, value: &str) -> Option<String> {
    let start = format!("{option} = ");
    let line = text.lines().take_while(|l| !l.starts_with('[')).find(|l| l.starts_with(&start))?;
    Some(text.replacen(&format!("\n{line}\n"), &format!("\n{start}{value}\n"), 1))
}

/// What a party hands over for clause 1 of a pact. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyFile {
    /// Name in records.
    pub party: String,
    /// Name for people.
    pub title: String,
    /// Verifier key of the log key.
    pub log_key: String,
    /// Verifier key of the cosign key.
    pub cosign_key: String,
    /// SHA-256 of the TLS key, hexadecimal.
    pub tls_spki_sha256: String,
    /// Verifier key of the authority key, which replaces the others; without one they change with a new pact alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_key: Option<String>,
    /// Where the desk is reached when the link is down.
    pub desk: String,
}

impl PartyFile {
    /// The public data of a party's keys.
    pub fn of(party: &PartyId, title: &str, desk: &str, keys: &Keys, authority: Option<&str>) -> Result<Self> {
        let name = keys::key_name(party);
        let file = Self {
            party: party.to_string(),
            title: title.to_owned(),
            log_key: keys.log_signer(&name)?.verifier().to_string(),
            cosign_key: keys.cosigner(&name)?.verifier().to_string(),
            tls_spki_sha256: keys::hex(&keys.tls_pin()),
            authority_key: authority.map(str::to_owned),
            desk: desk.to_owned(),
        };
        file.party()?;
        Ok(file)
    }

    /// Reads and checks a party file.
    pub fn read(path: &Path) -> Result<Self> {
        let of = || format!("the party file {}", path.display());
        let bytes = read_bounded(path, PARTY_FILE_BYTES_MAX).with_context(of)?;
        let text = String::from_utf8(bytes).context("not UTF-8").with_context(of)?;
        Self::parse(&text).with_context(of)
    }

    fn parse(text: &str) -> Result<Self> {
        ensure!(!text.trim().is_empty(), "it is empty");
        let file: Self = toml::from_str(text).map_err(|e| anyhow::anyhow!("{e}"))?;
        file.party()?;
        Ok(file)
    }

    /// As the pact's clause 1 has it.
    pub fn party(&self) -> Result<pact::Party> {
        let id = PartyId::parse(&self.party).context("party")?;
        check_words(&self.title, &self.desk)?;
        let key = |which: &str, text: &str| text.parse::<VerifierKey>().map_err(|e| anyhow::anyhow!("{which}: {e}"));
        let Some(tls_spki_sha256) = Hash32::parse(&self.tls_spki_sha256) else {
            bail!("tls_spki_sha256: {:?} is not 64 hexadecimal digits", self.tls_spki_sha256)
        };
        Ok(pact::Party {
            id,
            name: self.title.clone(),
            log_key: key("log_key", &self.log_key)?,
            cosign_key: key("cosign_key", &self.cosign_key)?,
            tls_spki_sha256,
            authority_key: self.authority_key.as_deref().map(|text| key("authority_key", text)).transpose()?,
            desk: self.desk.clone(),
        })
    }

    /// The file's text.
    pub fn text(&self) -> Result<String> {
        let fields = toml::to_string(self)?;
        Ok(format!(
            "# Public data of the party {} for a pact. Nothing in it is secret; whoever gets it compares the fingerprint with\n\
             # this party by voice:\n#   {}\n{fields}",
            self.party,
            self.fingerprint()
        ))
    }

    /// What two people read to each other to know that the keys are the right ones.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.party, &self.log_key, &self.cosign_key, &self.tls_spki_sha256, self.authority_key.as_deref())
    }
}

/// Fingerprint of a party in a pact, the same as that of its file.
pub fn fingerprint_of(party: &pact::Party) -> String {
    let (log, cosign) = (party.log_key.to_string(), party.cosign_key.to_string());
    let authority = party.authority_key.as_ref().map(ToString::to_string);
    fingerprint(party.id.as_str(), &log, &cosign, &party.tls_spki_sha256.to_string(), authority.as_deref())
}

/// 128 bits in groups of four digits: none can be found for other keys, and it can be said in one breath.
fn fingerprint(party: &str, log: &str, cosign: &str, tls: &str, authority: Option<&str>) -> String {
    let authority = authority.map_or_else(String::new, |key| format!("{key}\n"));
    let all = format!("skypact party\n{party}\n{log}\n{cosign}\n{}\n{authority}", tls.to_ascii_lowercase());
    grouped(&Hash32::of(all.as_bytes()).to_string()[..32])
}

/// Hexadecimal in groups of four.
pub fn grouped(hex: &str) -> String {
    let groups: Vec<&str> = hex.as_bytes().chunks(4).filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(" ")
}

/// Whether a title and a desk can stand in a pact.
pub fn check_words(title: &str, desk: &str) -> Result<()> {
    line("title", title, 1, TITLE_MAX)?;
    line("desk", desk, 0, DESK_MAX)
}

/// One line of text between `min` and `max` characters that can stand between quotation marks.
fn line(what: &str, text: &str, min: usize, max: usize) -> Result<()> {
    let count = text.chars().count();
    ensure!((min..=max).contains(&count), "{what}: {count} characters given, {min} to {max} are allowed");
    ensure!(
        !text.contains(['"', '\n']) && text.trim() == text,
        "{what}: must be one line without quotation marks, and without blanks at its ends"
    );
    if let Some(hidden) = text.chars().find(|c| !pact::visible(*c)) {
        bail!("{what}: has a control or invisible character (U+{:04X}), which no pact can hold", u32::from(hidden));
    }
    Ok(())
}

/// Writes a file that must not exist yet, durably.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut file = File::options().write(true).create_new(true).open(path).map_err(|error| {
        let existing = error.kind() == std::io::ErrorKind::AlreadyExists;
        let advice = if existing { "; it is never overwritten, name another file or move it away" } else { "" };
        anyhow::anyhow!("cannot create {}: {error}{advice}", path.display())
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))?;
    sync_folder(path)
}

/// Replaces a file by one with other content; at no instant is there half of it.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().context("no file name")?.to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    write_new(&beside, bytes)?;
    fs::rename(&beside, path).with_context(|| format!("cannot replace {}", path.display()))?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    File::open(&folder).and_then(|f| f.sync_all()).with_context(|| format!("cannot sync {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Loaded};
    use std::collections::BTreeSet;

    /// The template with every commented option in use.
    fn everything() -> String {
        let live = |line: &str| match line.strip_prefix('#') {
            Some(option) if !option.starts_with(' ') && !option.is_empty() => option.to_owned(),
            _ => line.to_owned(),
        };
        TEMPLATE.lines().map(live).collect::<Vec<_>>().join("\n")
    }

    /// Options by struct, read from the source: the fields of every struct that refuses unknown ones.
    fn options(source: &str) -> Vec<(String, BTreeSet<String>)> {
        let mut out: Vec<(String, BTreeSet<String>)> = Vec::new();
        let (mut refusing, mut inside) = (false, false);
        for line in source.lines().take_while(|l| *l != "#[cfg(test)]") {
            refusing |= line.contains("deny_unknown_fields");
            if let Some(name) = line.strip_prefix("pub struct ").and_then(|l| l.strip_suffix(" {")) {
                inside = std::mem::take(&mut refusing);
                if inside {
                    out.push((name.to_owned(), BTreeSet::new()));
                }
            }
            inside &= line != "}";
            let field = line.strip_prefix("    pub ").and_then(|l| l.split_once(':')).map(|(name, _)| name);
            if let (true, Some(name), Some((_, fields))) = (inside, field, out.last_mut()) {
                fields.insert(name.trim_start_matches("r#").to_owned());
            }
        }
        out
    }

    #[test]
    fn the_example_is_a_configuration_as_it_stands_and_with_everything_in_use() {
        for text in [TEMPLATE.to_owned(), everything().replace("mode = \"live\"", "mode = \"exercise:demo\"")] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("skypact.toml");
            fs::write(&path, &text).unwrap();
            let loaded = Loaded::read(&path).unwrap_or_else(|e| panic!("{e:#}\n{text}"));
            crate::rules::policy(&loaded.config.release).unwrap();
        }
    }

    #[test]
    fn the_example_mentions_every_option_there_is() {
        let table: toml::Table = everything().parse().unwrap();
        let mut found = options(include_str!("../config.rs"));
        found.extend(options(include_str!("../rules.rs")));
        assert!(found.len() >= 7, "{found:?}");
        for (name, wanted) in found {
            let section = match name.as_str() {
                "Config" => None,
                "Serve" => Some("serve"),
                "Peer" => Some("peer"),
                "Feed" => Some("feed"),
                "JournalLimits" => Some("journal"),
                "ExerciseClock" => Some("clock"),
                "RuleText" => Some("release"),
                "Witness" => Some("witness"),
                "F3548" => Some("f3548"),
                "Jwks" => Some("f3548.jwks"),
                "Notify" => Some("f3548.notify"),
                other => {
                    panic!("{other} is new in the configuration: explain it in deploy/skypact.toml and name it here")
                }
            };
            let keys = |t: &toml::Table| t.keys().cloned().collect::<BTreeSet<_>>();
            let at =
                |path: &str| path.split('.').skip(1).fold(&table[path.split('.').next().unwrap()], |t, part| &t[part]);
            let mentioned = match section.map(at) {
                None => keys(&table),
                Some(toml::Value::Array(tables)) => tables.iter().filter_map(|t| t.as_table()).flat_map(keys).collect(),
                Some(value) => keys(value.as_table().unwrap()),
            };
            assert_eq!(mentioned, wanted, "{name}");
        }
    }

    #[test]
    fn the_values_shown_as_defaults_are_the_defaults() {
        let shown: Config = toml::from_str(TEMPLATE).unwrap();
        let default: Config = toml::from_str("party = \"north\"").unwrap();
        assert_eq!(format!("{shown:?}"), format!("{default:?}"));
    }

    #[test]
    fn a_new_configuration_holds_what_was_asked_for() {
        let (party, mode) = (PartyId::parse("civil-2").unwrap(), Mode::parse("exercise:a-1").unwrap());
        let text = config_text(&party, &mode, "/var/lib/sky \"pact\"", "k").unwrap();
        let config: Config = toml::from_str(&text).unwrap();
        assert_eq!((config.party.as_str(), config.mode.as_str()), ("civil-2", "exercise:a-1"));
        assert_eq!((config.data.to_str(), config.keys.to_str()), (Some("/var/lib/sky \"pact\""), Some("k")));
        assert_eq!(text.lines().count(), TEMPLATE.lines().count());
    }

    fn file() -> PartyFile {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        PartyFile::of(&PartyId::parse("north").unwrap(), "Northern Air Command", "+41 31 000 00 00", &keys, None)
            .unwrap()
    }

    #[test]
    fn a_party_file_is_read_back_and_its_fingerprint_is_that_in_the_pact() {
        let file = file();
        let text = file.text().unwrap();
        assert_eq!(PartyFile::parse(&text).unwrap(), file);
        assert!(text.contains(&format!("#   {}\n", file.fingerprint())));
        assert_eq!(fingerprint_of(&file.party().unwrap()), file.fingerprint());
        assert_eq!(file.fingerprint().len(), 39);
        let other = PartyFile { tls_spki_sha256: "0".repeat(64), ..file.clone() };
        assert_ne!(other.fingerprint(), file.fingerprint());
    }

    #[test]
    fn a_party_file_with_a_mistake_is_refused_with_the_field() {
        let check = |change: &dyn Fn(&mut PartyFile), want: &str| {
            let mut file = file();
            change(&mut file);
            let got = format!("{:#}", PartyFile::parse(&toml::to_string(&file).unwrap()).unwrap_err());
            assert_eq!(got, want);
        };
        check(
            &|f| f.party = "North".into(),
            "party: \"North\" is not a party name: 1 to 32 of a-z, 0-9 and -, beginning with a letter",
        );
        check(&|f| f.title = String::new(), "title: 0 characters given, 1 to 80 are allowed");
        check(
            &|f| f.desk = "call \"me\"".into(),
            "desk: must be one line without quotation marks, and without blanks at its ends",
        );
        check(
            &|f| f.title = "a\tb".into(),
            "title: has a control or invisible character (U+0009), which no pact can hold",
        );
        check(
            &|f| f.desk = "call \u{202e}me".into(),
            "desk: has a control or invisible character (U+202E), which no pact can hold",
        );
        assert_eq!(format!("{:#}", PartyFile::parse(" \n").unwrap_err()), "it is empty");
        check(&|f| f.tls_spki_sha256 = "12".into(), "tls_spki_sha256: \"12\" is not 64 hexadecimal digits");
        let got = format!("{:#}", PartyFile::parse("party = \"north\"\npassword = 1\n").unwrap_err());
        assert!(got.contains("unknown field `password`"), "{got}");
    }
}
