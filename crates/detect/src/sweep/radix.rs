//! Sorting by an integer key in time that grows with the number of items alone.
use alloc::vec::Vec;

/// Most bits of a digit: its counts stay in the nearest cache.
const DIGIT_MAX: u32 = 12;
/// Below this the comparing sort is as fast.
const FEW: usize = 256;

/// Sorted by `key`, which is at most `top`; items of one key stay in order.
pub(crate) fn sort<T: Copy>(mut items: Vec<T>, key: impl Fn(&T) -> u64, top: u64) -> Vec<T> {
    if items.len() < FEW {
        items.sort_by_key(|item| key(item));
        return items;
    }
    let Some(filler) = items.first().copied() else { return items };
    let mut other = alloc::vec![filler; items.len()];
    // As few digits as can be, all of the same width.
    let bits = u64::BITS - top.leading_zeros();
    let width = bits.div_ceil(bits.div_ceil(DIGIT_MAX).max(1));
    let mut shift = 0;
    while shift < bits {
        let digit = |item: &T| (key(item) >> shift) as usize & ((1 << width) - 1);
        let mut starts = [0u32; 1 << DIGIT_MAX];
        let starts = &mut starts[..1 << width];
        items.iter().for_each(|item| starts[digit(item)] += 1);
        let mut sum = 0;
        for start in &mut *starts {
            (*start, sum) = (sum, sum + *start);
        }
        for item in &items {
            let start = &mut starts[digit(item)];
            other[*start as usize] = *item;
            *start += 1;
        }
        core::mem::swap(&mut items, &mut other);
        shift += width;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::draw;

    #[test]
    fn it_sorts_as_the_comparing_sort_does_and_keeps_equals_in_order() {
        for (n, top) in [(0, 0), (1, 5), (300, 3), (5000, u64::MAX), (5000, 1 << 40), (3000, 0)] {
            let items: Vec<(u64, usize)> = (0..n).map(|i| ((draw(1, i as u64) * top as f64) as u64 & top, i)).collect();
            let mut want = items.clone();
            want.sort();
            assert_eq!(sort(items, |item| item.0, top), want);
        }
    }
}
