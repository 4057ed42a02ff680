//! The sending order, against a slow and obvious oracle: whatever is pushed and at whatever pace it is written.

use link::{CheckpointOrder, CloseCode, CosignOrder, Error, Outbox, Output, Step};
use proptest::prelude::*;
use tlog::{Checkpoint, Hash};
use units::Utc;

fn checkpoint(size: u64, seq: u64) -> Output {
    let checkpoint = Checkpoint { origin: "o".into(), size, root: Hash([size as u8; 32]) };
    Output::SignCheckpoint(CheckpointOrder { session: 1, checkpoint, seq, sent_utc: Utc(0) })
}

fn cosign(size: u64) -> Output {
    let checkpoint = Checkpoint { origin: "o".into(), size, root: Hash([0; 32]) };
    Output::Cosign(CosignOrder { session: 1, checkpoint, time_s: 0, recv_utc: Utc(0) })
}

fn entries(from: u64, to: u64) -> Output {
    Output::SendEntries { session: 1, from, to }
}

fn outbox(outputs: &[Output]) -> Outbox {
    let mut outbox = Outbox::new(1);
    outbox.push(&Output::Granted { session: 1, upto: 1 << 40 }).unwrap();
    for output in outputs {
        assert!(outbox.push(output).unwrap());
    }
    outbox
}

/// What is written, each as a word.
fn written(mut outbox: Outbox) -> String {
    let mut words = vec![];
    while let Some(step) = outbox.next_step() {
        words.push(match step {
            Step::Frame(frame) => format!("frame{}", frame.len()),
            Step::PactText => "pact".into(),
            Step::Share(order) => format!("share{}", order.notes.len()),
            Step::Cosign(order) => format!("cosign{}", order.checkpoint.size),
            Step::Entries { from, to } => {
                outbox.entries_sent(to);
                format!("{from}..{to}")
            }
            Step::Checkpoint(order) => format!("checkpoint{}/{}", order.checkpoint.size, order.seq),
            Step::Disconnect(code) => {
                words.push(code.name().into());
                break;
            }
        });
    }
    words.join(" ")
}

//= spec/link.md L-21
#[test]
fn entries_go_before_the_checkpoint_that_covers_them_and_ranges_are_joined() {
    let check = |outputs: &[Output], expect: &str| assert_eq!(written(outbox(outputs)), expect);
    check(&[entries(0, 3), entries(3, 4), checkpoint(4, 0), entries(4, 6)], "0..4 checkpoint4/0 4..6");
    check(&[checkpoint(0, 0), checkpoint(0, 1), checkpoint(0, 2)], "checkpoint0/2");
    check(
        &[
            entries(0, 3),
            checkpoint(3, 0),
            entries(3, 4),
            checkpoint(4, 1),
            entries(4, 5),
            checkpoint(5, 2),
            entries(5, 9),
            checkpoint(9, 3),
        ],
        "0..3 checkpoint3/0 3..9 checkpoint9/3",
    );
}

#[test]
fn what_concerns_the_other_log_does_not_wait_behind_a_backlog() {
    let send = |bytes| Output::Send { session: 1, frame: vec![0; bytes] };
    let outputs = [
        send(7),
        Output::SendPactText { session: 1 },
        entries(0, 1000),
        checkpoint(1000, 0),
        cosign(5),
        cosign(6),
        send(9),
    ];
    assert_eq!(written(outbox(&outputs)), "frame7 pact cosign6 frame9 0..1000 checkpoint1000/0");
    let ended = [&outputs[..], &[Output::Disconnect { session: 1, reason: CloseCode::Silent }]].concat();
    let mut ended = outbox(&ended);
    assert_eq!(ended.push(&send(1)), Ok(false), "nothing after the end");
    assert_eq!(written(ended), "frame7 pact cosign6 frame9 SILENT");
}

#[test]
fn outputs_of_another_session_and_of_the_store_are_not_taken() {
    let mut outbox = Outbox::new(2);
    for output in [entries(0, 1), checkpoint(1, 0), cosign(1), Output::StateChanged, Output::Sealed { size: 1 }] {
        assert_eq!(outbox.push(&output), Ok(false));
    }
    assert_eq!(outbox.next_step(), None);
}

#[test]
fn a_peer_that_does_not_read_costs_a_bounded_amount_and_is_then_dropped() {
    let mut outbox = Outbox::new(1);
    let frame = Output::Send { session: 1, frame: vec![0; 1000] };
    let taken = (0..2000).take_while(|_| outbox.push(&frame).is_ok()).count();
    assert_eq!(taken, (1 << 20) / 1000);
    assert!(matches!(outbox.push(&frame), Err(Error::TooLarge { .. })));
    // Room comes back as it is written.
    outbox.next_step();
    assert_eq!(outbox.push(&frame), Ok(true));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    //= spec/link.md L-20
    //= spec/link.md L-21
    //= spec/link.md L-41
    #[test]
    fn each_entry_is_written_once_in_order_and_each_checkpoint_in_its_place(
        script in proptest::collection::vec((0u8..5, 1u64..5), 1..200)
    ) {
        let mut outbox = Outbox::new(1);
        let (mut size, mut seq, mut pending) = (0, 0, 0usize);
        let (mut written, mut last_seq, mut last_size) = (0, None, None);
        let (mut ordered, mut granted) = (None, 0);
        let mut step = |outbox: &mut Outbox, part: u64, granted: u64| match outbox.next_step() {
            Some(Step::Entries { from, to }) => {
                assert_eq!(from, written, "no gap and no repetition");
                assert!(from < to && to <= granted, "nothing that was not granted");
                written = (from + part).min(to);
                outbox.entries_sent(written);
                true
            }
            Some(Step::Checkpoint(order)) => {
                assert_eq!(order.checkpoint.size, written, "after what it covers, before what it does not");
                assert!(last_seq.is_none_or(|last| order.seq > last));
                (last_seq, last_size) = (Some(order.seq), Some(order.checkpoint.size));
                true
            }
            None => false,
            other => panic!("{other:?}"),
        };
        for (what, n) in script {
            match what {
                0 | 1 => {
                    outbox.push(&entries(size, size + n)).unwrap();
                    size += n;
                }
                2 => {
                    outbox.push(&checkpoint(size, seq)).unwrap();
                    ordered = Some((size, seq));
                    seq += 1;
                }
                3 => {
                    granted += 2 * n;
                    outbox.push(&Output::Granted { session: 1, upto: granted }).unwrap();
                }
                _ => drop(step(&mut outbox, n, granted)),
            }
            pending = pending.max(format!("{outbox:?}").matches("Checkpoint(").count());
        }
        while step(&mut outbox, 3, granted) {}
        outbox.push(&Output::Granted { session: 1, upto: size }).unwrap();
        while step(&mut outbox, 3, size) {}
        prop_assert_eq!(written, size);
        prop_assert_eq!(last_size.zip(last_seq), ordered, "the newest checkpoint always goes out");
        prop_assert!(pending <= 2, "{} checkpoints wait", pending);
    }
}
