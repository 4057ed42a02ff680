//! How many cells each USS holds, so that none takes the place of the others.
use crate::answer::Refused;
use alloc::collections::BTreeMap;
use alloc::string::String;

/// Cells of all entities of one USS, with those that have ended and are kept: 2,500 areas of 4,000 cells, or two and a half million
/// intents of four. Of an extent of few cells each takes some 70 bytes with its place in the index, of a large one 4 to 70 as it
/// has many or one in a block: 0.7 GB at most.
pub(crate) const OWN_MAX: u64 = 10_000_000;
/// The same of all USSs: 7 GB at most, and under 1 GB of areas.
pub(crate) const ALL_MAX: u64 = 100_000_000;

/// Cells of what USSs wrote; made again from the entities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shares {
    own: BTreeMap<String, u64>,
    all: u64,
}

impl Shares {
    pub fn add(&mut self, manager: String, cells: u64) {
        *self.own.entry(manager).or_default() += cells;
        self.all += cells;
    }

    pub fn sub(&mut self, manager: &str, cells: u64) {
        self.all -= cells;
        if let Some(own) = self.own.get_mut(manager) {
            *own -= cells;
            if *own == 0 {
                self.own.remove(manager);
            }
        }
    }

    /// Whether a USS may hold `new` cells in the place of `old` ones. What takes no more than before is never refused.
    pub fn check(&self, manager: &str, old: usize, new: usize) -> Result<(), Refused> {
        let more = new.saturating_sub(old) as u64;
        let own = self.own.get(manager).copied().unwrap_or_default();
        let full = |what, max: u64| Err(Refused::Full { what, max: max as usize });
        match more {
            0 => Ok(()),
            _ if own + more > OWN_MAX => full("cells of all that one USS wrote", OWN_MAX),
            _ if self.all + more > ALL_MAX => full("cells of all that USSs wrote", ALL_MAX),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{
        Ask, NewSubscription, PutConstraint, PutIntent, PutRid, PutSubscription, Request, Supporting,
    };
    use crate::{Answer, Dss, Extent, Id, IntentState, KEPT_US};
    use alloc::string::ToString;
    use alloc::vec;

    const NOW: i64 = 1_767_225_600_000_000;

    fn handle(dss: &mut Dss, manager: &str, n: u8, ask: Ask) -> crate::Outcome {
        dss.handle(&Request { manager: manager.into(), entropy: [n; 32], key: None, ask }, NOW)
    }

    fn extent(cells: u32) -> Extent {
        Extent { cells: (0..cells).collect(), start: NOW, end: NOW + 1, ..Extent::default() }
    }

    fn intent(cells: u32, supporting: Supporting) -> PutIntent {
        PutIntent {
            extents: vec![extent(cells)],
            key: Default::default(),
            state: IntentState::Contingent,
            uss_base_url: "https://uss.example".into(),
            supporting,
            ovn_suffix: None,
            cmsa: true,
        }
    }

    fn implicit() -> Supporting {
        Supporting::New(NewSubscription { uss_base_url: "https://uss.example".into(), constraints: false })
    }

    /// One of each kind that takes so many cells, an intent with the subscription it comes with.
    fn one_of_each(cells: u32) -> [(Ask, u64); 5] {
        let (id, url) = (Id([1; 16]), || "https://uss.example".into());
        let rid = PutRid { extent: extent(cells), start: None, end: Some(NOW + 1), uss_base_url: url() };
        let subscription = PutSubscription {
            extent: extent(cells),
            start: None,
            end: None,
            uss_base_url: url(),
            intents: true,
            constraints: false,
        };
        let n = u64::from(cells);
        [
            (Ask::PutIntent(id, None, intent(cells, implicit())), 2 * n),
            (Ask::PutConstraint(id, None, PutConstraint { extents: vec![extent(cells)], uss_base_url: url() }), n),
            (Ask::PutSubscription(id, None, subscription), n),
            (Ask::PutIsa(id, None, rid.clone()), n),
            (Ask::PutRidSubscription(id, None, rid), n),
        ]
    }

    #[test]
    fn no_uss_has_more_cells_than_its_share_and_others_have_theirs() {
        for (ask, cells) in one_of_each(5) {
            let mut dss = Dss::default();
            dss.shares.add("uss1".into(), OWN_MAX - cells + 1);
            let full = handle(&mut dss, "uss1", 1, ask.clone()).unwrap_err();
            assert_eq!(full.to_string(), "no more than 10000000 cells of all that one USS wrote are held here");
            assert_eq!(dss.shares.all, OWN_MAX - cells + 1, "a refused request takes none");
            handle(&mut dss, "uss2", 2, ask.clone()).unwrap();
            let mut dss = Dss::default();
            dss.shares.add("uss1".into(), OWN_MAX - cells);
            handle(&mut dss, "uss1", 3, ask.clone()).unwrap();
            assert_eq!((dss.shares.own["uss1"], dss.shares.all), (OWN_MAX, OWN_MAX));
            let mut dss = Dss::default();
            dss.shares.add("uss2".into(), ALL_MAX - cells + 1);
            let full = handle(&mut dss, "uss1", 4, ask).unwrap_err();
            assert_eq!(full.to_string(), "no more than 100000000 cells of all that USSs wrote are held here");
        }
    }

    #[test]
    fn what_a_change_gives_back_counts_and_what_takes_no_more_is_never_refused() {
        let mut dss = Dss::default();
        let ask = |ovn: Option<&str>, cells, on| Ask::PutIntent(Id([1; 16]), ovn.map(Into::into), intent(cells, on));
        let Ok(Answer::Intent { intent, .. }) = handle(&mut dss, "uss1", 1, ask(None, 5, implicit())) else { panic!() };
        let (ovn, on) = (intent.ovn.unwrap(), Supporting::Subscription(intent.subscription.unwrap()));
        assert_eq!(dss.shares.own["uss1"], 10);
        // Eight cells are six more: the subscription grows as well.
        dss.shares.add("uss1".into(), OWN_MAX - 10 - 5);
        assert!(matches!(handle(&mut dss, "uss1", 2, ask(Some(&ovn), 8, on.clone())), Err(Refused::Full { .. })));
        dss.shares.sub("uss1", 1);
        let Ok(Answer::Intent { intent, .. }) = handle(&mut dss, "uss1", 3, ask(Some(&ovn), 8, on)) else { panic!() };
        assert_eq!(dss.shares.own["uss1"], OWN_MAX);
        let same = ask(intent.ovn.as_deref(), 8, Supporting::Subscription(intent.subscription.unwrap()));
        handle(&mut dss, "uss1", 4, same).unwrap();
        assert_eq!(dss.shares.own["uss1"], OWN_MAX);
    }

    #[test]
    fn what_is_forgotten_takes_nothing() {
        let mut dss = Dss::default();
        for (n, (ask, _)) in (1..).zip(one_of_each(5)) {
            handle(&mut dss, "uss1", n, ask).unwrap();
        }
        assert_eq!(dss.shares.all, 30);
        let mut again = dss.clone();
        again.rebuild();
        assert_eq!(again.shares, dss.shares);
        // The subscription lasts a day.
        dss.handle_time(NOW + KEPT_US + 2);
        assert_eq!(dss.shares.all, 5);
        dss.handle_time(NOW + 2 * KEPT_US + 2);
        assert_eq!(dss.shares, Shares::default());
    }
}
