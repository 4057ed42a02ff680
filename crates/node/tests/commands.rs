//! What is asked wrongly and what is answered: every refusal with its text, and that nothing came of it.
mod common;

use airspace::{Outline, PlanState};
use common::{START, World, actor, circle, closed, notice, open, party, plan, policy, rule, set_policy, site, subject};
use node::command::{Account, Command, Done};
use node::input::Input;
use record::{ChannelState, Hash32, ReadBack, Role};
use release::{Level, RecordClass};
use units::{Utc, Vertex};

fn pair() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    world
}

fn account(role: Role) -> Account {
    Account { role, password: None, token: None, expires: None, must_set_password: false }
}

fn vertex(lat: f64, lon: f64) -> Vertex {
    Vertex::from_degrees(lat, lon).unwrap()
}

/// A bow tie: edge 0 meets edge 2.
fn crossed() -> Outline {
    Outline::Polygon(vec![vertex(47.0, 8.0), vertex(48.0, 9.0), vertex(47.0, 9.0), vertex(48.0, 8.0)])
}

/// What a command is refused with, and nothing of it stays: the state but for the audit, and the log to the peer.
fn check(world: &mut World, role: Role, command: Command, want: &str) {
    let before = world.view(0);
    let name = command.name();
    let got = world.refusal(0, role, command);
    assert_eq!(got, want, "{name}");
    let mut after = world.view(0);
    after.seq = before.seq;
    assert_eq!(after, before, "{name} left something behind");
    let row = world.state(0).audit().last().unwrap();
    assert_eq!((row.command.as_str(), row.answer.as_str(), row.actor.role), (name, want, role));
    // What is refused alike within a second is counted, and is no new row.
    world.mono += 1_001;
}

fn send(change: impl FnOnce(&mut node::command::SendNotice)) -> Command {
    let mut send = notice("south", 1);
    change(&mut send);
    Command::SendNotice(send)
}

fn file(change: impl FnOnce(&mut airspace::Plan)) -> Command {
    let mut plan = plan(1, vec![circle(47.0, 8.0, 5.0, START)]);
    change(&mut plan);
    Command::FilePlan { subject: subject(1), plan }
}

fn file_site(change: impl FnOnce(&mut airspace::Site)) -> Command {
    let mut site = site(47.0, 8.0);
    change(&mut site);
    Command::FileSite { subject: subject(1), site }
}

fn avoid(to: &[&str], volumes: Vec<airspace::Volume4d>) -> Command {
    Command::SendAvoid { subject: subject(1), to: to.iter().map(|p| party(p)).collect(), volumes }
}

fn set_account(name: &str, role: Role) -> Command {
    Command::SetAccount { name: name.into(), account: account(role) }
}

fn channel(peer: &str, state: ChannelState) -> Command {
    Command::StateChannel { peer: party(peer), state, reason: "exercise over".into() }
}

#[test]
fn what_does_not_exist_is_refused_by_name() {
    let mut world = pair();
    let id = Hash32::of(b"no such record");
    let table = [
        (Role::Officer, Command::AcknowledgeAlert(7, None), "no such alert: 7".to_string()),
        (
            Role::Officer,
            Command::AcknowledgeNotice { id, read_back: ReadBack::default() },
            format!("no such notice: {id}"),
        ),
        (Role::Officer, send(|s| s.to = vec![party("east")]), "no such party: east".into()),
        (Role::Officer, send(|s| s.to = vec![party("north")]), "no such party: north".into()),
        (Role::Planner, Command::CancelPlan(subject(1)), format!("no such plan: {}", subject(1))),
        (Role::Planner, Command::RemoveSite(subject(1)), format!("no such site: {}", subject(1))),
        (Role::Planner, avoid(&["east"], vec![circle(47.0, 8.0, 5.0, START)]), "no such party: east".into()),
        (Role::Administrator, channel("east", ChannelState::Suspended), "no such party: east".into()),
        (Role::Administrator, Command::RemoveAccount("ana".into()), "no such account: ana".into()),
        (Role::Observer, Command::SetPassword("$argon2id$".into()), "no such account: observer".into()),
    ];
    for (role, command, want) in table {
        check(&mut world, role, command, &want);
    }
}

#[test]
fn what_is_out_of_bounds_is_refused_by_field() {
    let mut world = pair();
    let crossing = "the boundary crosses itself: edge 0 meets edge 2 (edges counted from 0)";
    let table = [
        (Role::Officer, send(|s| s.to.clear()), "to: at least one party".to_string()),
        (Role::Officer, send(|s| s.to.push(party("south"))), "to: south stands twice".into()),
        (Role::Planner, file(|p| p.volumes.clear()), "plan: a plan needs at least one volume".into()),
        (
            Role::Planner,
            file(|p| p.volumes[0].end = Utc(p.volumes[0].start.0 - 1)),
            format!("plan: the window ends ({} ms) before it starts ({} ms)", START.0 - 1, START.0),
        ),
        (Role::Planner, file(|p| p.volumes[0].outline = crossed()), format!("plan.volumes: {crossing}")),
        (
            Role::Planner,
            file(|p| p.callsign = Some("A".repeat(17))),
            "plan: characters of the callsign: at most 16, got 17".into(),
        ),
        (Role::Planner, file_site(|s| s.footprint = crossed()), format!("site: {crossing}")),
        (
            Role::Planner,
            file_site(|s| s.buffer_mm = -1),
            "site: buffer must be above 0 and at most 1000 NM, got -1 mm".into(),
        ),
        (Role::Planner, avoid(&["south"], vec![]), "volumes: at least one".into()),
        (Role::Planner, avoid(&[], vec![circle(47.0, 8.0, 5.0, START)]), "to: at least one party".into()),
        (
            Role::Administrator,
            set_policy(
                policy(&["south"], &[rule(RecordClass::Conflicts, Level::Coarse { cell_e7: 100_000, bin_ms: 1000 })]),
                None,
            ),
            "release: south, rule 0: conflicts cannot be released as coarse".into(),
        ),
        (Role::Administrator, set_account("Ana", Role::Officer), "name: 1 to 32 of a-z, 0-9, - and .".into()),
        (Role::Administrator, set_account("", Role::Officer), "name: 1 to 32 of a-z, 0-9, - and .".into()),
        (
            Role::Administrator,
            Command::StateChannel { peer: party("south"), state: ChannelState::Suspended, reason: "x".repeat(401) },
            "reason: INVALID: reason is longer than 400 or malformed".into(),
        ),
        (
            Role::Officer,
            send(|s| s.notice.text = "x".repeat(2001)),
            "notice: INVALID: text is longer than 2000 or malformed".into(),
        ),
    ];
    for (role, command, want) in table {
        check(&mut world, role, command, &want);
    }
}

#[test]
fn every_command_is_refused_to_the_roles_that_may_not_ask_it() {
    use Role::{Administrator, Observer, Officer, Planner};
    let mut world = pair();
    let desk: &[Role] = &[Officer, Planner];
    let table: Vec<(Command, &[Role])> = vec![
        (Command::AcknowledgeAlert(1, None), desk),
        (send(|_| {}), desk),
        (Command::AcknowledgeNotice { id: Hash32::of(b""), read_back: ReadBack::default() }, desk),
        (file(|_| {}), &[Planner]),
        (Command::CancelPlan(subject(1)), &[Planner]),
        (file_site(|_| {}), &[Planner]),
        (Command::RemoveSite(subject(1)), &[Planner]),
        (avoid(&["south"], vec![circle(47.0, 8.0, 5.0, START)]), &[Planner]),
        (set_policy(closed(), None), &[Administrator]),
        (set_policy(closed(), Some(9)), &[Administrator]),
        (channel("south", ChannelState::Suspended), &[Administrator]),
        (set_account("ana", Officer), &[Administrator]),
        (Command::RemoveAccount("ana".into()), &[Administrator]),
    ];
    for (command, allowed) in &table {
        for role in [Observer, Officer, Planner, Administrator] {
            if allowed.contains(&role) {
                assert!(command.allowed(role), "{} {role:?}", command.name());
            } else {
                check(&mut world, role, command.clone(), &format!("the role {} may not do this", role.name()));
            }
        }
    }
    for command in [Command::SignedOut, Command::SignedIn { with: "password".into() }] {
        assert!(Role::ALL.into_iter().all(|role| command.allowed(role)));
    }
}

#[test]
fn what_is_done_already_is_not_done_twice() {
    let mut world = pair();
    world.ask(0, Role::Planner, file(|_| {})).unwrap();
    world.ask(0, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    check(&mut world, Role::Planner, Command::CancelPlan(subject(1)), "already ended or cancelled");
    world.ask(0, Role::Administrator, channel("south", ChannelState::Suspended)).unwrap();
    check(&mut world, Role::Administrator, channel("south", ChannelState::Suspended), "already suspended");
    world.ask(0, Role::Administrator, channel("south", ChannelState::Terminated)).unwrap();
    let resumed = channel("south", ChannelState::Resumed);
    check(&mut world, Role::Administrator, resumed, "already terminated; a new pact is needed");
    world.ask(0, Role::Administrator, set_account("ana", Role::Administrator)).unwrap();
    let lower = set_account("ana", Role::Officer);
    let want = "role: the last administrator cannot be given another role";
    check(&mut world, Role::Administrator, lower, want);
    let want = "name: the last administrator cannot be removed";
    check(&mut world, Role::Administrator, Command::RemoveAccount("ana".into()), want);
    world.ask(0, Role::Administrator, set_account("ben", Role::Administrator)).unwrap();
    world.ask(0, Role::Administrator, Command::RemoveAccount("ana".into())).unwrap();
}

#[test]
fn rules_replace_those_they_were_made_from_and_no_others() {
    let mut world = pair();
    let revision = world.view(0).policy.revision;
    let stale = format!("the rules in force are revision {}, not {revision}; read them again", revision + 1);
    world.ask(0, Role::Administrator, set_policy(open(&["south"]), Some(revision))).unwrap();
    world.agree(0);
    // Two administrators read the same rules: the second does not undo what the first did.
    check(&mut world, Role::Administrator, set_policy(closed(), Some(revision)), &stale);
    world.ask(0, Role::Administrator, set_policy(closed(), Some(revision + 1))).unwrap();
    world.set_rules(0, open(&["south"]));
    assert_eq!(world.view(0).policy.revision, revision + 3);
}

#[test]
fn what_is_refused_is_counted_and_does_not_push_out_what_was_done() {
    let mut world = pair();
    world.ask(0, Role::Administrator, set_account("ana", Role::Officer)).unwrap();
    for n in 0..3000 {
        world.refusal(0, Role::Officer, Command::AcknowledgeAlert(7, None));
        world.refusal(0, Role::Planner, Command::CancelPlan(subject(n as u8)));
        world.mono += 1;
    }
    let rows: Vec<_> = world.state(0).audit().cloned().collect();
    assert_eq!((rows[0].command.as_str(), rows[0].answer.as_str()), ("set-account", "ok"), "the oldest is still there");
    let of = |command: &str| rows.iter().filter(|r| r.command == command).map(|r| r.times).collect::<Vec<_>>();
    assert_eq!(of("acknowledge-alert"), [3000], "the same thing over and over is one row");
    assert_eq!((of("cancel-plan").len(), of("cancel-plan").iter().max()), (50, Some(&1)), "the last of one actor");
    assert!(rows.is_sorted_by_key(|r| r.seq), "pages of the audit go on from a sequence number");
    // After a pause it is said anew, and what was refused before the fold is said alike.
    world.mono += 1001;
    world.refusal(0, Role::Officer, Command::AcknowledgeAlert(7, None));
    let actor = actor(Role::Observer);
    let refused = "the role observer may not do this".to_string();
    world.input(
        0,
        Input::Attempt { actor: actor.clone(), command: "accounts".into(), refused: refused.clone(), times: 7 },
    );
    let rows: Vec<_> = world.state(0).audit().cloned().collect();
    let [.., again, attempt] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((again.command.as_str(), again.times), ("acknowledge-alert", 1));
    assert_eq!((&attempt.actor, &attempt.answer, attempt.times), (&actor, &refused, 7));
}

#[test]
fn a_repeated_idempotency_key_gets_the_first_answer_and_does_nothing() {
    let mut world = pair();
    let ask = |world: &mut World, key: &str, command| world.ask_with(0, Role::Planner, Some(key), command);
    let first = ask(&mut world, "k1", file(|_| {}));
    assert_eq!(first, Ok(Done::Filed { subject: subject(1), revision: 1, conflicts: vec![] }));
    let size = world.view(0).peers[0].out_size;
    assert_eq!(ask(&mut world, "k1", file(|p| p.state = PlanState::Activated)), first);
    assert_eq!((world.view(0).plans[0].revision, world.view(0).peers[0].out_size), (1, size));
    assert_eq!(world.view(0).plans[0].plan.state, PlanState::Accepted);
    // A refusal is kept too; another key or another actor is another question.
    let refused = ask(&mut world, "k2", Command::CancelPlan(subject(9)));
    assert!(refused.is_err());
    assert_eq!(ask(&mut world, "k2", file(|_| {})), refused);
    let input = Input::Command {
        actor: node::command::Actor { name: "other".into(), role: Role::Planner },
        key: Some("k1".into()),
        command: Box::new(file(|p| p.state = PlanState::Activated)),
    };
    let answer = world.input(0, input).unwrap();
    assert!(matches!(answer, Ok(Done::Filed { revision: 2, .. })));
    // The answers outlive a restart.
    world.restart(0, false);
    assert_eq!(ask(&mut world, "k1", file(|_| {})), first);
    assert_eq!(actor(Role::Planner).name, "planner");
}
