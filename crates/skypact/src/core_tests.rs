use super::*;
use crate::cli::bench::world::{Home, Scratch, agree};
use fold::recover;
use journal::fs::StdFs;
use node::input::{Boot, Claim, FeedConfig};
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
            dss_base_url: None,
            dss_marking: None,
            dss_notifies: false,
            software: "test".into(),
            statements: Vec::new(),
        };
        Self { scratch, home, boot }
    }

    fn recovered(&self) -> Recovered {
        let fs: Arc<dyn Fs> = Arc::new(StdFs);
        recover(&fs, &self.scratch.path().join("data"), journal::Options::default()).unwrap()
    }

    fn core(&self) -> Core {
        self.try_core().unwrap()
    }

    fn try_core(&self) -> Result<Core> {
        Ok(self.with_handle()?.1)
    }

    fn with_handle(&self) -> Result<(CoreHandle, Core)> {
        let recovered = self.recovered();
        let config = CoreConfig {
            fs: Arc::new(StdFs),
            data: self.scratch.path().join("data"),
            clock: Clock::system(recovered.state.now()),
            keys: Arc::new(Keys::load(&self.home.dir.join("keys")).unwrap()),
            snapshot_every: Duration::from_secs(3600),
            snapshots_beside: true,
            boot: self.boot.clone(),
        };
        boot(config, recovered)
    }
}

fn beta() -> PartyId {
    PartyId::parse("beta").unwrap()
}

/// Folds one input; its answer.
fn take(core: &mut Core, input: Input) -> Result<Option<Answer>, NotAccepted> {
    let (reply, mut waiting) = oneshot::channel();
    core.batch(vec![(input, Some(reply))]);
    Ok(waiting.try_recv().unwrap().0?.and_then(Answered::command))
}

//= spec/link.md S-4
#[test]
fn a_session_that_a_crash_cut_is_over_at_the_next_start_and_its_number_is_not_used_again() {
    let rig = Rig::new();
    let mut core = rig.core();
    take(&mut core, Input::LinkUp { peer: beta(), session: 7, pin: None }).unwrap();
    let view = |core: &Core| core.fold.state().link(&beta()).unwrap().view(core.shared.clock.now());
    assert_eq!(view(&core).session, Some(7));
    drop(core);
    assert_eq!(rig.recovered().state.last_session(), 7, "the next one is numbered from here");
    let mut core = rig.core();
    assert_eq!(view(&core).session, None, "the boot ended it");
    take(&mut core, Input::LinkUp { peer: beta(), session: 7, pin: None }).unwrap();
    assert_eq!(view(&core).session, None, "an old number is ignored");
    take(&mut core, Input::LinkUp { peer: beta(), session: 8, pin: None }).unwrap();
    assert_eq!(view(&core).session, Some(8));
}

/// Bytes of every snapshot below a journal's folder.
fn snapshots(rig: &Rig) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(rig.scratch.path().join("data/journal")).unwrap().flatten().map(|f| f.path());
    let mut snapshots: Vec<_> = files.filter(|p| p.extension().is_some_and(|e| e == "snap")).collect();
    snapshots.sort();
    snapshots.iter().map(|p| std::fs::read(p).unwrap()).collect()
}

fn out_dir(core: &Core) -> PathBuf {
    core.fold.stores().map()[&beta()].dir.join("out")
}

//= spec/link.md S-6
#[test]
fn a_snapshot_rests_on_link_logs_that_are_on_the_disk() {
    let rig = Rig::new();
    let mut core = rig.core();
    assert!(core.fold.state().link(&beta()).unwrap().out_log().size() > 0, "the start was said to the peer");
    let bundle = out_dir(&core).join("tile/entries/000.p");
    assert!(!bundle.exists(), "not written yet, so this can fail");
    core.fold.snapshot();
    assert!(bundle.exists());
    assert_eq!(snapshots(&rig).len(), 1);
    // As a crash leaves it: nothing is flushed at the end.
    drop(core);
    let again = rig.recovered();
    assert_eq!(again.replayed, 0, "the snapshot alone, and the logs it takes for granted");
}

//= spec/link.md S-5
//= spec/link.md S-6
#[test]
fn no_snapshot_is_written_over_logs_that_cannot_be_synced_and_nothing_is_sent_any_more() {
    let rig = Rig::new();
    let mut core = rig.core();
    core.fold.stores().flush().unwrap();
    // What was written is gone before it was synced: a disk that cannot be trusted.
    std::fs::remove_dir_all(out_dir(&core).join("tile")).unwrap();
    core.fold.snapshot();
    assert!(snapshots(&rig).is_empty());
    assert!(core.fold.trouble().is_some());
    let out = core.shared.sessions.attach(1);
    let refused = take(&mut core, Input::LinkUp { peer: beta(), session: 1, pin: None });
    assert!(matches!(refused, Err(NotAccepted::Failed(_))), "{refused:?}");
    let waits = std::pin::pin!(out.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waits.poll(&mut context).is_pending(), "no hello for an input that is not in the journal");
}

//= spec/link.md S-8
#[test]
fn a_journal_that_is_behind_the_peers_receipt_is_not_started() {
    let rig = Rig::new();
    let core = rig.core();
    let config = core.fold.state().link(&beta()).unwrap().config().clone();
    let signer = rig.home.keys.log_signer(&crate::keys::key_name(&rig.home.party)).unwrap();
    let known = core.fold.state().link(&beta()).unwrap().out_log().size();
    let receipt = |size| {
        let checkpoint = tlog::Checkpoint { origin: config.out_origin(), size, root: tlog::Hash([7; 32]) };
        tlog::sign_checkpoint(&checkpoint, &signer).unwrap().to_bytes()
    };
    let path = out_dir(&core).join("checkpoint");
    drop(core);
    // A receipt for all that the journal knows.
    std::fs::write(&path, receipt(known)).unwrap();
    drop(rig.core());
    // Half a write of a crash proves nothing.
    std::fs::write(&path, b"skypact.link/al").unwrap();
    drop(rig.core());
    // A whole note by a key that came after this journal.
    let later = tlog::NoteSigner::new(&crate::keys::key_name(&rig.home.party), &[3; 32]).unwrap();
    let checkpoint = tlog::Checkpoint { origin: config.out_origin(), size: known, root: tlog::Hash([7; 32]) };
    std::fs::write(&path, tlog::sign_checkpoint(&checkpoint, &later).unwrap().to_bytes()).unwrap();
    let said = rig.try_core().err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("no key that this node is known to have had"), "{said}");
    // The journal is lost, or is of an older copy than the logs.
    std::fs::write(&path, receipt(known + 9)).unwrap();
    std::fs::remove_dir_all(rig.scratch.path().join("data/journal")).unwrap();
    let said = rig.try_core().err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("covers") && said.contains("agree a new pact"), "{said}");
    assert!(rig.try_core().is_err(), "and not at the second try either");
}

/// Puts a question into the queue; where it writes the number of inputs that the state had.
fn question(handle: &CoreHandle, takes: Duration) -> oneshot::Receiver<u64> {
    let (tx, rx) = oneshot::channel();
    let ask = move |state: &State| {
        std::thread::sleep(takes);
        tx.send(state.seq()).unwrap();
    };
    assert!(handle.tx.try_send(Message::Query(Box::new(ask))).is_ok());
    rx
}

/// Takes what waits, as the fold's thread does.
fn turn(core: &mut Core) -> ControlFlow<()> {
    let first = core.rx.try_recv().ok();
    core.take(first)
}

fn link_up(handle: &CoreHandle, session: u64) {
    let input = Input::LinkUp { peer: beta(), session, pin: None };
    assert!(handle.tx.try_send(Message::Input(Box::new(input), None)).is_ok());
}

#[test]
fn questions_do_not_split_what_one_sync_is_for_and_see_all_of_it() {
    let rig = Rig::new();
    let (handle, mut core) = rig.with_handle().unwrap();
    let (seq, batches) = (core.fold.state().seq(), core.fold.journal().health().batches);
    let asked: Vec<_> = (1..=3)
        .map(|session| {
            link_up(&handle, session);
            question(&handle, Duration::ZERO)
        })
        .collect();
    assert!(turn(&mut core).is_continue());
    assert_eq!(core.fold.journal().health().batches, batches + 1);
    for mut answer in asked {
        assert_eq!(answer.try_recv(), Ok(seq + 3));
    }
}

#[test]
fn inputs_do_not_wait_for_all_questions_and_each_question_is_answered() {
    let rig = Rig::new();
    let (handle, mut core) = rig.with_handle().unwrap();
    let seq = core.fold.state().seq();
    let [mut first, mut second, mut third] = [0; 3].map(|_| question(&handle, TURN));
    assert!(turn(&mut core).is_continue());
    assert_eq!((first.try_recv(), second.try_recv().is_ok()), (Ok(seq), false));
    link_up(&handle, 1);
    assert!(turn(&mut core).is_continue());
    assert_eq!((second.try_recv(), third.try_recv().is_ok()), (Ok(seq + 1), false));
    let (stop, mut stopped) = oneshot::channel();
    assert!(handle.tx.try_send(Message::Stop(stop)).is_ok());
    assert!(turn(&mut core).is_break());
    assert_eq!((third.try_recv(), stopped.try_recv()), (Ok(seq + 1), Ok(())));
}

/// A request of a traffic service for something that there is not.
fn dss_request(handle: &CoreHandle) -> oneshot::Receiver<(Result<Option<Answered>, NotAccepted>, Duration)> {
    let (tx, rx) = oneshot::channel();
    let ask = dss::Ask::DeleteIntent(dss::Id([7; 16]), "none".into());
    let request = dss::Request { manager: "uss1".into(), entropy: [1; 32], key: None, ask };
    let input = Input::Dss(Box::new(request), None);
    assert!(handle.tx.try_send(Message::Input(Box::new(input), Some(tx))).is_ok());
    rx
}

#[test]
fn requests_of_traffic_services_that_take_long_are_not_all_one_batch() {
    let rig = Rig::new();
    let (handle, mut core) = rig.with_handle().unwrap();
    core.requests_max = 2;
    let batches = core.fold.journal().health().batches;
    let mut answers: Vec<_> = (0..3).map(|_| dss_request(&handle)).collect();
    // What is no such request is not counted.
    link_up(&handle, 1);
    assert!(turn(&mut core).is_continue());
    let got: Vec<_> = answers.iter_mut().map(|answer| answer.try_recv().is_ok()).collect();
    assert_eq!(got, [true, true, false]);
    core.requests_max = 2;
    assert!(turn(&mut core).is_continue());
    assert!(answers[2].try_recv().is_ok());
    assert_eq!(core.fold.state().link(&beta()).unwrap().view(core.shared.clock.now()).session, Some(1));
    assert_eq!(core.fold.journal().health().batches, batches + 2);
}

#[test]
fn how_many_requests_are_one_batch_follows_how_long_they_take() {
    let ms = Duration::from_millis;
    assert_eq!(next_max(BATCH_MAX, 32, ms(480)), 1);
    assert_eq!(next_max(BATCH_MAX, 32, ms(80)), 8);
    assert_eq!((next_max(8, 8, ms(9)), next_max(8, 8, ms(15)), next_max(8, 7, ms(9))), (16, 8, 8));
    assert_eq!((next_max(BATCH_MAX, 512, ms(9)), next_max(8, 0, ms(0))), (BATCH_MAX, 8));
    // And what the fold worked on such requests is what counts.
    let rig = Rig::new();
    let (_handle, core) = rig.with_handle().unwrap();
    let mut out = Out::new(&core.shared);
    let outcome = || Answered::Dss(Box::new(Err(dss::Refused::Forbidden("no".into()))));
    for (answer, requests, took) in [(Some(outcome()), 1, ms(3)), (None, 1, ms(3)), (Some(outcome()), 2, ms(6))] {
        out.reply(oneshot::channel().0, Ok(answer), ms(3));
        assert_eq!((out.requests, out.took), (requests, took));
    }
}
