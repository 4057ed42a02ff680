//! Release rules as the configuration writes them, with units that people use.
use anyhow::{Context, Result, bail, ensure};
use pact::SignedPact;
use record::PartyId;
use release::{Area, Daily, Identity, Level, MARKINGS_MAX, Marking, Policy, RecordClass, Rule, When};
use serde::Deserialize;
use units::{AircraftClass, Position};

/// One `[[release]]` table. The first rule that matches wins; without one nothing is released.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// To whom.
    pub to: String,
    /// `tracks`, `plans`, `sites` or `conflicts`.
    pub class: String,
    /// Only this class of aircraft.
    pub aircraft: Option<String>,
    /// Only in this box: south, west, north, east, degrees.
    pub r#box: Option<[f64; 4]>,
    /// Only in this circle: latitude, longitude (degrees), radius (NM).
    pub circle: Option<[f64; 3]>,
    /// `withheld`, `avoid-area`, `coarse`, `reduced` or `full`.
    pub level: String,
    /// Of `reduced`: radius within which the aircraft was, metres.
    pub precision_m: Option<u32>,
    /// Of `reduced`: delay, seconds.
    pub delay_s: Option<u32>,
    /// Of `reduced`: `drop`, `pseudonym` or `keep`.
    pub identity: Option<String>,
    /// Only from then on, RFC 3339.
    pub from: Option<String>,
    /// Only before then, RFC 3339.
    pub until: Option<String>,
    /// Only at these hours of each day, UTC: `22:00-05:30`.
    pub daily: Option<String>,
    /// Only what bears this marking, one of `markings`.
    pub marking: Option<String>,
    /// Of tracks in full or reduced: at most one report of a track in this time, seconds.
    pub every_s: Option<u32>,
    /// Of `coarse` and `avoid-area`: size of a cell, degrees of latitude.
    pub cell_deg: Option<f64>,
    /// Of `coarse` and `avoid-area`: length of a time bin, seconds.
    pub bin_s: Option<u32>,
}

/// The policy of all rules of a configuration.
pub fn policy(rules: &[RuleText]) -> Result<Policy> {
    let mut policy = Policy { revision: 1, ..Policy::default() };
    for (n, text) in rules.iter().enumerate() {
        let (to, rule) = text.rule().with_context(|| format!("release rule {}", n + 1))?;
        policy.rules.entry(to).or_default().push(rule);
    }
    policy.check().map_err(|e| anyhow::anyhow!("release: {e}"))?;
    Ok(policy)
}

/// Every rule is for a peer under one of the pacts: a misspelt name would let nothing out, and say nothing.
pub fn check_parties(rules: &[RuleText], own: &PartyId, pacts: &[SignedPact]) -> Result<()> {
    let mut peers: Vec<&str> =
        pacts.iter().flat_map(|p| &p.pact().parties).filter(|p| p.id != *own).map(|p| p.id.as_str()).collect();
    peers.sort_unstable();
    for (n, rule) in rules.iter().enumerate() {
        let known = if peers.is_empty() { String::from("there is no pact") } else { peers.join(", ") };
        ensure!(
            peers.contains(&rule.to.as_str()),
            "release rule {}: {:?} is no peer under a pact of this node ({known})",
            n + 1,
            rule.to
        );
    }
    Ok(())
}

impl RuleText {
    fn rule(&self) -> Result<(PartyId, Rule)> {
        let to = PartyId::parse(&self.to)?;
        let class = RecordClass::parse(&self.class);
        let Some(class) = class else {
            bail!("unknown class {:?}; one of {}", self.class, RecordClass::ALL.map(RecordClass::name).join(", "))
        };
        let aircraft = match &self.aircraft {
            None => None,
            Some(name) => Some(AircraftClass::parse(name).with_context(|| format!("unknown aircraft class {name:?}"))?),
        };
        let marking = match &self.marking {
            None => None,
            Some(word) => Some(marking(word)?),
        };
        let every_ms = self.every_s.map(|s| s.saturating_mul(1000));
        let (area, level, when) = (self.area()?, self.level()?, self.when()?);
        Ok((to, Rule { class, aircraft, area, level, when, marking, every_ms }))
    }

    fn when(&self) -> Result<Option<When>> {
        let time = |text: &Option<String>| {
            text.as_deref().map(crate::clock::parse_rfc3339).transpose().map_err(|e| anyhow::anyhow!(e))
        };
        let (from, until) = (time(&self.from).context("from")?, time(&self.until).context("until")?);
        let daily = match &self.daily {
            None => None,
            Some(text) => Some(hours(text).with_context(|| format!("daily: {text:?} is not like 22:00-05:30"))?),
        };
        let when = When { from, until, daily };
        Ok((when != When::default()).then_some(when))
    }

    fn area(&self) -> Result<Option<Area>> {
        let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
        match (self.r#box, self.circle) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => bail!("a rule has a box or a circle, not both"),
            (Some([south, west, north, east]), None) => {
                Position::from_degrees(south, west).and(Position::from_degrees(north, east))?;
                Ok(Some(Area::Box { south_e7: e7(south), west_e7: e7(west), north_e7: e7(north), east_e7: e7(east) }))
            }
            (None, Some([lat, lon, radius])) => {
                let centre = Position::from_degrees(lat, lon)?;
                Ok(Some(Area::Circle { centre, radius_mm: (radius * units::NM_MM as f64).round() as i64 }))
            }
        }
    }

    fn level(&self) -> Result<Level> {
        let cells = || -> Result<(u32, u32)> {
            let cell = self.cell_deg.context("this level needs cell_deg")?;
            let bin = self.bin_s.context("this level needs bin_s")?;
            ensure!(cell > 0.0 && cell <= 10.0, "cell_deg: {cell} is not above 0 and at most 10");
            Ok(((cell * 1e7).round() as u32, bin.saturating_mul(1000)))
        };
        let reduced = self.precision_m.is_some() || self.delay_s.is_some() || self.identity.is_some();
        let celled = self.cell_deg.is_some() || self.bin_s.is_some();
        ensure!(!reduced || self.level == "reduced", "precision_m, delay_s and identity belong to level \"reduced\"");
        ensure!(
            !celled || matches!(self.level.as_str(), "coarse" | "avoid-area"),
            "cell_deg and bin_s belong to \"coarse\" and \"avoid-area\""
        );
        Ok(match self.level.as_str() {
            "withheld" => Level::Withheld,
            "full" => Level::Full,
            "avoid-area" => cells().map(|(cell_e7, bin_ms)| Level::AvoidArea { cell_e7, bin_ms })?,
            "coarse" => cells().map(|(cell_e7, bin_ms)| Level::Coarse { cell_e7, bin_ms })?,
            "reduced" => Level::Reduced {
                precision_mm: self.precision_m.unwrap_or(0).saturating_mul(1000),
                delay_ms: self.delay_s.unwrap_or(0).saturating_mul(1000),
                identity: match self.identity.as_deref() {
                    None | Some("drop") => Identity::Drop,
                    Some("pseudonym") => Identity::Pseudonym,
                    Some("keep") => Identity::Keep,
                    Some(other) => bail!("unknown identity {other:?}; one of drop, pseudonym, keep"),
                },
            },
            other => bail!("unknown level {other:?}; one of withheld, avoid-area, coarse, reduced, full"),
        })
    }
}

/// A marking, as people write it.
pub fn marking(word: &str) -> Result<Marking> {
    Marking::parse(word).with_context(|| format!("{word:?} is no marking: 1 to 16 of a-z, 0-9 and -"))
}

/// Every marking that a rule or a feed names is on the list: a misspelt one would never match.
pub fn check_markings(config: &crate::config::Config) -> Result<Vec<Marking>> {
    let listed = config.markings.iter().map(|word| marking(word)).collect::<Result<Vec<_>>>().context("markings")?;
    ensure!(listed.len() <= MARKINGS_MAX, "markings: {} of them, at most {MARKINGS_MAX}", listed.len());
    let used = config.release.iter().filter_map(|r| r.marking.as_ref());
    let of_intents = config.f3548.as_ref().and_then(|f3548| f3548.plans_marking.as_ref());
    for word in used.chain(config.feed.iter().filter_map(|f| f.marking.as_ref())).chain(of_intents) {
        let known = config.markings.contains(word);
        ensure!(known, "{word:?} is not one of markings = [{}]", config.markings.join(", "));
    }
    Ok(listed)
}

/// The marking of the plans that traffic services' intents become.
pub fn plans_marking(config: &crate::config::Config) -> Result<Option<Marking>> {
    let word = config.f3548.as_ref().and_then(|f3548| f3548.plans_marking.as_deref());
    word.map(marking).transpose().context("f3548.plans_marking")
}

/// Hours of a day.
fn hours(text: &str) -> Option<Daily> {
    let clock = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let (from, until) = text.split_once('-')?;
    Some(Daily { from_min: clock(from)?, until_min: clock(until)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_none_is_named() {
        let table = [
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"", ""),
            ("to=\"South\"\nclass=\"tracks\"\nlevel=\"full\"", "not a party name"),
            ("to=\"south\"\nclass=\"track\"\nlevel=\"full\"", "unknown class \"track\""),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"\ndaily=\"22:00-05:30\"\nevery_s=5\nmarking=\"vip\"", ""),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"\ndaily=\"22-05\"", "is not like 22:00-05:30"),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"\ndaily=\"05:00-05:00\"", "minutes of the day"),
            ("to=\"south\"\nclass=\"plans\"\nlevel=\"full\"\nevery_s=5", "have a rate"),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"\nmarking=\"V P\"", "is no marking"),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"all\"", "unknown level \"all\""),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"coarse\"", "needs cell_deg"),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"\nprecision_m=5", "belong to level \"reduced\""),
            ("to=\"south\"\nclass=\"tracks\"\nlevel=\"full\"\nbox=[91.0,0.0,0.0,0.0]", "not a position"),
        ];
        for (text, wanted) in table {
            let rule: RuleText = toml::from_str(text).unwrap();
            let got = policy(&[rule]).err().map(|e| format!("{e:#}")).unwrap_or_default();
            assert!(got.contains(wanted) && (got.is_empty() == wanted.is_empty()), "{text:?}: {got:?}");
        }
    }
}
