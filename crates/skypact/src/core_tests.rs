use super::*;
use crate::cli::bench::world::{Home, Scratch, agree};
use crate::recovery::{POISON, recover};
use node::input::{Boot, Claim, FeedConfig, FeedState};
use record::Mode;
use units::AircraftClass;

/// A node of its own folder, whose fold is driven by hand.
struct Rig {
    scratch: Scratch,
    home: Home,
    boot: Boot,
}

impl Rig {
    fn new() -> Self {
        let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
        let home = Home::new(scratch.path(), "alpha").unwrap();
        let pact = agree(&home, &Home::new(scratch.path(), "beta").unwrap()).unwrap();
        let feed = FeedConfig {
            name: "own".into(),
            format: "aircraft-json".into(),
            claim: Claim::Own,
            class: AircraftClass::Civil,
            marking: None,
        };
        let boot = Boot {
            party: home.party.clone(),
            mode: Mode::Live,
            pacts: vec![String::from_utf8(pact.to_bytes()).unwrap()],
            feeds: vec![feed],
            pseudonym_secret: home.keys.pseudonym,
            policy: release::Policy::default(),
            markings: Vec::new(),
            software: "test".into(),
        };
        Self { scratch, home, boot }
    }

    fn recovered(&self) -> Recovered {
        recover(&self.scratch.path().join("data"), journal::Options::default()).unwrap()
    }

    fn core(&self) -> Core {
        let recovered = self.recovered();
        let config = CoreConfig {
            data: self.scratch.path().join("data"),
            clock: Clock::system(recovered.state.now()),
            keys: Arc::new(Keys::load(&self.home.dir.join("keys")).unwrap()),
            snapshot_every: Duration::from_secs(3600),
            boot: self.boot.clone(),
        };
        boot(config, recovered).unwrap().1
    }
}

fn health(errors: u64, last_error: Option<&str>) -> Input {
    Input::FeedHealth { feed: 0, state: FeedState::Up, errors, last_error: last_error.map(str::to_string) }
}

type Waiting = oneshot::Receiver<Result<Option<Answer>, NotAccepted>>;

fn messages(inputs: Vec<Input>) -> (Vec<Message>, Vec<Waiting>) {
    let one = |input| {
        let (tx, rx) = oneshot::channel();
        (Message::Input(Box::new(input), Some(tx)), rx)
    };
    inputs.into_iter().map(one).unzip()
}

#[test]
fn an_input_that_makes_the_fold_fail_is_skipped_and_those_beside_it_are_folded_once() {
    let rig = Rig::new();
    let mut core = rig.core();
    for round in 0..2 {
        let before = core.state.seq();
        let inputs = vec![
            health(1, None),
            health(2, Some(POISON)),
            health(3, None),
            health(4, Some(POISON)),
            health(5 + round, None),
        ];
        let (messages, mut waiting) = messages(inputs);
        core.batch(messages);
        let folded: Vec<bool> = waiting.iter_mut().map(|w| w.try_recv().unwrap().is_ok()).collect();
        assert_eq!(folded, [true, false, true, false, true]);
        assert!(core.shadow.is_none(), "the node goes on");
        // Five inputs and two decisions; no more, no less.
        assert_eq!((core.state.seq() - before, core.state.seq()), (7, core.journal.last_seq().0));
        assert_eq!(core.state.view(core.config.clock.now()).feeds[0].errors, 5 + round);
    }
    // A second later an officer is told.
    let tick = |_| Message::Input(Box::new(Input::Tick), None);
    std::thread::sleep(Duration::from_millis(1_100));
    core.batch((0..2).map(tick).collect());
    let alerts = core.state.view(core.config.clock.now()).alerts;
    assert!(alerts.iter().any(|a| a.text.contains("was skipped")), "{alerts:?}");
    let state = core.state.clone();
    drop(core);
    assert!(rig.recovered().state == state, "a restart gives the same");
}

#[test]
fn a_node_that_died_of_an_input_skips_it_at_the_next_start() {
    let rig = Rig::new();
    let mut core = rig.core();
    let now = core.config.clock.now();
    let entries = [health(1, None), health(2, Some(POISON)), health(3, None)].map(|input| Entry { now, input });
    let bytes: Vec<Vec<u8>> = entries.iter().map(recovery::encode).collect();
    let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    core.journal.append_batch(None, &slices).unwrap();
    let last = core.journal.last_seq();
    drop(core);
    let first = rig.recovered();
    assert_eq!(first.state.view(now).feeds[0].errors, 3);
    let seq = first.journal.last_seq();
    assert_eq!(first.state.seq(), seq.0, "the decision is folded, too");
    assert_eq!(seq, last.next(), "and journaled");
    drop(first);
    assert_eq!(rig.recovered().journal.last_seq(), seq, "once");
}
