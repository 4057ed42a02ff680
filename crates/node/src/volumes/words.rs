//! Sentences about volumes, for planners and officers.
use super::{Kind, Meets, Nearing, Thing};
use crate::state::State;
use airspace::Limit;
use alloc::format;
use alloc::string::{String, ToString};
use record::SubjectId;
use units::{Altitude, Height, Reference, Utc};

impl Meets {
    pub(super) fn text(&self, state: &State, own: &Thing, other: &Thing) -> (String, Utc) {
        let verb = if self.certain { "meet" } else { "touch" };
        let mut text = format!("{} and {} {verb}", name(state, own), name(state, other));
        if !self.first.vertical_unknown {
            text += &format!(", {} to {}", limit(self.first.lower, "ground"), limit(self.first.upper, "unlimited"));
        }
        text += &format!(", {} to {}", clock(self.first.from), clock(self.first.to));
        if self.places > 1 {
            text += &format!(", and in {} more places until {}", self.places - 1, clock(self.until));
        }
        if self.too_large {
            text += "; they are too large to be compared in full";
        } else if self.first.vertical_unknown {
            text += "; their levels cannot be compared";
        }
        (text, self.until)
    }
}

impl Nearing {
    pub(super) fn text(&self, state: &State, own: &Thing, other: &Thing) -> (String, Utc) {
        let (plan, site) = if own.kind == Kind::Site { (other, own) } else { (own, other) };
        let place = if self.distance_m > 0.0 {
            format!("comes within {:.0} m of", self.distance_m)
        } else {
            "leads over".to_string()
        };
        let (plan, site) = (name(state, plan), name(state, site));
        (format!("{plan} {place} {site}, {} to {}", clock(self.from), clock(self.until)), self.until)
    }
}

/// As much of a traffic service's name as a sentence has room for.
const USS_CHARS: usize = 32;

/// What people call a thing: callsign or name, else the beginning of its subject; and whose it is, unless ours.
pub(super) fn name(state: &State, thing: &Thing) -> String {
    let given = match thing.kind {
        Kind::Plan => state.plans.get(&thing.key()).and_then(|f| f.value.callsign.clone()),
        Kind::Avoid => None,
        Kind::Site => state.sites.get(&thing.key()).and_then(|f| f.value.name.clone()),
        Kind::Notice => super::notice_of(state, thing).map(|item| item.notice.class.name().to_string()),
    };
    let what = match thing.kind {
        Kind::Plan => "plan",
        Kind::Avoid => "avoid area",
        Kind::Site => "protected site",
        Kind::Notice => "notice",
    };
    let own = Some(&thing.owner) == state.party();
    let uss = Some(thing).filter(|thing| own && thing.kind == Kind::Plan).and_then(|t| state.filing.uss_of(t.subject));
    let whose = match uss {
        Some(uss) => format!(" of {}", uss.chars().take(USS_CHARS).collect::<String>()),
        None if own => String::new(),
        None => format!(" of {}", thing.owner),
    };
    format!("{what} {}{whose}", given.unwrap_or_else(|| short(thing.subject)))
}

fn short(subject: SubjectId) -> String {
    subject.to_string().chars().take(8).collect()
}

fn limit(limit: Limit, none: &str) -> String {
    match limit {
        Limit::Unlimited => none.to_string(),
        Limit::At(Altitude::Unknown) => "an unknown level".to_string(),
        Limit::At(Altitude::Known(height, reference)) => {
            let feet = libm::round(height.feet());
            match reference {
                Reference::Pressure if height.0 % (100 * Height::PER_FOOT) == 0 => {
                    format!("FL{:03}", height.0 / (100 * Height::PER_FOOT))
                }
                Reference::Pressure => format!("{feet} ft standard pressure"),
                Reference::Msl => format!("{feet} ft MSL"),
                Reference::Wgs84 => format!("{feet} ft WGS-84"),
                Reference::Agl => format!("{feet} ft AGL"),
            }
        }
    }
}

/// A date-time group as desks write it: day of the month, hour, minute (`011420Z`).
fn clock(at: Utc) -> String {
    let minutes = at.0.div_euclid(60_000);
    let (hour, minute) = (minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60));
    format!("{:02}{hour:02}{minute:02}Z", day_of_month(minutes.div_euclid(1440)))
}

/// Day of the month of a day since 1970-01-01, proleptic Gregorian. Years begin in March, so that the leap day is last.
fn day_of_month(days: i64) -> i64 {
    let day_of_era = (days + 719_468).rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    day_of_year - (153 * month + 2) / 5 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_levels_are_written_as_desks_write_them() {
        for (ms, want) in [
            (0, "010000Z"),
            (1_533_102_470_000, "010547Z"),
            (1_709_251_199_999, "292359Z"),
            (951_782_400_000, "290000Z"),
            (-60_000, "312359Z"),
        ] {
            assert_eq!(clock(Utc(ms)), want, "{ms}");
        }
        assert_eq!(limit(Limit::At(Altitude::pressure_feet(10_000)), ""), "FL100");
        assert_eq!(limit(Limit::At(Altitude::pressure_feet(10_050)), ""), "10050 ft standard pressure");
        assert_eq!(limit(Limit::Unlimited, "ground"), "ground");
    }
}
