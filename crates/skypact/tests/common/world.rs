//! Folders of parties that share a pact: keys, pact, configuration, traffic.
use super::node::{Node, NotStarted};
use super::proxy::Proxy;
use airspace::{Limit, Outline};
use pact::{Minima, Pact, SignedPact};
use rcgen::PublicKeyData;
use record::{Hash32, Mode, PartyId};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tlog::NoteSigner;
use units::{Altitude, Height, NM_MM, Reference, Utc, Vertex};

/// 2026-01-15T08:00:00Z: what the exercise's clock shows when a world is made.
pub const START_S: i64 = 1_768_464_000;

/// What to make.
pub struct Spec {
    /// Parties; the first that sorts before another dials it.
    pub names: &'static [&'static str],
    /// Times real time.
    pub rate: f64,
    /// Aircraft of each party.
    pub aircraft: u32,
    /// Seconds of traffic.
    pub length_s: i64,
    /// `[journal]`, without the head.
    pub journal: &'static str,
}

impl Default for Spec {
    fn default() -> Self {
        let journal = "reserve_mib = 16\nsnapshot_s = 5\n";
        Self { names: &["north", "south"], rate: 1.0, aircraft: 12, length_s: 300, journal }
    }
}

/// One party's secrets.
pub struct Secrets {
    pub log: NoteSigner,
    pub cosign: NoteSigner,
    pub tls: rcgen::KeyPair,
    pub authority: NoteSigner,
}

impl Secrets {
    /// Secrets of a party; the same name and salt give the same signing keys.
    pub fn new(name: &str, salt: &str) -> Self {
        let seed = |what: &str| Hash32::of(format!("{what} {name} {salt}").as_bytes()).0;
        let key_name = format!("skypact.link/{name}");
        Self {
            log: NoteSigner::new(&key_name, &seed("log")).unwrap(),
            cosign: NoteSigner::cosigner(&key_name, &seed("cosign")).unwrap(),
            tls: rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            authority: NoteSigner::new(&format!("skypact.keys/{name}"), &seed("authority")).unwrap(),
        }
    }

    /// Writes the key files of a node.
    pub fn write(&self, dir: &Path, name: &str, salt: &str) {
        fs::create_dir_all(dir).unwrap();
        let seed = |what: &str| Hash32::of(format!("{what} {name} {salt}").as_bytes()).to_string() + "\n";
        private(&dir.join("log.key"), &seed("log"));
        private(&dir.join("cosign.key"), &seed("cosign"));
        private(&dir.join("pseudonym.key"), &seed("pseudonym"));
        private(&dir.join("tls.key.pem"), &self.tls.serialize_pem());
    }

    /// Writes the authority key's file, which a node never sees.
    pub fn write_authority(path: &Path, name: &str, salt: &str) {
        private(path, &(Hash32::of(format!("authority {name} {salt}").as_bytes()).to_string() + "\n"));
    }
}

fn private(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The folders, and the network that leads to `south`.
pub struct World {
    pub dir: tempfile::TempDir,
    pub secrets: BTreeMap<&'static str, Secrets>,
    pub proxy: Proxy,
    pub spec: Spec,
    /// Auditors and witnesses of the pact.
    pub oversight: pact::Oversight,
    /// Whether its nodes show each other checkpoints.
    pub shared: bool,
    /// How far each party's clock is off, s.
    pub off_s: BTreeMap<&'static str, i64>,
    /// Rates of the pact; the defaults where it has none.
    pub rates: BTreeMap<pact::RateOf, pact::Rate>,
    origin_ms: i64,
}

impl World {
    /// Makes keys, a pact that all signed, configurations and traffic.
    pub fn new(spec: Spec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let secrets = spec.names.iter().map(|name| (*name, Secrets::new(name, ""))).collect();
        let world = Self {
            dir,
            secrets,
            proxy: Proxy::new(),
            spec,
            oversight: Default::default(),
            shared: false,
            off_s: BTreeMap::new(),
            rates: BTreeMap::new(),
            origin_ms,
        };
        for (n, name) in world.spec.names.iter().enumerate() {
            world.secrets[name].write(&world.home(name).join("keys"), name, "");
            world.write_pact(name, world.pact());
            fs::write(world.home(name).join("skypact.toml"), world.config(name)).unwrap();
            fs::write(world.home(name).join("traffic.csv"), world.traffic(n as u32)).unwrap();
        }
        world
    }

    /// What the exercise's clock shows now.
    pub fn now(&self) -> Utc {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64 - self.origin_ms;
        Utc(START_S * 1000 + (passed as f64 * self.spec.rate) as i64)
    }

    /// Folder of a party.
    pub fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The pact of all parties.
    pub fn pact(&self) -> Pact {
        let parties = self.secrets.iter().map(|(name, secrets)| pact::Party {
            id: PartyId::parse(name).unwrap(),
            name: format!("Party {name}"),
            log_key: secrets.log.verifier().clone(),
            cosign_key: secrets.cosign.verifier().clone(),
            tls_spki_sha256: Hash32::of(&secrets.tls.subject_public_key_info()),
            authority_key: Some(secrets.authority.verifier().clone()),
            desk: String::from("a test: no voice line"),
        });
        Pact {
            parties: parties.collect(),
            area: Outline::Circle { centre: Vertex::from_degrees(46.9, 8.3).unwrap(), radius_mm: 1_000 * NM_MM },
            lower: Limit::Unlimited,
            upper: Limit::At(Altitude::Known(Height::from_feet(66_000), Reference::Pressure)),
            valid_from: Utc((START_S - 86_400) * 1000),
            valid_until: Utc((START_S + 30 * 86_400) * 1000),
            default_minima: Minima { lateral_mm: 5 * NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 },
            pairs: Vec::new(),
            alarm_horizon_ms: 120_000,
            notice_s: BTreeMap::new(),
            acknowledge_s: [14_400, 1_800, 300, 60],
            mode: Mode::Exercise("test".into()),
            checkpoint_busy_ms: 100,
            checkpoint_idle_ms: 1000,
            clock_warn_ms: 60_000,
            clock_refuse_ms: 600_000,
            checkpoints_shared: self.shared,
            rates: self.rates.clone(),
            padding: None,
            oversight: self.oversight.clone(),
        }
    }

    /// Signs a pact by all and gives it to one party.
    pub fn write_pact(&self, name: &str, pact: Pact) {
        let mut signed = SignedPact::unsigned(pact).unwrap();
        for secrets in self.secrets.values() {
            signed.sign(&secrets.log).unwrap();
        }
        fs::write(self.home(name).join("test.pact"), signed.to_bytes()).unwrap();
    }

    /// A party's configuration.
    pub fn config(&self, name: &str) -> String {
        let at = |s_ms: i64| jiff::Timestamp::from_millisecond(s_ms).unwrap().to_string();
        let mut text = format!(
            "party = \"{name}\"\nmode = \"exercise:test\"\npacts = [\"test.pact\"]\n\n\
             [serve]\napi = \"127.0.0.1:0\"\nlink = \"127.0.0.1:0\"\n\n\
             [clock]\nstart = \"{}\"\norigin = \"{}\"\nrate = {:?}\n\n[journal]\n{}",
            at((START_S + self.off_s.get(name).copied().unwrap_or(0)) * 1000),
            at(self.origin_ms),
            self.spec.rate,
            self.spec.journal
        );
        for peer in self.spec.names.iter().filter(|peer| **peer != name) {
            write!(text, "\n[[peer]]\nparty = \"{peer}\"\naddress = \"{}\"\n", self.proxy.address).unwrap();
            for class in ["tracks", "plans"] {
                write!(text, "\n[[release]]\nto = \"{peer}\"\nclass = \"{class}\"\nlevel = \"full\"\n").unwrap();
            }
        }
        text.push_str(
            "\n[[feed]]\nname = \"traffic\"\nformat = \"states-csv\"\nsource = \"traffic.csv\"\nclaim = \"own\"\nclass = \"civil\"\n",
        );
        text
    }

    /// Straight flights, far apart.
    fn traffic(&self, party: u32) -> String {
        let mut text = String::from("t_unix_s,icao24,callsign,lat_deg,lon_deg,alt_baro_ft,gs_kt,track_deg,vs_fpm\n");
        for t in (0..self.spec.length_s).step_by(if self.spec.rate > 2.0 { 5 } else { 1 }) {
            for n in 0..self.spec.aircraft {
                let lat = 42.0 + f64::from(n) * 0.5 + f64::from(party) * 0.2;
                // 400 kt eastwards.
                let lon = 5.0 + t as f64 * 400.0 / 3600.0 / 60.0 / lat.to_radians().cos();
                let (id, level) = (0x4b_0000 + party * 0x1000 + n, 20_000 + 1000 * (n % 10));
                writeln!(text, "{},{id:06x},T{party}X{n},{lat:.6},{lon:.6},{level},400.0,90.0,0", START_S + t).unwrap();
            }
        }
        text
    }

    /// Starts a party's node; the network leads to `south`.
    #[track_caller]
    pub fn start(&self, name: &str) -> Node {
        let node = Node::start(&self.home(name));
        if name == "south" {
            self.proxy.lead_to(&node.link);
        }
        node
    }

    /// Starts a node that must not start: how it ended and what it said.
    #[track_caller]
    pub fn refused(&self, name: &str) -> NotStarted {
        match Node::try_start(&self.home(name)) {
            Ok(_) => panic!("the node of {name} started"),
            Err(not) => NotStarted { said: super::node::unquoted(&not.said), ..not },
        }
    }
}

/// Waits until two nodes' link is up on both sides.
#[track_caller]
pub fn link_up(north: &Node, south: &Node) {
    let up = |node: &Node, peer: &str| node.peer(peer)["link"] == "up";
    super::eventually("the link is up on both sides", 25, || (up(north, "south") && up(south, "north")).then_some(()));
}
