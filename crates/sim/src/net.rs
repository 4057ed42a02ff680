//! The network: paths between parties, connections over them, and a man in the middle.
//!
//! A connection is two ordered streams of frames, as TLS over TCP gives; what is lost on a path is sent again until the pings
//! find it dead. The man in the middle drops, repeats, swaps and alters frames, which TLS would not let him: so the protocol
//! itself is seen to hold.
use crate::random::Random;
use std::collections::{BTreeMap, VecDeque};

/// What travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A frame.
    Frame(Vec<u8>),
    /// The end of the connection.
    End,
}

/// What the man in the middle does to the next frame of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    /// Drops it.
    Drop,
    /// Sends it twice.
    Duplicate,
    /// Sends it before the one before it.
    Reorder,
    /// Turns a bit of it over.
    Flip,
}

/// One direction between two parties.
#[derive(Debug, Clone)]
pub struct Path {
    /// Nothing passes before this.
    pub blocked_until: u64,
    /// Slow until this.
    pub slow_until: u64,
    /// Usual time on the way, ms.
    pub latency_ms: u64,
    /// For the next frames.
    pub tamper: VecDeque<Tamper>,
    /// When something was last done to a frame.
    pub tampered: u64,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// Whose.
    pub node: usize,
    /// Its number there.
    pub session: u64,
    /// Not yet closed on this side.
    pub open: bool,
}

/// A connection; `ends[0]` dialled.
#[derive(Debug)]
pub struct Conn {
    /// Both ends.
    pub ends: [End; 2],
    /// On the wire from `ends[i]`, each with the time at which it arrives.
    lanes: [VecDeque<(u64, Item)>; 2],
    last_due: [u64; 2],
    /// Pings that were not answered.
    pub missed: u32,
    /// When it began.
    pub began: u64,
}

/// All paths and connections.
#[derive(Debug)]
pub struct Net {
    paths: BTreeMap<(usize, usize), Path>,
    conns: BTreeMap<u64, Conn>,
    last: u64,
}

impl Net {
    /// Between so many parties.
    pub fn new(random: &mut Random, count: usize) -> Self {
        let mut paths = BTreeMap::new();
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from) {
                let latency_ms = *random.pick(&[1, 5, 20, 80, 300]);
                let path = Path { blocked_until: 0, slow_until: 0, latency_ms, tamper: VecDeque::new(), tampered: 0 };
                paths.insert((from, to), path);
            }
        }
        Self { paths, conns: BTreeMap::new(), last: 0 }
    }

    /// The path from one to another.
    pub fn path(&mut self, from: usize, to: usize) -> &mut Path {
        match self.paths.get_mut(&(from, to)) {
            Some(path) => path,
            None => unreachable!("a path between two parties"),
        }
    }

    /// Whether both directions are open.
    pub fn is_open(&self, a: usize, b: usize, now: u64) -> bool {
        [(a, b), (b, a)].iter().all(|way| self.paths.get(way).is_some_and(|path| path.blocked_until <= now))
    }

    /// Whether nothing has disturbed either direction since a time.
    pub fn is_calm_since(&self, a: usize, b: usize, at: u64) -> bool {
        let calm = |path: &Path| path.blocked_until < at && path.slow_until < at && path.tampered < at;
        [(a, b), (b, a)].iter().all(|way| self.paths.get(way).is_some_and(calm))
    }

    /// Heals everything.
    pub fn heal(&mut self) {
        for path in self.paths.values_mut() {
            (path.blocked_until, path.slow_until) = (0, 0);
            path.tamper.clear();
        }
    }

    /// A connection begins.
    pub fn connect(&mut self, dialler: usize, listener: usize, now: u64) -> u64 {
        self.last += 1;
        let end = |node| End { node, session: 0, open: true };
        let ends = [end(dialler), end(listener)];
        let conn = Conn { ends, lanes: Default::default(), last_due: [now; 2], missed: 0, began: now };
        self.conns.insert(self.last, conn);
        self.last
    }

    /// A connection.
    pub fn conn(&mut self, conn: u64) -> Option<&mut Conn> {
        self.conns.get_mut(&conn)
    }

    /// Connections between two parties.
    pub fn between(&self, a: usize, b: usize) -> Vec<u64> {
        let of = |conn: &Conn| conn.ends.iter().all(|end| end.node == a || end.node == b);
        self.conns.iter().filter(|(_, conn)| of(conn)).map(|(id, _)| *id).collect()
    }

    /// Connections of a party, with the side that is its own.
    pub fn of(&self, node: usize) -> Vec<(u64, usize)> {
        let side = |conn: &Conn| conn.ends.iter().position(|end| end.node == node && end.open);
        self.conns.iter().filter_map(|(id, conn)| side(conn).map(|side| (*id, side))).collect()
    }

    /// Both sides have closed it.
    pub fn forget(&mut self, conn: u64) {
        self.conns.remove(&conn);
    }

    /// Nothing of what is on a connection arrives.
    pub fn lose(&mut self, conn: u64) {
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.lanes.iter_mut().for_each(VecDeque::clear);
        }
    }

    /// Puts something on the wire from `side`; gives the times at which something arrives, and what the man did.
    pub fn send(
        &mut self,
        random: &mut Random,
        conn: u64,
        side: usize,
        item: Item,
        now: u64,
    ) -> (Vec<u64>, Option<Tamper>) {
        let Some(at) = self.conns.get_mut(&conn) else { return (Vec::new(), None) };
        let (from, to) = (at.ends[side].node, at.ends[1 - side].node);
        let Some(path) = self.paths.get_mut(&(from, to)) else { return (Vec::new(), None) };
        let bytes = if let Item::Frame(frame) = &item { frame.len() as u64 } else { 0 };
        let mut took = path.latency_ms + random.below(path.latency_ms + 1);
        if path.slow_until > now {
            // Two seconds more, and 8 kB a second.
            took += 2_000 + bytes / 8;
        }
        let due = (now + took).max(at.last_due[side]);
        at.last_due[side] = due;
        let tamper = if bytes > 0 { path.tamper.pop_front() } else { None };
        if tamper.is_some() {
            path.tampered = now;
        }
        let lane = &mut at.lanes[side];
        match (tamper, item) {
            (Some(Tamper::Drop), _) => return (Vec::new(), tamper),
            (Some(Tamper::Duplicate), item) => {
                lane.push_back((due, item.clone()));
                lane.push_back((due, item));
                return (vec![due, due], tamper);
            }
            (Some(Tamper::Reorder), item) => {
                // Before the last that is on the way, if there is one; else it waits for the next.
                match lane.pop_back() {
                    Some((_, before)) => {
                        lane.push_back((due, item));
                        lane.push_back((due, before));
                    }
                    None => {
                        lane.push_back((due, item));
                        path.tamper.push_front(Tamper::Reorder);
                        return (vec![due], None);
                    }
                }
            }
            (Some(Tamper::Flip), Item::Frame(mut frame)) => {
                let bit = random.below(bytes * 8);
                frame[(bit / 8) as usize] ^= 1 << (bit % 8);
                lane.push_back((due, Item::Frame(frame)));
            }
            (_, item) => lane.push_back((due, item)),
        }
        (vec![due], tamper)
    }

    /// Takes what arrives now from `side`: nothing if it is not yet due, or the time to try again if the path is blocked.
    pub fn arrive(&mut self, conn: u64, side: usize, now: u64) -> Result<Option<Item>, u64> {
        let Some(at) = self.conns.get_mut(&conn) else { return Ok(None) };
        let (from, to) = (at.ends[side].node, at.ends[1 - side].node);
        let blocked_until = self.paths.get(&(from, to)).map_or(0, |path| path.blocked_until);
        if blocked_until > now {
            return Err(blocked_until);
        }
        let due = at.lanes[side].front().is_some_and(|(due, _)| *due <= now);
        Ok(if due { at.lanes[side].pop_front().map(|(_, item)| item) } else { None })
    }
}
