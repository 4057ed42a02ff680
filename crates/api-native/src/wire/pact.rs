//! Pacts: the list, and what consoles show of them.
use node::view::PactView;
use pact::{Minima, SignedPact};
use record::Precedence;
use serde::Serialize;
use std::collections::BTreeMap;
use units::AircraftClass;

/// One pact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PactWire {
    hash: String,
    parties: Vec<String>,
    signed_by: Vec<String>,
    text: String,
}

/// The minima and deadlines of all pacts in force.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct Terms {
    hash: Option<String>,
    minima: Vec<Minimum>,
    deadlines: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Minimum {
    a: &'static str,
    b: &'static str,
    lateral_nm: f64,
    vertical_ft: f64,
    time_s: f64,
}

pub(crate) fn pact(of: &PactView) -> PactWire {
    let signed = SignedPact::parse(of.text.as_bytes());
    PactWire {
        hash: of.hash.to_string(),
        parties: of.parties.iter().map(ToString::to_string).collect(),
        signed_by: signed.map_or_else(|_| Vec::new(), |s| s.signed_by().iter().map(ToString::to_string).collect()),
        text: of.text.clone(),
    }
}

/// Of several pacts every pair of classes is listed, and the shorter deadline holds.
pub(crate) fn terms(pacts: &[PactView]) -> Terms {
    let mut terms = Terms { hash: pacts.first().map(|p| p.hash.to_string()), ..Terms::default() };
    for view in pacts {
        // A text that the node has in force parses; if it did not, the console would show no minima, and nothing more.
        let Ok(signed) = SignedPact::parse(view.text.as_bytes()) else { continue };
        let pact = signed.pact();
        let any = minimum("any", "any", pact.default_minima);
        let pairs = pact.pairs.iter().map(|p| minimum(p.a.map_or("any", AircraftClass::name), p.b.name(), p.minima));
        for minimum in std::iter::once(any).chain(pairs) {
            if !terms.minima.contains(&minimum) {
                terms.minima.push(minimum);
            }
        }
        for precedence in Precedence::ALL {
            let seconds = pact.deadline_s(precedence);
            terms.deadlines.entry(precedence.name()).and_modify(|s| *s = seconds.min(*s)).or_insert(seconds);
        }
    }
    terms
}

fn minimum(a: &'static str, b: &'static str, minima: Minima) -> Minimum {
    Minimum {
        a,
        b,
        lateral_nm: minima.lateral_mm as f64 / units::NM_MM as f64,
        vertical_ft: minima.vertical.feet(),
        time_s: minima.horizon_ms as f64 / 1000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Hash32, PartyId};

    #[test]
    fn the_terms_are_those_of_the_text() {
        let text = include_str!("../../../pact/testdata/three-parties.pact");
        let parties = ["civil", "north", "south"].map(|p| PartyId::parse(p).unwrap()).to_vec();
        let view = PactView { hash: Hash32([7; 32]), text: text.to_owned(), parties };
        let terms = terms(&[view.clone(), view.clone()]);
        assert_eq!(terms.minima.len(), 5);
        assert_eq!(terms.minima[0], minimum_of("any", "any", 5.0, 1000.0, 300.0));
        assert!(terms.minima.contains(&minimum_of("civil", "military", 10.0, 2000.0, 300.0)));
        assert_eq!(terms.deadlines["FLASH"], 60);
        assert_eq!(pact(&view).signed_by, Vec::<String>::new(), "nobody has signed it");
    }

    fn minimum_of(a: &'static str, b: &'static str, lateral_nm: f64, vertical_ft: f64, time_s: f64) -> Minimum {
        Minimum { a, b, lateral_nm, vertical_ft, time_s }
    }
}
