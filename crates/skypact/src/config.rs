//! The configuration file, `skypact.toml`. Unknown keys are refused: a misspelt release rule must not be a silence.
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Own party's name, as in the pact.
    pub party: String,
    /// `live`, or `exercise:NAME`. Must equal the pacts' mode.
    #[serde(default = "live")]
    pub mode: String,
    /// Folder of journal, link logs and run files, relative to this file.
    #[serde(default = "data")]
    pub data: PathBuf,
    /// Folder of the keys, relative to this file.
    #[serde(default = "keys")]
    pub keys: PathBuf,
    /// Folder of the keys before these, while peers may still know those alone.
    #[serde(default)]
    pub previous_keys: Option<PathBuf>,
    /// Statements about own keys that replace those of the pacts, relative to this file.
    #[serde(default)]
    pub statements: Vec<PathBuf>,
    /// Pact files, relative to this file.
    #[serde(default)]
    pub pacts: Vec<PathBuf>,
    /// Addresses to listen on.
    #[serde(default)]
    pub serve: Serve,
    /// Peers' addresses.
    #[serde(default)]
    pub peer: Vec<Peer>,
    /// Witnesses of the own logs' checkpoints, by the names of their keys in clause 16 of a pact.
    #[serde(default)]
    pub witness: Vec<Witness>,
    /// Feeds.
    #[serde(default)]
    pub feed: Vec<Feed>,
    /// Release rules until an administrator replaces them; without any, nothing is released.
    #[serde(default)]
    pub release: Vec<crate::rules::RuleText>,
    /// Words with which own plans and aircraft may be marked, for release rules to name.
    #[serde(default)]
    pub markings: Vec<String>,
    /// Bounds of the journal.
    #[serde(default)]
    pub journal: JournalLimits,
    /// Discovery and synchronization service for drone traffic services; without it none is served.
    pub f3548: Option<F3548>,
    /// Clock of an exercise; refused in live mode.
    pub clock: Option<ExerciseClock>,
}

/// Addresses to listen on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Console and API. Loopback unless a reverse proxy with TLS stands before it.
    pub api: SocketAddr,
    /// Links from peers (TLS).
    pub link: SocketAddr,
    /// Names under which the console may be opened, beside the address itself.
    pub hosts: Vec<String>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            api: SocketAddr::from(([127, 0, 0, 1], 8480)),
            link: SocketAddr::from(([0, 0, 0, 0], 8443)),
            hosts: Vec::new(),
        }
    }
}

/// The discovery and synchronization service (docs/f3548.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct F3548 {
    /// Where it listens. Loopback unless a reverse proxy with TLS stands before it.
    #[serde(default = "dss_listen")]
    pub listen: SocketAddr,
    /// Accepted audiences of access tokens, such as the host under which clients know this service.
    pub audiences: Vec<String>,
    /// Accepted issuers of access tokens; without any, every issuer whose key is known.
    #[serde(default)]
    pub issuers: Vec<String>,
    /// Public keys of issuers: PEM or JWKS files.
    #[serde(default)]
    pub key_files: Vec<PathBuf>,
    /// Public keys of issuers: addresses of JWKS documents.
    #[serde(default)]
    pub jwks: Vec<Jwks>,
    /// Keys are read again so often, seconds.
    #[serde(default = "five_minutes")]
    pub refresh_s: u32,
    /// Keys of a file or document that cannot be read any more are used so long, hours.
    #[serde(default = "a_day")]
    pub keep_keys_h: u32,
    /// How far an issuer's clock may be from this one's, seconds.
    #[serde(default = "leeway")]
    pub leeway_s: u32,
    /// Longest time for which a token may be good, seconds; without it, any.
    pub max_token_s: Option<u32>,
    /// Address under which traffic services reach this interface, to ask for the details of what peers released; without it nothing
    /// of peers is shown to them.
    pub uss_base_url: Option<String>,
    /// Marking, one of `markings`, of the plans as which operational intents that traffic services write are filed: the desk sees them,
    /// and peers are told what the release rules give of plans so marked. Without it they are not filed, and nobody is told.
    pub plans_marking: Option<String>,
    /// Takes `http` addresses of traffic services beside `https`. For tests and closed networks.
    #[serde(default)]
    pub http_base_urls: bool,
    /// Addresses below which alone a traffic service may state its own, by `sub` of its tokens.
    #[serde(default)]
    pub base_urls: std::collections::BTreeMap<String, Vec<String>>,
    /// Refuses addresses of traffic services that `base_urls` does not name.
    #[serde(default)]
    pub only_named: bool,
    /// MiB of requests that write which one traffic service may have journaled, a second.
    #[serde(default = "uss_mib_per_s")]
    pub uss_mib_per_s: u32,
    /// How traffic services that subscribed are told of changes to what peers released; without it they are not.
    pub notify: Option<Notify>,
}

/// An authorization server and this node's account there, for access tokens towards traffic services.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Its token endpoint. `http://` on this machine alone: the secret goes there.
    pub token_url: String,
    /// Name of this node's client there.
    pub client_id: String,
    /// File of its secret, which nobody else may read.
    pub client_secret_file: PathBuf,
    /// How the server is told for whom a token is: the host of the service's address.
    #[serde(default)]
    pub audience_parameter: AudienceParameter,
    /// PEM file of the certificate authorities believed for it and for the services; the system's without one.
    pub ca: Option<PathBuf>,
}

/// Where the audience stands in a request for a token.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AudienceParameter {
    /// As `https://` and it in `resource` (RFC 8707).
    Resource,
    /// In `audience`.
    #[default]
    Audience,
    /// In `intended_audience`.
    IntendedAudience,
    /// As one more scope.
    Scope,
}

/// Where an issuer publishes its keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwks {
    /// Address of the document, `http://` or `https://`.
    pub url: String,
    /// PEM file of the certificate authorities believed for https; the system's without one.
    pub ca: Option<PathBuf>,
}

/// Where a peer is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its party name, as in the pact.
    pub party: String,
    /// Host and port of its link; needed if the own name sorts before the peer's, because then this side dials.
    pub address: Option<String>,
}

/// Where a witness is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Name of its key, as in the pact.
    pub name: String,
    /// Its submission prefix, `http://` or `https://`. Over http the way reads what the witness reads: names, sizes, hashes.
    pub url: String,
    /// PEM file of the certificate authorities believed for https; the system's without one.
    pub ca: Option<PathBuf>,
    /// A log's checkpoint goes to it at most this often, seconds.
    #[serde(default = "ten")]
    pub every_s: u32,
}

/// A feed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Name, unique.
    pub name: String,
    /// `aircraft-json`, `sbs`, `beast`, `avr`, `states-csv`, `jsonl` or `trajectory-csv`.
    pub format: String,
    /// `http://HOST:PORT/PATH` or a file (aircraft-json), `tcp://HOST:PORT` (sbs, beast, avr), or a recording's file.
    pub source: String,
    /// `own`: aircraft of the own party, which may be released. `observed`: seen by an own sensor, never released.
    pub claim: ClaimText,
    /// Class of aircraft for reports that state none: `civil`, `military`, `uas`, `humanitarian` or `unknown`.
    #[serde(default = "unknown")]
    pub class: String,
    /// Marking of its aircraft, one of `markings`, where they bear none of their own; beside those of their plans.
    pub marking: Option<String>,
    /// Polling interval of aircraft-json, seconds.
    #[serde(default = "one")]
    pub every_s: f64,
    /// Of a recording: play only the aircraft of this share, `[part, parts]`, by a hash of the address.
    pub share: Option<[u32; 2]>,
}

/// Whose aircraft a feed brings.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ClaimText {
    /// The own party's.
    Own,
    /// Seen only.
    Observed,
}

/// Bounds of the journal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalLimits {
    /// Bytes kept free on the disk: below it nothing is accepted, so that the node can still be operated.
    pub reserve_mib: u64,
    /// Size of a segment file.
    pub segment_mib: u64,
    /// A snapshot at least this often, seconds.
    pub snapshot_s: u64,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { reserve_mib: 256, segment_mib: 64, snapshot_s: 60 }
    }
}

impl JournalLimits {
    /// As the journal takes them.
    pub fn options(&self) -> journal::Options {
        journal::Options {
            segment_bytes: self.segment_mib << 20,
            reserve_bytes: self.reserve_mib << 20,
            ..journal::Options::default()
        }
    }
}

/// An exercise's clock: at machine time `origin` it showed `start`, and it runs `rate` times as fast.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExerciseClock {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339, by the machine's clock.
    pub origin: String,
    /// Times real time.
    #[serde(default = "one")]
    pub rate: f64,
}

fn dss_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8490))
}
fn five_minutes() -> u32 {
    300
}
fn a_day() -> u32 {
    24
}
fn uss_mib_per_s() -> u32 {
    8
}

fn leeway() -> u32 {
    30
}
fn live() -> String {
    String::from("live")
}
fn data() -> PathBuf {
    PathBuf::from("data")
}
fn keys() -> PathBuf {
    PathBuf::from("keys")
}
fn unknown() -> String {
    String::from("unknown")
}
fn ten() -> u32 {
    10
}
fn one() -> f64 {
    1.0
}

/// A configuration with the folder its paths are relative to.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file's content.
    pub config: Config,
    /// Folder of the file.
    pub dir: PathBuf,
}

impl Loaded {
    /// Reads and checks a configuration file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("cannot read the configuration {}: run `skypact init` to make one", path.display())
        })?;
        let config = Self::parse(&text).with_context(|| format!("in {}", path.display()))?;
        let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        Ok(Self { config, dir })
    }

    fn parse(text: &str) -> Result<Config> {
        let config: Config = toml::from_str(text).map_err(|e| anyhow::anyhow!("{e}"))?;
        config.check()?;
        Ok(config)
    }

    /// A path of the file, made absolute to the file's folder.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.dir.join(path)
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        record::PartyId::parse(&self.party).map_err(|e| anyhow::anyhow!("party: {e}"))?;
        let mode = record::Mode::parse(&self.mode);
        ensure!(mode.is_some(), "mode: {:?} is neither \"live\" nor \"exercise:NAME\"", self.mode);
        ensure!(
            self.clock.is_none() || mode != Some(record::Mode::Live),
            "clock: a live node runs on the machine's clock; remove [clock] or set mode = \"exercise:NAME\""
        );
        if let Some(clock) = &self.clock {
            ensure!(
                clock.rate > 0.0 && clock.rate <= 10_000.0,
                "clock.rate: {} is not between 0 and 10000",
                clock.rate
            );
        }
        let JournalLimits { reserve_mib, segment_mib, snapshot_s } = self.journal;
        // 16 TiB of reserve and 16 GiB of segment: more is a slip, and would not fit when counted in bytes.
        for (option, value, most) in [
            ("reserve_mib", reserve_mib, 16 << 20),
            ("segment_mib", segment_mib, 16 << 10),
            ("snapshot_s", snapshot_s, 86_400),
        ] {
            ensure!((1..=most).contains(&value), "journal.{option}: {value} is not between 1 and {most}");
        }
        let mut names = BTreeSet::new();
        for feed in &self.feed {
            let plain = feed.name.chars().all(|c| c != '\n' && pact::visible(c)) && feed.name.chars().count() <= 64;
            ensure!(plain && !feed.name.is_empty(), "feed: the name {:?} is not 1 to 64 visible characters", feed.name);
            ensure!(names.insert(&feed.name), "feed: the name {:?} stands twice", feed.name);
            let format = feed::Format::parse(&feed.format);
            ensure!(
                format.is_some(),
                "feed {:?}: unknown format {:?}; one of {}",
                feed.name,
                feed.format,
                feed::Format::ALL.map(feed::Format::name).join(", ")
            );
            ensure!(
                units::AircraftClass::parse(&feed.class).is_some(),
                "feed {:?}: unknown class {:?}; one of {}",
                feed.name,
                feed.class,
                units::AircraftClass::ALL.map(units::AircraftClass::name).join(", ")
            );
            ensure!(
                feed.every_s >= 0.1 && feed.every_s <= 3600.0,
                "feed {:?}: every_s is not between 0.1 and 3600",
                feed.name
            );
            crate::feeds::Source::parse(feed, Path::new("")).with_context(|| format!("feed {:?}", feed.name))?;
            if let Some([part, parts]) = feed.share {
                ensure!(part < parts, "feed {:?}: share = [part, parts] needs part < parts", feed.name);
            }
        }
        for witness in &self.witness {
            ensure!(
                (1..=3600).contains(&witness.every_s),
                "witness {:?}: every_s is not between 1 and 3600",
                witness.name
            );
            crate::http::Url::parse(&witness.url).with_context(|| format!("witness {:?}", witness.name))?;
        }
        if let Some(f3548) = &self.f3548 {
            ensure!(
                !f3548.audiences.is_empty(),
                "f3548.audiences: name one at least; a token is good for its audience alone"
            );
            if let Some(url) = &f3548.uss_base_url {
                let https = url.starts_with("https://") || f3548.http_base_urls && url.starts_with("http://");
                ensure!(https, "f3548.uss_base_url: {url:?} is not an https address");
                api_f3548::Address::configured(url)
                    .map_err(|why| anyhow::anyhow!("f3548.uss_base_url: {url:?}: {why}"))?;
            }
            for (sub, urls) in &f3548.base_urls {
                for url in urls {
                    let said = |why| anyhow::anyhow!("f3548.base_urls: {sub}: {url:?}: {why}");
                    api_f3548::Address::configured(url).map_err(said)?;
                }
            }
            let keys = !f3548.key_files.is_empty() || !f3548.jwks.is_empty();
            ensure!(keys, "f3548: neither key_files nor jwks: without a key no token can be checked");
            for jwks in &f3548.jwks {
                crate::http::Url::parse(&jwks.url).with_context(|| format!("f3548.jwks {:?}", jwks.url))?;
            }
            for (option, value, most) in
                [("refresh_s", f3548.refresh_s, 86_400), ("keep_keys_h", f3548.keep_keys_h, 8_760)]
            {
                ensure!((1..=most).contains(&value), "f3548.{option}: {value} is not between 1 and {most}");
            }
            let rate = f3548.uss_mib_per_s;
            ensure!((1..=1_024).contains(&rate), "f3548.uss_mib_per_s: {rate} is not between 1 and 1024");
            if let Some(notify) = &f3548.notify {
                ensure!(
                    f3548.uss_base_url.is_some(),
                    "f3548.notify: without uss_base_url nothing is shown, and nobody to be told"
                );
                let url = crate::http::Url::parse(&notify.token_url).context("f3548.notify.token_url")?;
                ensure!(!url.is_open(), "f3548.notify.token_url: {url} is not https, and the secret would go there");
                ensure!(!notify.client_id.is_empty(), "f3548.notify.client_id: it is empty");
            }
            ensure!(f3548.leeway_s <= 300, "f3548.leeway_s: {} is more than 300", f3548.leeway_s);
        }
        for peer in &self.peer {
            record::PartyId::parse(&peer.party).map_err(|e| anyhow::anyhow!("peer: {e}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_no_feed_can_have_is_refused_with_the_feeds_name() {
        let check = |format: &str, source: &str, want: &str| {
            let text = format!(
                "party = \"north\"\n[[feed]]\nname=\"a\"\nformat=\"{format}\"\nsource=\"{source}\"\nclaim=\"own\""
            );
            let got = Loaded::parse(&text).err().map(|e| format!("{e:#}")).unwrap_or_default();
            assert_eq!(got, if want.is_empty() { String::new() } else { format!("feed \"a\": {want}") });
        };
        for (format, source) in [
            ("sbs", "tcp://localhost:30003"),
            ("beast", "tcp://[::1]:30005"),
            ("sbs", "recording.log.gz"),
            ("aircraft-json", "http://127.0.0.1:8080/data/aircraft.json"),
            ("aircraft-json", "http://receiver/aircraft.json"),
            ("aircraft-json", "/run/readsb/aircraft.json"),
        ] {
            check(format, source, "");
        }
        let kinds = "tcp://HOST:PORT, http://HOST:PORT/PATH, or a file";
        check("sbs", "", &format!("source is empty; {kinds}"));
        for bad in
            ["tcp://localhost", "tcp://:30003", "tcp://localhost:0", "tcp://localhost:99999", "tcp://localhost:x"]
        {
            check("sbs", bad, &format!("source \"{bad}\" is not tcp://HOST:PORT"));
        }
        check("aircraft-json", "tcp://h:1", "aircraft-json is read from http:// or a file, not from tcp://");
        check("states-csv", "tcp://h:1", "states-csv is read from http:// or a file, not from tcp://");
        check("sbs", "http://h:1/x", "sbs is not read over http");
        check("aircraft-json", "http://", "source \"http://\" is not http://HOST:PORT/PATH");
        let https = "https is not read; put a proxy on this machine before \"https://h/aircraft.json\"";
        check("aircraft-json", "https://h/aircraft.json", https);
        check("beast", "udp://h:1", &format!("unknown kind of source \"udp://h:1\"; {kinds}"));
    }

    #[test]
    fn each_mistake_is_named_with_what_to_do() {
        let ok = "party = \"north\"\n";
        assert!(Loaded::parse(ok).is_ok());
        let table = [
            ("", "missing field `party`"),
            ("party = \"North\"", "is not a party name"),
            ("party = \"north\"\nmode = \"training\"", "neither \"live\" nor \"exercise:NAME\""),
            ("party = \"north\"\nrelase = []", "unknown field `relase`"),
            ("party = \"north\"\n[serve]\napi = \"8480\"", "invalid socket address"),
            ("party = \"north\"\n[clock]\nstart = \"x\"\norigin = \"y\"", "a live node runs on the machine's clock"),
            (
                "party = \"north\"\n[[feed]]\nname=\"a\"\nformat=\"asterix\"\nsource=\"x\"\nclaim=\"own\"",
                "unknown format \"asterix\"",
            ),
            (
                "party = \"north\"\n[[feed]]\nname=\"a\"\nformat=\"sbs\"\nsource=\"x\"\nclaim=\"mine\"",
                "unknown variant `mine`",
            ),
            (
                "party = \"north\"\n[[feed]]\nname=\"\"\nformat=\"sbs\"\nsource=\"x\"\nclaim=\"own\"",
                "feed: the name \"\" is not 1 to 64 visible characters",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\nuss_mib_per_s = 0",
                "f3548.uss_mib_per_s: 0 is not between 1 and 1024",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\nbase_urls = { uss1 = [\"uss1.example\"] }",
                "f3548.base_urls: uss1: \"uss1.example\": not an https address",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\nuss_base_url = \"https://n/#x\"",
                "f3548.uss_base_url: \"https://n/#x\": write it without user and fragment",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\nuss_base_url = \"https://n/?x\"",
                "f3548.uss_base_url: \"https://n/?x\": write it without query",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\n[f3548.base_urls]\nuss1 = [\"https://u?\"]",
                "f3548.base_urls: uss1: \"https://u?\": write it without query",
            ),
            (
                "party = \"north\"\n[journal]\nreserve_mib = 17592186044416",
                "journal.reserve_mib: 17592186044416 is not between 1 and 16777216",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\n[f3548.notify]\ntoken_url=\"https://a\"\n\
                 client_id=\"n\"\nclient_secret_file=\"s\"",
                "f3548.notify: without uss_base_url nothing is shown",
            ),
            (
                "party = \"north\"\n[f3548]\naudiences=[\"a\"]\nkey_files=[\"k\"]\nuss_base_url=\"https://n\"\n[f3548.notify]\n\
                 token_url=\"http://auth.example/t\"\nclient_id=\"n\"\nclient_secret_file=\"s\"",
                "http://auth.example:80/t is not https, and the secret would go there",
            ),
            ("party = \"north\"\n[journal]\nsegment_mib = 0", "journal.segment_mib: 0 is not between 1 and 16384"),
            ("party = \"north\"\n[journal]\nsnapshot_s = 0", "journal.snapshot_s: 0 is not between 1 and 86400"),
        ];
        for (text, wanted) in table {
            let error = Loaded::parse(text).err().map(|e| format!("{e:#}")).unwrap_or_default();
            assert!(error.contains(wanted), "{text:?} gave {error:?}, wanted {wanted:?}");
        }
    }
}
