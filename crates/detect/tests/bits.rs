//! Any build, of any optimisation, decides the same, bit for bit.
use detect::scenario::{Family, SEED, reports};
use detect::{Encounter, Item, Kinematics, Verdict, WellClear, sweep, well_clear};
use units::Utc;

/// The same in every build: `cargo test -p detect --test bits`, with `--release` and without.
const GOLDEN: u64 = 0x2b85_9127_87c8_4b57;

/// FNV-1a, 64 bit.
struct Bits(u64);

impl Bits {
    fn word(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn encounter(&mut self, e: &Encounter) {
        [e.tin_s, e.tout_s, e.tcpa_s, e.dcpa_m, e.d0_m, e.widened_m].iter().for_each(|x| self.word(x.to_bits()));
        [e.vertical_at_cpa, e.vertical_now].iter().for_each(|v| self.word(v.map_or(u64::MAX, i64::cast_unsigned)));
        self.word(u64::from(e.violation_now) | u64::from(e.velocity_unknown) << 1 | (e.basis as u64) << 2);
    }
}

#[test]
fn every_build_decides_the_same_bit_for_bit() {
    let mut bits = Bits(0xcbf2_9ce4_8422_2325);
    let mut pairs = 0;
    for family in Family::ALL {
        let tracks = reports(family, 2_000, SEED).expect("places on earth").into_iter();
        // Of ages from 0 to 29 s, so that all that moves a track has a part in it.
        let aged = tracks.enumerate().map(|(i, mut r)| {
            r.at = Utc(-(i as i64 * 997 % 29_000));
            Item { track: Kinematics::from_report(&r, Utc(0)), class: r.class }
        });
        let items: Vec<Item> = aged.collect();
        for pair in sweep(&items, &family.minima()).pairs {
            [pair.i, pair.j].iter().for_each(|n| bits.word(*n as u64));
            bits.encounter(&pair.encounter);
            pairs += 1;
            if let Verdict::Conflict(loss) = well_clear(&items[pair.i].track, &items[pair.j].track, &WellClear::DO_365)
            {
                [loss.tin_s, loss.tout_s].iter().for_each(|x| bits.word(x.to_bits()));
            }
        }
    }
    println!("{pairs} pairs, {:#018x}", bits.0);
    assert_eq!(bits.0, GOLDEN, "{pairs} pairs");
}
