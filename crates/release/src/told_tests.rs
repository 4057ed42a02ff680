//! Tests of what a peer is kept told of: each change that it can see, and within its room.
use super::*;
use crate::told::{SERVICE_CORNERS_MAX, TOLD_MAX};

#[test]
fn a_peer_hears_of_a_change_that_it_can_see_and_of_no_other() {
    let (mut r, e) = (releaser(), envelope());
    let coarse = plans_at(Level::Coarse { cell_e7: 2_500_000, bin_ms: 600_000 });
    let mut plan = a_plan(AircraftClass::Military, 47, "ONE");
    let say = |r: &mut Releaser, policy: &Policy, plan: &Plan| {
        kinds(&r.release_plan(policy, &e, SUBJECT, (plan, None), Filer::Planner, at(0)).unwrap())
    };
    assert_eq!(say(&mut r, &coarse, &plan), vec![(Kind::Plan, 1)]);
    plan.callsign = Some(String::from("TWO"));
    plan.volumes[0].end = plan.volumes[0].end.plus_ms(1);
    assert_eq!(say(&mut r, &coarse, &plan), vec![], "the view is the same");
    plan.volumes[0].end = plan.volumes[0].end.plus_ms(600_000);
    assert_eq!(say(&mut r, &coarse, &plan), vec![(Kind::Plan, 2)]);
    let withheld = plans_at(Level::Withheld);
    assert_eq!(say(&mut r, &withheld, &plan), vec![(Kind::Withdrawn, 3)]);
    assert_eq!(say(&mut r, &withheld, &plan), vec![]);
    assert!(!r.is_told(SUBJECT));
    assert_eq!(say(&mut r, &plans_at(Level::Full), &plan), vec![(Kind::Plan, 4)]);
    let avoid = plans_at(Level::AvoidArea { cell_e7: 2_500_000, bin_ms: 600_000 });
    assert_eq!(say(&mut r, &avoid, &plan), vec![(Kind::Withdrawn, 5), (Kind::Avoid, 6)]);
    plan.state = PlanState::Ended;
    assert_eq!(say(&mut r, &avoid, &plan), vec![(Kind::Withdrawn, 7)]);
    assert_eq!(say(&mut r, &plans_at(Level::Full), &plan), vec![], "its end is no news to who is not told of it");
}

#[test]
fn traffic_services_take_no_room_that_planners_need_and_their_last_word_is_not_remembered() {
    let (mut r, e, full) = (releaser(), envelope(), plans_at(Level::Full));
    let plan = a_plan(AircraftClass::Uas, 47, "ONE");
    let subject = |n: u32| SubjectId([&[9; 12][..], &n.to_be_bytes()].concat().try_into().unwrap());
    let say = |r: &mut Releaser, n: u32, filer| {
        r.release_plan(&full, &e, subject(n), (&plan, None), filer, at(0)).map(|said| kinds(&said))
    };
    let half = TOLD_MAX as u32 / 2;
    let services = ["uss0", "uss1", "uss2", "uss3", "uss4"].map(Filer::Service);
    for n in 0..half {
        // A fifth of that for each; the others have theirs all the same.
        if n == half / 5 {
            let (max, whose) = (TOLD_MAX / 10, String::from("uss0"));
            let refused = Err(ReleaseError::TooManyOfService { peer: party(SOUTH), whose, max });
            assert_eq!(say(&mut r, half, services[0]), refused);
            assert!(!r.has_room("uss0", SubjectId([0xee; 16])) && r.has_room("uss1", SubjectId([0xee; 16])));
        }
        assert_eq!(say(&mut r, n, services[n as usize * 5 / half as usize]), Ok(vec![(Kind::Plan, 1)]));
    }
    let refused = say(&mut r, half, Filer::Service("uss5"));
    assert!(!r.has_room("uss5", SubjectId([0xee; 16])));
    assert_eq!(refused, Err(ReleaseError::TooManySubjects { peer: party(SOUTH), max: TOLD_MAX / 2 }));
    assert_eq!(say(&mut r, half, Filer::Planner), Ok(vec![(Kind::Plan, 1)]));
    // What a planner ends is remembered, because the same subject may come again; of what is said for the last time nothing is.
    let ended = |r: &mut Releaser, n: u32| kinds(&r.release_last(&envelope(), subject(n), at(0)).unwrap());
    assert_eq!(kinds(&r.release_end(&envelope(), subject(0), at(0)).unwrap()), [(Kind::Withdrawn, 2)]);
    assert!(say(&mut r, half + 1, services[0]).is_err());
    for n in [1, 2] {
        assert_eq!((ended(&mut r, n), ended(&mut r, n)), (vec![(Kind::Withdrawn, 2)], vec![]));
    }
    assert!(r.has_room("uss0", SubjectId([0xee; 16])));
    assert_eq!(say(&mut r, half + 1, services[0]), Ok(vec![(Kind::Plan, 1)]), "half less two, and a planner's");
    assert!(say(&mut r, half + 2, services[0]).is_err());
}

#[test]
fn what_has_no_room_for_all_its_parts_is_told_in_none_and_later_in_all() {
    let (mut r, e) = (releaser(), envelope());
    let avoid = plans_at(Level::AvoidArea { cell_e7: 2_500_000, bin_ms: 600_000 });
    let small = a_plan(AircraftClass::Uas, 47, "ONE");
    let mut large = small.clone();
    large.volumes = (0..40)
        .map(|n| Volume4d { end: small.volumes[0].end.plus_ms(n * 600_000), ..small.volumes[0].clone() })
        .collect();
    let subject = |n: u32| SubjectId([&[9; 12][..], &n.to_be_bytes()].concat().try_into().unwrap());
    let say = |r: &mut Releaser, n: u32, plan: &Plan, filer| {
        r.release_plan(&avoid, &e, subject(n), (plan, None), filer, at(0)).map(|said| kinds(&said))
    };
    for n in 1..TOLD_MAX as u32 / 2 {
        say(&mut r, n, &small, Filer::Planner).unwrap();
    }
    let before = r.clone();
    assert!(say(&mut r, 0, &large, Filer::Service("uss1")).is_err());
    assert_eq!(r, before);
    for n in 1..3 {
        r.release_last(&e, subject(n), at(0)).unwrap();
    }
    assert_eq!(say(&mut r, 0, &large, Filer::Service("uss1")), Ok(vec![(Kind::Avoid, 1); 3]));
    // One that grows, too: its first part is as it was.
    assert!(say(&mut r, 3, &large, Filer::Service("uss1")).is_err());
    assert_eq!(kinds(&r.release_end(&e, subject(3), at(0)).unwrap()), [(Kind::Withdrawn, 2)]);
}

#[test]
fn traffic_services_have_so_many_corners_as_sent_and_each_a_fifth_and_planners_more() {
    let (mut r, e) = (releaser(), envelope());
    let policy = plans_at(Level::Full);
    let of = |many: i32| {
        let one = |n: i32| a_plan(AircraftClass::Uas, n, "ONE").volumes.remove(0);
        let volumes = (0..many).map(|n| Volume4d { end: at(3600 * (1 + n as u64 / 50)).utc, ..one(n % 50) }).collect();
        Plan { volumes, ..a_plan(AircraftClass::Uas, 0, "ONE") }
    };
    let subject = |n: u8| SubjectId([n; 16]);
    let say = |r: &mut Releaser, policy: &Policy, n: u8, many: i32, filer| {
        let said = r.release_plan(policy, &e, subject(n), (&of(many), None), filer, at(0));
        said.map(|said| kinds(&said).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>())
    };
    let full = |whose: &str, max| Err(ReleaseError::TooManyCorners { peer: party(SOUTH), whose: whose.into(), max });
    let all = full("all traffic services", SERVICE_CORNERS_MAX);
    let services = ["uss0", "uss1", "uss2", "uss3", "uss4"];
    for n in 0..200 {
        let of = services[usize::from(n) / 40];
        if n == 40 {
            assert_eq!(say(&mut r, &policy, 200, 1, Filer::Service("uss0")), full("uss0", SERVICE_CORNERS_MAX / 5));
            assert!(!r.has_room("uss0", SubjectId([0xee; 16])) && r.has_room("uss1", SubjectId([0xee; 16])));
        }
        assert_eq!(say(&mut r, &policy, n, 250, Filer::Service(of)), Ok(vec![Kind::Plan]), "{n}");
    }
    for n in [200, 201] {
        assert_eq!(say(&mut r, &policy, n, 1, Filer::Service("uss5")), all);
    }
    assert!(!r.has_room("uss5", SubjectId([0xee; 16])));
    let mut read: Releaser = minicbor::decode(&minicbor::to_vec(&r).unwrap()).unwrap();
    read.sweep_told(at(0).utc);
    assert!(read == r, "remembered");
    assert_eq!(say(&mut r, &policy, 210, 250, Filer::Planner), Ok(vec![Kind::Plan]));
    // In the place of a larger one there is room, and a larger one is refused.
    let first = Filer::Service("uss0");
    assert_eq!(say(&mut r, &policy, 0, 250, first), Ok(vec![]));
    assert_eq!(say(&mut r, &policy, 0, 249, first), Ok(vec![Kind::Plan]));
    assert_eq!(say(&mut r, &policy, 0, 251, first), full("uss0", SERVICE_CORNERS_MAX / 5));
    assert!(r.has_room("uss5", SubjectId([0xee; 16])));
    assert_eq!(say(&mut r, &policy, 200, 1, Filer::Service("uss5")), Ok(vec![Kind::Plan]));
    assert_eq!(say(&mut r, &policy, 201, 1, Filer::Service("uss5")), all);
    // What ends, by whatever word, makes room.
    assert_eq!(kinds(&r.release_last(&e, subject(200), at(0)).unwrap()), [(Kind::Withdrawn, 2)]);
    assert_eq!(say(&mut r, &policy, 201, 1, Filer::Service("uss5")), Ok(vec![Kind::Plan]));
    assert_eq!(say(&mut r, &plans_at(Level::Withheld), 1, 250, first), Ok(vec![Kind::Withdrawn]));
    // Nothing is left of it when all has ended.
    for n in 0..=u8::MAX {
        r.release_last(&e, subject(n), at(0)).unwrap();
    }
    assert!(r.services.is_empty());
}
