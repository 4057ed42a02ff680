//! Whether the edges of a ring keep apart: Shamos and Hoey's sweep, so that ten thousand edges are not compared with one another.
use alloc::vec::Vec;

/// Places nearer than this are one, radians (0.6 µm): a hundred times what rounding moves them.
const TOUCH: f64 = 1e-13;

/// A vertex in a plane in which edges are straight.
pub type Flat = (f64, f64);

/// Twice the area of a triangle; positive if it turns left.
fn turn(a: Flat, b: Flat, p: Flat) -> f64 {
    (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
}

/// Side of the line from `a` to `b` that `p` is on: 1 left, -1 right, 0 on it.
fn side(a: Flat, b: Flat, p: Flat) -> i32 {
    let (twice, length) = (turn(a, b, p), libm::hypot(b.0 - a.0, b.1 - a.1));
    if twice.abs() <= TOUCH * length { 0 } else { twice.signum() as i32 }
}

/// Whether `p`, on the line from `a` to `b`, is between them.
fn between(a: Flat, b: Flat, p: Flat) -> bool {
    let within = |a: f64, b: f64, p: f64| a.min(b) - TOUCH <= p && p <= a.max(b) + TOUCH;
    within(a.0, b.0, p.0) && within(a.1, b.1, p.1)
}

fn meet(a: Flat, b: Flat, c: Flat, d: Flat) -> bool {
    let (on_c, on_d) = (side(a, b, c), side(a, b, d));
    let (on_a, on_b) = (side(c, d, a), side(c, d, b));
    (on_c * on_d < 0 && on_a * on_b < 0)
        || (on_c == 0 && between(a, b, c))
        || (on_d == 0 && between(a, b, d))
        || (on_a == 0 && between(c, d, a))
        || (on_b == 0 && between(c, d, b))
}

/// The vertices from left to right (those of one x from below).
pub fn order(at: &[Flat]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..at.len()).collect();
    order.sort_unstable_by(|&a, &b| at[a].0.total_cmp(&at[b].0).then(at[a].1.total_cmp(&at[b].1)).then(a.cmp(&b)));
    order
}

/// Whether all are on one line: then there is no inside, and edges lie on each other.
pub fn is_line(at: &[Flat]) -> bool {
    let far = |p: &Flat| libm::hypot(p.0 - at[0].0, p.1 - at[0].1);
    let Some(&end) = at.iter().max_by(|a, b| far(a).total_cmp(&far(b))) else { return true };
    // Ten times as far as what touches: points computed to be on a line are on it.
    at.iter().all(|&p| turn(at[0], end, p).abs() <= 10.0 * TOUCH * far(&end))
}

/// Two edges of the ring that cross or touch, though they do not follow each other; edge `n` begins at vertex `n`. `order` is
/// [`order`]'s; no two vertices are equal.
pub fn crossing(at: &[Flat], order: &[usize]) -> Option<(usize, usize)> {
    let mut rank = alloc::vec![0; at.len()];
    for (place, &vertex) in order.iter().enumerate() {
        rank[vertex] = place;
    }
    let mut sweep = Sweep { at, rank, active: Vec::new() };
    let found = order.iter().find_map(|&vertex| sweep.pass(vertex).err());
    found.map(|(a, b)| (a.min(b), a.max(b)))
}

/// A line that goes over the plane from left to right.
struct Sweep<'a> {
    at: &'a [Flat],
    rank: Vec<usize>,
    /// The edges that it meets, from below. A vector: moving 80 kB at most at a vertex costs less than a tree.
    active: Vec<usize>,
}

type Met = (usize, usize);

impl Sweep<'_> {
    fn next(&self, vertex: usize) -> usize {
        if vertex + 1 == self.at.len() { 0 } else { vertex + 1 }
    }

    fn ends(&self, edge: usize) -> (Flat, Flat) {
        let (a, b) = (edge, self.next(edge));
        if self.rank[a] < self.rank[b] { (self.at[a], self.at[b]) } else { (self.at[b], self.at[a]) }
    }

    fn pass(&mut self, vertex: usize) -> Result<(), Met> {
        let (after, last) = (self.next(vertex), self.at.len() - 1);
        let (out, into) = (vertex, if vertex == 0 { last } else { vertex - 1 });
        match (self.rank[into] > self.rank[vertex], self.rank[after] > self.rank[vertex]) {
            (true, true) => self.begin(vertex, into, out),
            (false, false) => self.end(into, out),
            (false, true) => self.go_on(into, out),
            (true, false) => self.go_on(out, into),
        }
    }

    /// Two edges begin.
    fn begin(&mut self, vertex: usize, into: usize, out: usize) -> Result<(), Met> {
        let p = self.at[vertex];
        let (mut low, mut high) = (0, self.active.len());
        while low < high {
            let middle = low.midpoint(high);
            let (left, right) = self.ends(self.active[middle]);
            match side(left, right, p) {
                0 => return Err((self.active[middle], out)),
                1 => low = middle + 1,
                _ => high = middle,
            }
        }
        let pair = match side(p, self.ends(into).1, self.ends(out).1) {
            0 => return Err((into, out)),
            1 => [into, out],
            _ => [out, into],
        };
        self.active.splice(low..low, pair);
        self.below(low)?;
        self.below(low + 2)
    }

    /// One edge ends where another begins.
    fn go_on(&mut self, ends: usize, begins: usize) -> Result<(), Met> {
        let place = self.find(ends);
        self.active[place] = begins;
        self.below(place)?;
        self.below(place + 1)
    }

    /// Two edges end.
    fn end(&mut self, one: usize, other: usize) -> Result<(), Met> {
        let (one, other) = (self.find(one), self.find(other));
        let (low, high) = (one.min(other), one.max(other));
        if low + 1 < high {
            // What is between them comes to the same vertex.
            return Err((self.active[low], self.active[low + 1]));
        }
        self.active.drain(low..=high);
        self.below(low)
    }

    fn find(&self, edge: usize) -> usize {
        self.active.iter().position(|&active| active == edge).expect("an edge is active from its one end to the other")
    }

    /// Looks whether the edge at a place and the one below it meet.
    fn below(&self, place: usize) -> Result<(), Met> {
        let (Some(&upper), Some(below)) = (self.active.get(place), place.checked_sub(1)) else { return Ok(()) };
        let lower = self.active[below];
        if self.next(upper) == lower || self.next(lower) == upper {
            return Ok(());
        }
        let ((a, b), (c, d)) = (self.ends(lower), self.ends(upper));
        if meet(a, b, c, d) { Err((lower, upper)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each end on the other edge, an end beside it, and beyond its end.
    #[test]
    fn an_end_on_an_edge_meets_it() {
        let (a, b) = ((0.0, 0.0), (2.0, 1.0));
        for (end, met) in [((1.0, 0.5), true), ((1.0, 0.6), false), ((4.0, 2.0), false), ((-2.0, -1.0), false)] {
            let far = (end.0 - 1.0, end.1 + 3.0);
            assert_eq!(meet(a, b, end, far), met, "{end:?}");
            assert_eq!(meet(a, b, far, end), met, "{end:?}");
            assert_eq!(meet(end, far, a, b), met, "{end:?}");
            assert_eq!(meet(far, end, a, b), met, "{end:?}");
        }
    }

    /// No ring is known that comes to this: what meets is found before.
    #[test]
    fn an_edge_between_two_that_end_is_met() {
        let at = [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 1.0)];
        let mut sweep = Sweep { at: &at, rank: alloc::vec![0, 1, 2, 3], active: alloc::vec![1, 3, 2] };
        assert_eq!(sweep.end(2, 1), Err((1, 3)));
        sweep.active = alloc::vec![3, 1, 2];
        assert_eq!(sweep.end(2, 1), Ok(()));
        assert_eq!(sweep.active, [3]);
    }
}
