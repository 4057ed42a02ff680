//! Trigonometry in single precision that is only good enough to know where to look: a few operations without a branch or
//! a table, so that several tracks are done at once.
use core::f32::consts::{FRAC_PI_2, FRAC_PI_4};

/// Adding and taking away 1.5 · 2^52 rounds to a whole number, whose last bits are then the sum's.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// Sine and cosine of an angle in quarter turns, up to a few thousand turns; good to 2e-7.
#[inline]
pub(crate) fn sincos(quarters: f64) -> (f32, f32) {
    let sum = quarters + WHOLE;
    let a = (quarters - (sum - WHOLE)) as f32 * FRAC_PI_2;
    let quarter = sum.to_bits() as u32;
    let a2 = a * a;
    // Taylor's series; the next terms are below 2e-9 and 3e-8 at an eighth of a turn.
    let s = a * (1.0 + a2 * (SIN[0] + a2 * (SIN[1] + a2 * (SIN[2] + a2 * SIN[3]))));
    let c = 1.0 + a2 * (COS[0] + a2 * (COS[1] + a2 * (COS[2] + a2 * COS[3])));
    // An odd quarter changes them over, every second one their signs.
    let (s, c) = (s.to_bits(), c.to_bits());
    let change = (s ^ c) & 0u32.wrapping_sub(quarter & 1);
    let sign = |half: u32| (half & 2) << 30;
    (f32::from_bits(s ^ change ^ sign(quarter)), f32::from_bits(c ^ change ^ sign(quarter.wrapping_add(1))))
}

const SIN: [f32; 4] = [-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0];
const COS: [f32; 4] = [-1.0 / 2.0, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0];

/// The angle of a direction, good to 3.5e-6; any for none.
#[inline]
pub(crate) fn atan2(y: f32, x: f32) -> f32 {
    let (ay, ax) = (y.abs(), x.abs());
    let (num, den) = if ay > ax { (ax, ay) } else { (ay, ax) };
    let t = num / if den > f32::MIN_POSITIVE { den } else { f32::MIN_POSITIVE };
    let t2 = t * t;
    // The polynomial in t² that equals atan(t)/t at the six Chebyshev nodes of [0, 1].
    let a = t * (ATAN[0] + t2 * (ATAN[1] + t2 * (ATAN[2] + t2 * (ATAN[3] + t2 * (ATAN[4] + t2 * ATAN[5])))));
    // Reflected at the diagonal and at both axes; by signs, because a branch would be guessed wrongly half of the time.
    let a = FRAC_PI_4 - (FRAC_PI_4 - a).copysign(ax - ay);
    let a = FRAC_PI_2 - (FRAC_PI_2 - a).copysign(x);
    a.copysign(y)
}

const ATAN: [f32; 6] = [0.999_994_8, -0.332_957_1, 0.195_346_6, -0.120_448_59, 0.056_589_987, -0.013_130_383];

/// A part of a whole, from 0 to less than 1, in units of 2^-32, good to 2^-23. A little more than the whole is half of
/// that more than nothing, and a little less than nothing twice that less than the whole.
#[inline]
pub(crate) fn fraction(part: f32) -> u32 {
    // Between 1 and 2 a number's last 23 bits are its fraction.
    (part + 1.0).to_bits() << 9
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::{FRAC_PI_2, PI, TAU};

    #[test]
    fn the_quick_angle_is_good_to_3e_6_in_every_direction() {
        for n in 0..200_000 {
            let angle = -PI + TAU * (f64::from(n) + 0.5) / 200_000.0;
            let (y, x) = ((6.4e6 * libm::sin(angle)) as f32, (6.4e6 * libm::cos(angle)) as f32);
            let off = libm::fabs(f64::from(atan2(y, x)) - angle);
            assert!(off < 3.5e-6, "{angle}: {off}");
        }
        assert!(atan2(0.0, 0.0) < 3e-6);
    }

    #[test]
    fn the_quick_sine_and_cosine_are_good_to_2e_7() {
        for n in -100_000..100_000 {
            let quarters = f64::from(n) * 4.7e-5;
            let (s, c) = sincos(quarters);
            let (sin, cos) = libm::sincos(quarters * FRAC_PI_2);
            let (s, c) = (f64::from(s), f64::from(c));
            assert!(libm::fabs(s - sin) < 2e-7 && libm::fabs(c - cos) < 2e-7, "{quarters}: {s} {c}");
        }
    }

    #[test]
    fn a_fraction_is_good_to_23_bits_and_goes_round() {
        for (part, want) in [(0.0, 0i64), (1.0, 0), (0.5, 1 << 31), (1.000_001, 2147), (-0.000_001, -8590)] {
            let off = (i64::from(fraction(part)) - want).rem_euclid(1 << 32);
            assert!(off.min((1 << 32) - off) <= 1024, "{part}: {off}");
        }
    }
}
