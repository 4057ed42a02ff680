//! What benchmarks of whole nodes work on: folders, keys, pacts, traffic, processes.
use crate::keys::{Keys, key_name};
use ::detect::scenario::{Family, SEED, reports};
use airspace::{Limit, Outline};
use anyhow::{Context, Result, anyhow};
use pact::{Minima, Pact, Padding, Party, SignedPact};
use record::{Hash32, Mode, PartyId};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use track::{Address, Callsign, TrackReport};
use units::{Height, Position, Utc, Vertex, earth};

/// A folder that is removed at the end, with those above it that were made for it.
pub struct Scratch(PathBuf, Vec<PathBuf>);

impl Scratch {
    /// Makes one below `dir`.
    pub fn new(dir: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!("skypact-bench-{}-{n}", std::process::id()));
        let above: Vec<PathBuf> =
            dir.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).map(Path::to_owned).collect();
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path, above))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("skypact: cannot remove {}: {error}", self.0.display());
        }
        for made in &self.1 {
            // Somebody else may have put something into it meanwhile: then it stays.
            let _stays = fs::remove_dir(made);
        }
    }
}

/// One party of a benchmark, in a folder of its own.
pub struct Home {
    /// Name.
    pub party: PartyId,
    /// Folder.
    pub dir: PathBuf,
    /// Secrets.
    pub keys: Keys,
}

impl Home {
    /// Makes folder and keys.
    pub fn new(dir: &Path, name: &str) -> Result<Self> {
        let (party, dir) = (PartyId::parse(name)?, dir.join(name));
        let keys = Keys::create(&dir.join("keys"))?;
        Ok(Self { party, dir, keys })
    }

    fn clause(&self) -> Result<Party> {
        let name = key_name(&self.party);
        Ok(Party {
            id: self.party.clone(),
            name: self.party.to_string(),
            log_key: self.keys.log_signer(&name)?.verifier().clone(),
            cosign_key: self.keys.cosigner(&name)?.verifier().clone(),
            tls_spki_sha256: Hash32(self.keys.tls_pin()),
            authority_key: None,
            desk: String::new(),
        })
    }

    /// Writes the configuration, with a receiver's file as feed. `peers` are names with the address to dial, if this side dials.
    pub fn write_config(
        &self,
        link: &str,
        peers: &[(&PartyId, Option<String>)],
        feed: Option<&str>,
    ) -> Result<PathBuf> {
        self.write_config_of(link, peers, feed.map(|source| ("aircraft-json", source)))
    }

    /// The same with a feed of any format.
    pub fn write_config_of(
        &self,
        link: &str,
        peers: &[(&PartyId, Option<String>)],
        feed: Option<(&str, &str)>,
    ) -> Result<PathBuf> {
        let pacts: Vec<String> = peers.iter().map(|(peer, _)| format!("\"{peer}.pact\"")).collect();
        let mut text = format!(
            "party = \"{}\"\nmode = \"live\"\npacts = [{}]\n[serve]\napi = \"127.0.0.1:0\"\nlink = \"{link}\"\n",
            self.party,
            pacts.join(", ")
        );
        for (peer, address) in peers {
            // Writing to a string cannot fail.
            let _ = write!(text, "[[peer]]\nparty = \"{peer}\"\n");
            if let Some(address) = address {
                let _ = writeln!(text, "address = \"{address}\"");
            }
            let _ = write!(text, "[[release]]\nto = \"{peer}\"\nclass = \"tracks\"\nlevel = \"full\"\n");
        }
        if let Some((format, source)) = feed {
            let _ = write!(
                text,
                "[[feed]]\nname = \"bench\"\nformat = \"{format}\"\nsource = \"{source}\"\nclaim = \"own\"\nclass = \"civil\"\n"
            );
        }
        let path = self.dir.join("skypact.toml");
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// Signs one pact between two parties and puts it into both folders.
pub fn agree(a: &Home, b: &Home) -> Result<SignedPact> {
    agree_padded(a, b, None)
}

/// The same with clause 19.
pub fn agree_padded(a: &Home, b: &Home, padding: Option<Padding>) -> Result<SignedPact> {
    let mut parties = vec![a.clause()?, b.clause()?];
    parties.sort_by(|x, y| x.id.cmp(&y.id));
    let pact = Pact {
        parties,
        area: Outline::Circle { centre: Vertex::from_degrees(48.0, 10.0)?, radius_mm: 900 * units::NM_MM },
        lower: Limit::Unlimited,
        upper: Limit::Unlimited,
        valid_from: Utc(1_500_000_000_000),
        valid_until: Utc(4_000_000_000_000),
        default_minima: Minima { lateral_mm: 5 * units::NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 },
        pairs: Vec::new(),
        alarm_horizon_ms: 60_000,
        notice_s: BTreeMap::new(),
        acknowledge_s: [14_400, 1800, 300, 60],
        mode: Mode::Live,
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 1000,
        clock_refuse_ms: 5000,
        checkpoints_shared: false,
        rates: BTreeMap::new(),
        padding,
        oversight: Default::default(),
    };
    let mut signed = SignedPact::unsigned(pact)?;
    for home in [a, b] {
        signed.sign(&home.keys.log_signer(&key_name(&home.party))?)?;
    }
    for (home, peer) in [(a, b), (b, a)] {
        fs::write(home.dir.join(format!("{}.pact", peer.party)), signed.to_bytes())?;
    }
    Ok(signed)
}

/// Aircraft of a scenario that fly on, each reporting once a second.
pub struct Traffic {
    family: Family,
    reports: Vec<TrackReport>,
}

impl Traffic {
    /// The first `n` of a family.
    pub fn new(family: Family, n: usize) -> Result<Self> {
        let one = |(i, mut r): (usize, TrackReport)| -> Result<TrackReport> {
            // Addresses of a block that is given to nobody.
            r.address = Address::icao(0xF0_0000 + i as u32);
            r.local = u64::from(r.address.context("an address")?.bits());
            r.callsign = Callsign::parse(&format!("BN{i}")).ok();
            Ok(r)
        };
        let reports = reports(family, n, SEED)?.into_iter().enumerate().map(one).collect::<Result<_>>()?;
        Ok(Self { family, reports })
    }

    /// Everyone's report of this moment, `seconds` after the one before.
    pub fn step(&mut self, at: Utc, seconds: f64) -> Result<&[TrackReport]> {
        for r in &mut self.reports {
            let metres = r.speed.map_or(0.0, units::Speed::mps) * seconds;
            let track = r.track.map_or(0.0, units::Angle::degrees);
            let (lat, lon) = earth::direct(r.position.lat(), r.position.lon(), track, metres);
            r.position = Position::from_degrees(lat, lon).map_err(|e| anyhow!("{e}"))?;
            r.at = at;
        }
        Ok(&self.reports)
    }

    /// The same as a document of a receiver.
    pub fn aircraft_json(&self, at: Utc) -> String {
        let mut out = format!("{{\"now\":{:.3},\"aircraft\":[", at.0 as f64 / 1000.0);
        for (n, r) in self.reports.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(
                out,
                "{comma}{{\"hex\":\"{:06x}\",\"flight\":\"{}\",\"lat\":{:.6},\"lon\":{:.6},\"alt_baro\":{:.0},\
                 \"gs\":{:.1},\"track\":{:.2},\"baro_rate\":{:.0},\"seen_pos\":0}}",
                r.local,
                r.callsign.map_or_else(String::new, |c| c.to_string()),
                r.position.lat(),
                r.position.lon(),
                r.pressure.map_or(0.0, Height::feet),
                r.speed.map_or(0.0, units::Speed::knots),
                r.track.map_or(0.0, units::Angle::degrees),
                r.vertical_rate.map_or(0.0, units::VerticalRate::fpm),
            );
        }
        out.push_str("]}");
        out
    }

    /// The same as lines of a receiver, each with all that it says at once; their time is that of their reception.
    pub fn sbs_lines(&self) -> Vec<String> {
        self.reports.iter().map(sbs_line).collect()
    }

    /// For a report's scenario line.
    pub fn words(&self) -> String {
        format!(
            "{} aircraft of the {} family, 450 kt, one report a second each",
            self.reports.len(),
            self.family.name()
        )
    }
}

/// One report as a line of a receiver (SBS).
pub fn sbs_line(r: &TrackReport) -> String {
    format!(
        "MSG,3,1,1,{:06X},1,,,,,{},{:.0},{:.1},{:.2},{:.6},{:.6},{:.0},,,,,0\n",
        r.local,
        r.callsign.map_or_else(String::new, |c| c.to_string()),
        r.pressure.map_or(0.0, Height::feet),
        r.speed.map_or(0.0, units::Speed::knots),
        r.track.map_or(0.0, units::Angle::degrees),
        r.position.lat(),
        r.position.lon(),
        r.vertical_rate.map_or(0.0, units::VerticalRate::fpm),
    )
}

/// Bytes in all files below a folder.
pub fn bytes_below(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(|e| e.ok());
    entries
        .map(|e| match e.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&e.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_flies_on_and_is_read_by_the_feed_as_it_was_written() {
        let mut traffic = Traffic::new(Family::Box, 50).unwrap();
        let before = traffic.step(Utc(1_700_000_000_000), 0.0).unwrap().to_vec();
        let after = traffic.step(Utc(1_700_000_010_000), 10.0).unwrap().to_vec();
        for (a, b) in before.iter().zip(&after) {
            let moved = earth::distance(a.position.lat(), a.position.lon(), b.position.lat(), b.position.lon());
            assert!((moved - 2315.0).abs() < 1.0, "450 kt for 10 s are 2315 m, not {moved}");
        }
        let document = traffic.aircraft_json(Utc(1_700_000_010_000));
        let mut decoder = modes::decoder(::feed::Format::AircraftJson);
        let mut batch = ::feed::Batch::default();
        decoder.push(document.as_bytes(), Utc(1_700_000_010_100), &mut batch);
        decoder.finish(Utc(1_700_000_010_100), &mut batch);
        assert_eq!((batch.reports.len(), batch.errors.len()), (50, 0), "{:?}", batch.errors.first());
        assert!(batch.reports.iter().all(|r| r.at == Utc(1_700_000_010_000)));
    }

    #[test]
    fn a_scratch_folder_goes_with_the_folders_made_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let asked = dir.path().join("a/b");
        let scratch = Scratch::new(&asked).unwrap();
        fs::write(scratch.path().join("x"), "x").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::create_dir(dir.path().join("a")).unwrap();
        drop(Scratch::new(&asked).unwrap());
        assert!(dir.path().join("a").is_dir() && !asked.exists(), "what was there stays");
    }

    #[test]
    fn a_world_is_one_that_a_node_accepts() {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let (a, b) = (Home::new(scratch.path(), "alpha").unwrap(), Home::new(scratch.path(), "beta").unwrap());
        assert!(agree(&a, &b).unwrap().missing().is_empty());
        let path = a.write_config("127.0.0.1:0", &[(&b.party, Some("127.0.0.1:1".into()))], Some("a.json")).unwrap();
        let loaded = crate::config::Loaded::read(&path).unwrap();
        assert_eq!((loaded.config.pacts.len(), loaded.config.feed.len(), loaded.config.release.len()), (1, 1, 1));
        crate::rules::policy(&loaded.config.release).unwrap();
        assert!(bytes_below(scratch.path()) > 1000);
    }
}
