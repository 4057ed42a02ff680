//! One party of the demonstration: its folder, its part of the pact, its process.
use super::scene::Scene;
use crate::clock::rfc3339;
use crate::keys::{Keys, key_name};
use airspace::{Limit, Outline};
use anyhow::{Context, Result, anyhow, bail};
use pact::{Minima, Pact, SignedPact};
use record::{Hash32, Mode, PartyId};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use units::{Altitude, Height, Reference, Utc, Vertex};

/// What the three nodes share.
pub struct Plan {
    /// What the exercise clock showed at `origin_utc_ms` of the machine's clock.
    pub start: Utc,
    /// Milliseconds since 1970 by the machine's clock.
    pub origin_utc_ms: i64,
    /// Times real time.
    pub rate: f64,
    /// Centre of the pact's area, degrees.
    pub centre: (f64, f64),
    /// Minima of the pact.
    pub minima: Minima,
    /// Ports: three consoles, three links.
    pub ports: [u16; 6],
}

/// One party.
pub struct Party {
    /// Name.
    pub name: String,
    /// Folder.
    pub dir: PathBuf,
    /// One-time sign-in link.
    pub sign_in: String,
    /// Address of the API.
    pub api: String,
    /// Token of the operator in this run.
    pub token: String,
    child: Option<Child>,
}

/// Name, title, class of aircraft, release rules.
const PARTIES: [(&str, &str, &str, &str); 3] = [
    ("civil", "Civil Traffic Management", "civil", CIVIL_RULES),
    ("north", "Northern Air Operations", "military", NORTH_RULES),
    ("south", "Southern Air Operations", "military", SOUTH_RULES),
];

/// Order in which they are shown: the two that do not trust each other first.
const SHOWN: [&str; 3] = ["north", "south", "civil"];

const CIVIL_RULES: &str = r#"
# Civil traffic is known to all.
[[release]]
to = "north"
class = "tracks"
level = "full"

[[release]]
to = "south"
class = "tracks"
level = "full"
"#;

const NORTH_RULES: &str = r#"
# To the civil side: everything, with identity.
[[release]]
to = "civil"
class = "tracks"
level = "full"

# To the south: where and how fast, to 200 m, under pseudonyms.
[[release]]
to = "south"
class = "tracks"
level = "reduced"
precision_m = 200
identity = "pseudonym"
"#;

const SOUTH_RULES: &str = r#"
[[release]]
to = "civil"
class = "tracks"
level = "reduced"
precision_m = 100
identity = "keep"

[[release]]
to = "north"
class = "tracks"
level = "reduced"
precision_m = 500
identity = "drop"
"#;

/// Makes keys, pact and configurations; every party signs.
pub fn create(dir: &Path, scene: &Scene, plan: &Plan) -> Result<Vec<Party>> {
    let mut keys = BTreeMap::new();
    for (name, ..) in PARTIES {
        keys.insert(name, Keys::create(&dir.join(name).join("keys"))?);
    }
    let pact = sign(&keys, plan)?;
    for (n, (name, _, class, rules)) in PARTIES.iter().enumerate() {
        let home = dir.join(name);
        std::fs::write(home.join("demo.pact"), pact.to_bytes())?;
        std::fs::write(home.join("skypact.toml"), config(scene, plan, n, name, class, rules)?)?;
    }
    let party = |name: &str| Party {
        name: name.to_string(),
        dir: dir.join(name),
        sign_in: String::new(),
        api: String::new(),
        token: String::new(),
        child: None,
    };
    Ok(SHOWN.iter().map(|name| party(name)).collect())
}

fn sign(keys: &BTreeMap<&str, Keys>, plan: &Plan) -> Result<SignedPact> {
    let mut parties = Vec::new();
    for (name, title, ..) in PARTIES {
        let (id, keys) = (PartyId::parse(name)?, &keys[name]);
        parties.push(pact::Party {
            log_key: keys.log_signer(&key_name(&id))?.verifier().clone(),
            cosign_key: keys.cosigner(&key_name(&id))?.verifier().clone(),
            tls_spki_sha256: Hash32(keys.tls_pin()),
            authority_key: None,
            name: title.to_string(),
            desk: "demonstration: no voice line".to_string(),
            id,
        });
    }
    let second = |utc: Utc| Utc(utc.0.div_euclid(1000) * 1000);
    let centre = Vertex::from_degrees(plan.centre.0, plan.centre.1).map_err(|e| anyhow!("{e}"))?;
    let pact = Pact {
        parties,
        area: Outline::Circle { centre, radius_mm: 1_000 * units::NM_MM },
        lower: Limit::Unlimited,
        upper: Limit::At(Altitude::Known(Height::from_feet(66_000), Reference::Pressure)),
        valid_from: second(plan.start.plus_ms(-86_400_000)),
        valid_until: second(plan.start.plus_ms(30 * 86_400_000)),
        default_minima: plan.minima,
        pairs: Vec::new(),
        alarm_horizon_ms: 120_000,
        notice_s: BTreeMap::new(),
        acknowledge_s: [14_400, 1_800, 300, 60],
        mode: Mode::Exercise("demo".into()),
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 60_000,
        clock_refuse_ms: 600_000,
        checkpoints_shared: true,
        rates: BTreeMap::new(),
        padding: None,
        oversight: Default::default(),
    };
    let mut signed = SignedPact::unsigned(pact)?;
    for (name, ..) in PARTIES {
        signed.sign(&keys[name].log_signer(&key_name(&PartyId::parse(name)?))?)?;
    }
    Ok(signed)
}

fn config(scene: &Scene, plan: &Plan, n: usize, name: &str, class: &str, rules: &str) -> Result<String> {
    let mut text = format!(
        "# Written by `skypact demo`.\nparty = \"{name}\"\nmode = \"exercise:demo\"\npacts = [\"demo.pact\"]\n\n\
         [serve]\napi = \"127.0.0.1:{}\"\nlink = \"127.0.0.1:{}\"\n\n\
         [clock]\nstart = \"{}\"\norigin = \"{}\"\nrate = {:?}\n\n[journal]\nreserve_mib = 64\nsnapshot_s = 20\n",
        plan.ports[n],
        plan.ports[3 + n],
        rfc3339(plan.start),
        rfc3339(Utc(plan.origin_utc_ms)),
        plan.rate,
    );
    for (m, (peer, ..)) in PARTIES.iter().enumerate().filter(|(m, _)| *m != n) {
        write!(text, "\n[[peer]]\nparty = \"{peer}\"\naddress = \"127.0.0.1:{}\"\n", plan.ports[3 + m])?;
    }
    let feed = scene.feed(n);
    write!(
        text,
        "\n[[feed]]\nname = \"traffic\"\nformat = \"{}\"\nsource = {:?}\nclaim = \"own\"\nclass = \"{class}\"\n",
        feed.format, feed.source
    )?;
    if let Some([part, parts]) = feed.share {
        writeln!(text, "share = [{part}, {parts}]")?;
    }
    text.push_str(rules);
    Ok(text)
}

impl Party {
    /// Starts the node's process and waits for its first line.
    pub fn start(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("node.log"))?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .args(["--config", "skypact.toml", "--json", "--stop-with-stdin", "--sign-in", "officer=officer"])
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the node")?;
        let stdout = child.stdout.take().ok_or_else(|| anyhow!("no output"))?;
        self.child = Some(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.is_empty() {
            bail!("it ended before it was ready:\n{}", self.log_tail());
        }
        let ready: serde_json::Value = serde_json::from_str(&line).context("its first line")?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
        self.sign_in = text(&ready["sign_in"][0]["url"]);
        self.api = text(&ready["api"]);
        self.token = std::fs::read_to_string(self.dir.join("data/run/token"))?;
        Ok(())
    }

    /// Whether its node was started and not stopped.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Fails if the process has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(child) = &mut self.child
            && let Some(status) = child.try_wait()?
        {
            bail!("the node of {} has ended ({status}):\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Ends the process in an orderly way: it stops when its standard input closes.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        drop(child.stdin.take());
        for _ in 0..200 {
            if let Some(status) = child.try_wait()? {
                if !status.success() {
                    bail!("the node of {} ended with {status}:\n{}", self.name, self.log_tail());
                }
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        child.kill()?;
        child.wait()?;
        bail!("the node of {} did not stop within 10 s and was killed", self.name)
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.dir.join("node.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // On an error path: closing standard input ends the node; nobody is left to wait for it.
        self.child.take();
    }
}
