//! Where own aircraft are going: the levels that they are cleared to, and the corridors of the plans that they fly. A conflict that
//! they meet on their way is one; a conflict that is there only if they go on as they do is a caution, until its minima are lost.
//! What peers say of their own intentions takes no conflict away, and is not asked.
use crate::command::{Answer, Done, Refused};
use crate::naming::{ByName, Name};
use crate::picture::SystemTrack;
use crate::state::State;
use airspace::{Outline, Plan, PlanState};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use detect::{Encounter, Known, Path, Verdict, path_path};
use minicbor::{Decode, Encode};
use units::{Altitude, Height, Now, Reference, Utc, Vertex};

/// Cleared levels at once, of 100 B; and own tracks of which something is known.
const CLEARED_MAX: usize = 1_000;
/// Longest time of one, milliseconds: a level is flown for hours, not for days.
const CLEARED_MAX_MS: i64 = 24 * 3600 * 1000;
/// Points of one route: with 1,000 tracks 1.6 MB.
const POINTS_MAX: usize = 100;

/// A level that a flight is cleared to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cleared {
    /// The level.
    #[n(0)]
    pub level: Height,
    /// Its reference: pressure or WGS-84.
    #[n(1)]
    pub reference: Reference,
    /// Who entered it.
    #[n(2)]
    pub by: String,
    /// Not used after.
    #[n(3)]
    pub until: Utc,
}

/// How a conflict stands to where two aircraft are going.
pub(crate) enum Way {
    /// Nothing is known: as found in straight lines.
    Straight,
    /// They meet on their way, in these words.
    Along(Encounter, String),
    /// They do not meet on it.
    Apart(String),
}

impl State {
    /// Enters the level that a flight is cleared to, or takes it away.
    pub(crate) fn set_cleared(
        &mut self,
        actor: &str,
        flight: &str,
        level: Option<Altitude>,
        until: Utc,
        now: Now,
    ) -> Answer {
        let invalid = |field: &str, reason: &str| Refused::Invalid { field: field.into(), reason: reason.into() };
        let name = flight.trim().to_ascii_uppercase();
        if name.is_empty() || name.len() > 16 {
            return Err(invalid("flight", "is a callsign or a 24-bit address"));
        }
        let Some(level) = level else {
            let was = self.alerting.cleared.remove(&name);
            return was.map(|_| Done::Ok).ok_or(Refused::NoSuch { what: "cleared level".into(), given: flight.into() });
        };
        let Altitude::Known(height, reference @ (Reference::Pressure | Reference::Wgs84)) = level else {
            return Err(invalid("level", "must be a pressure altitude or a height above WGS-84"));
        };
        if until <= now.utc || until.since_ms(now.utc) > CLEARED_MAX_MS {
            return Err(invalid("until", "must be ahead, by at most 24 hours"));
        }
        if self.alerting.cleared.len() >= CLEARED_MAX && !self.alerting.cleared.contains_key(&name) {
            return Err(Refused::Full { what: "the list of cleared levels".into(), max: CLEARED_MAX as u64 });
        }
        self.alerting.cleared.insert(name, Cleared { level: height, reference, by: actor.into(), until });
        self.know(now);
        Ok(Done::Ok)
    }

    /// Cleared levels in force, by flight.
    pub fn cleared(&self) -> impl Iterator<Item = (&str, &Cleared)> {
        self.alerting.cleared.iter().map(|(name, cleared)| (name.as_str(), cleared))
    }

    /// Once a second, and when a level is entered: what is known of own tracks.
    pub(crate) fn know(&mut self, now: Now) {
        self.alerting.cleared.retain(|_, cleared| cleared.until > now.utc);
        let routes = self.routes(now.utc);
        let routes: Vec<(Name, Vec<Vertex>)> = routes.into_iter().collect();
        let by_name = ByName::of(routes.iter().map(|(name, _)| name));
        let mut known = BTreeMap::new();
        if self.alerting.cleared.is_empty() && routes.is_empty() {
            self.alerting.known = known;
            return;
        }
        for track in self.picture.iter().filter(|track| track.is_own() && self.flies_alone(track)) {
            let address = track.address.map(|address| address.to_string().to_ascii_uppercase());
            let names = [Some(crate::situation::label(track).to_ascii_uppercase()), address];
            let cleared = names.iter().flatten().find_map(|name| self.alerting.cleared.get(name));
            let level = cleared.map(|cleared| (cleared.level, cleared.reference));
            let name = Name::of_track(track);
            let mine = by_name.either(&name).into_iter().map(|place| &routes[place]).filter(|(of, _)| of.is_for(&name));
            // Rather the plan that names its address.
            let route = mine.min_by_key(|(of, _)| of.address.is_none()).map(|(_, route)| route.clone());
            if level.is_some() || route.is_some() {
                known.insert(track.id, Known { level, route: route.unwrap_or_default() });
            }
            if known.len() >= CLEARED_MAX {
                break;
            }
        }
        self.alerting.known = known;
    }

    /// The lines through the corridors of own plans that are flown now, by whom they name; of several the first.
    fn routes(&self, now: Utc) -> BTreeMap<Name, Vec<Vertex>> {
        let own = self.plans.iter().filter(|((owner, _), _)| Some(owner) == self.party());
        let flown = own.map(|(_, filed)| &filed.value).filter(|plan| plan.state == PlanState::Activated);
        let route = |plan: &'_ Plan| {
            let mut points: Vec<Vertex> = Vec::new();
            for volume in plan.volumes.iter().filter(|volume| volume.end >= now) {
                if let Outline::Corridor { points: of, .. } = &volume.outline {
                    points.extend(of);
                }
            }
            points.dedup();
            points.truncate(POINTS_MAX);
            points
        };
        let mut routes = BTreeMap::new();
        for plan in flown {
            let route = route(plan);
            if route.len() > 1 {
                routes.entry(Name::of_plan(plan)).or_insert(route);
            }
        }
        routes
    }

    /// How two tracks meet on their way, if anything is known of it.
    pub(crate) fn on_their_way(&self, a: &SystemTrack, b: &SystemTrack, now: Now) -> Way {
        let known = (self.alerting.known.get(&a.id), self.alerting.known.get(&b.id));
        if known == (None, None) {
            return Way::Straight;
        }
        let minima = self.sky.minima().get(a.class(), b.class());
        let horizon_s = minima.horizon_ms as f64 / 1000.0;
        let path = |track: &SystemTrack, known: Option<&Known>| {
            let state = self.kinematics_of(track, now.utc);
            known.map_or_else(|| Path::straight(&state), |known| Path::of(&state, known, horizon_s))
        };
        let (pa, pb) = (path(a, known.0), path(b, known.1));
        let words: Vec<String> = [(a, &pa), (b, &pb)]
            .iter()
            .filter(|(_, path)| path.intent() != detect::Intent::default())
            .map(|(track, path)| format!("{} {}", crate::situation::label(track), verb(path.intent())))
            .collect();
        if words.is_empty() {
            return Way::Straight;
        }
        match path_path(&pa, &pb, &minima) {
            Verdict::Conflict(encounter) => Way::Along(encounter, words.join(", ")),
            Verdict::Clear | Verdict::Unknown(_) => Way::Apart(words.join(", ")),
        }
    }

    /// Conflicts of a track with whom it meets on its way and not in a straight line.
    pub(crate) fn met_on_the_way(&self, id: u32, now: Now) -> Vec<(u32, Encounter)> {
        let Some(track) = self.picture.get(id).filter(|_| self.alerting.known.contains_key(&id)) else {
            return Vec::new();
        };
        // Its way once, as far ahead as any minima look; whom it may meet on it is then judged by its own.
        let widest = self.sky.minima().widest_of_all();
        let way = |track: &SystemTrack| {
            let state = self.kinematics_of(track, now.utc);
            let known = self.alerting.known.get(&track.id);
            known.map_or_else(
                || Path::straight(&state),
                |known| Path::of(&state, known, widest.horizon_ms as f64 / 1000.0),
            )
        };
        let own = way(track);
        let may_meet = |other: &SystemTrack| matches!(path_path(&own, &way(other), &widest), Verdict::Conflict(_));
        let meets = |other: u32| {
            let other = self.picture.get(other).filter(|other| may_meet(other))?;
            match self.on_their_way(track, other, now) {
                Way::Along(encounter, _) => Some((other.id, encounter)),
                Way::Straight | Way::Apart(_) => None,
            }
        };
        self.sky.in_reach(id, track.is_own(), now).into_iter().filter_map(meets).collect()
    }

    /// What a decision about two tracks rests on beside their reports.
    pub(crate) fn known_of(&self, id: u32) -> Known {
        self.alerting.known.get(&id).cloned().unwrap_or_default()
    }
}

fn verb(intent: detect::Intent) -> String {
    match (intent.route, intent.level) {
        (true, true) => "keeps to its plan and levels off",
        (true, false) => "keeps to its plan",
        (false, _) => "levels off",
    }
    .to_string()
}
