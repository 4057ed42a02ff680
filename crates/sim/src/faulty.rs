//! How each fault strikes.
use crate::check::Excuse;
use crate::effects::Death;
use crate::event::{Event, Fault, Step};
use crate::net::Tamper;
use crate::parties;
use crate::world::{Party, Task, World};
use faults::{Fault as DiskFault, Op};
use fold::NotAccepted;

/// A backup is restored when it is at least this old.
const BACKUP_AGE: u64 = 600_000;
/// A start that is refused so often is not a matter of chance.
const REFUSED_MAX: u32 = 4;

impl World {
    fn pair(&mut self) -> (usize, usize) {
        let count = self.parties.len() as u64;
        let a = self.random.below(count) as usize;
        let b = (a + 1 + self.random.below(count - 1) as usize) % count as usize;
        (a, b)
    }

    fn honest(&mut self) -> usize {
        loop {
            let n = self.random.below(self.parties.len() as u64) as usize;
            if matches!(self.parties[n], Party::Honest(_)) {
                return n;
            }
        }
    }

    /// A fault strikes.
    pub(crate) fn strike(&mut self, fault: Fault) {
        let n = self.honest();
        let (a, b) = self.pair();
        match fault {
            Fault::Cut | Fault::Flap | Fault::Partition | Fault::OneWay | Fault::Slow => self.strike_path(fault, a, b),
            Fault::Drop | Fault::Duplicate | Fault::Reorder | Fault::Flip => {
                let tamper = match fault {
                    Fault::Drop => Tamper::Drop,
                    Fault::Duplicate => Tamper::Duplicate,
                    Fault::Reorder => Tamper::Reorder,
                    _ => Tamper::Flip,
                };
                let tampers = &mut self.net.path(a, b).tamper;
                if tampers.is_empty() {
                    tampers.push_back(tamper);
                }
            }
            _ if !self.is_up(n) => {}
            Fault::PowerDisk
            | Fault::KillDisk
            | Fault::WriteError
            | Fault::WriteTorn
            | Fault::SyncError
            | Fault::Full => {
                self.note(n, Event::Fault(fault), "");
                self.strike_disk(fault, n);
            }
            Fault::PowerEffect | Fault::KillEffect => {
                let death = if fault == Fault::PowerEffect { Death::Power } else { Death::Killed };
                let left = self.random.below(12);
                self.note(n, Event::Fault(fault), "");
                if let Some(host) = self.host(n) {
                    host.effects.dies = Some((left, death));
                }
            }
            Fault::Restart => {
                self.note(n, Event::Fault(fault), "");
                let (now, wait) = (self.now, self.random.wait(10_000));
                if let Some(host) = self.host(n) {
                    host.stop(now);
                }
                self.hung_up(n);
                self.after(wait, Task::Start(n));
            }
            Fault::ReadError => {
                self.note(n, Event::Fault(fault), "");
                self.read_errors[n] = true;
                self.kill(n);
            }
            Fault::BitRot => self.rot(n),
            Fault::Backup => self.backup(),
            Fault::Offset | Fault::Drift | Fault::Jump => self.strike_clock(fault, n),
        }
    }

    fn strike_path(&mut self, fault: Fault, a: usize, b: usize) {
        let now = self.now;
        // Mostly minutes, at times hours.
        let hours = self.random.one_in(12);
        let long =
            if hours { self.random.between(600_000, 3 * 3_600_000) } else { self.random.between(1_000, 300_000) };
        self.note(a, Event::Fault(fault), &format!("towards {} for up to {} s", parties::name(b), long / 1000));
        match fault {
            Fault::Cut => self.cut(a, b),
            Fault::Flap => {
                let mut at = 0;
                for _ in 0..self.random.between(3, 12) {
                    at += self.random.between(200, 15_000);
                    self.after(at, Task::Cut(a, b));
                }
            }
            Fault::Slow => self.net.path(a, b).slow_until = now + long,
            Fault::OneWay => self.net.path(a, b).blocked_until = now + long,
            _ => {
                self.net.path(a, b).blocked_until = now + long;
                self.net.path(b, a).blocked_until = now + long;
            }
        }
    }

    fn strike_disk(&mut self, fault: Fault, n: usize) {
        let (at, partly) = (self.random.below(30), self.random.one_in(2));
        let (lift, spare) = (self.random.wait(120_000), self.random.below(3 << 20));
        let Some(host) = self.host(n) else { return };
        let ops = host.disk.ops();
        match fault {
            Fault::PowerDisk if partly => host.disk.fail(ops + at, DiskFault::PowerPartly),
            Fault::PowerDisk => host.disk.fail(ops + at, DiskFault::PowerBefore),
            Fault::KillDisk => host.disk.fail(ops + at, DiskFault::Killed),
            Fault::WriteError => host.disk.fail_next(Op::Write, DiskFault::Error),
            Fault::WriteTorn => host.disk.fail_next(Op::Write, DiskFault::ErrorPartly),
            Fault::SyncError if partly => host.disk.fail_next(Op::Sync, DiskFault::ErrorPartly),
            Fault::SyncError => host.disk.fail_next(Op::Sync, DiskFault::Error),
            _ => {
                host.disk.set_capacity(host.disk.used() + spare);
                self.after(lift, Task::Lift(n));
            }
        }
    }

    fn strike_clock(&mut self, fault: Fault, n: usize) {
        let (ms, ppm) = (self.random.between(100, 600_000) as i64, self.random.between(1, 300) as i64);
        let sign = if self.random.one_in(2) { 1 } else { -1 };
        self.note(n, Event::Fault(fault), &format!("{} ms, {} ppm", sign * ms, sign * ppm));
        let Some(host) = self.host(n) else { return };
        host.moved = true;
        match fault {
            Fault::Offset => host.offset_ms = sign * ms,
            Fault::Drift => host.drift_ppm = sign * ppm,
            _ => host.offset_ms += sign * ms * 6,
        }
    }

    fn kill(&mut self, n: usize) {
        if let Some(host) = self.host(n) {
            host.die(Death::Killed);
        }
        self.hung_up(n);
        let wait = self.random.wait(10_000);
        self.after(wait, Task::Start(n));
    }

    /// A bit turns over on a disk.
    fn rot(&mut self, n: usize) {
        let files = self.host(n).map(|host| host.disk.files()).unwrap_or_default();
        let files: Vec<_> = files.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        if files.is_empty() {
            return;
        }
        let (path, bytes) = self.random.pick(&files).clone();
        let bit = self.random.below(bytes * 8);
        self.note(n, Event::Fault(Fault::BitRot), &format!("bit {bit} of {}", path.display()));
        if let Some(host) = self.host(n) {
            host.disk.rot(&path, bit);
            (host.damaged, host.excuse) = (true, Excuse::Old);
        }
    }

    /// Takes a backup of the one node that may be set back, or puts it in place.
    fn backup(&mut self) {
        let (n, now) = (self.swarm.old, self.now);
        if !self.is_up(n) {
            return;
        }
        match self.backup.take() {
            Some((at, disk)) if now - at > BACKUP_AGE => {
                self.note(n, Event::Fault(Fault::Backup), &format!("of {} s ago", (now - at) / 1000));
                let Some(host) = self.host(n) else { return };
                host.die(Death::Killed);
                host.disk.restore(&disk);
                (host.excuse, host.damaged) = (Excuse::Old, true);
                self.hung_up(n);
                self.after(5_000, Task::Start(n));
            }
            Some(kept) => self.backup = Some(kept),
            None => {
                if let Some(host) = self.host(n) {
                    self.backup = Some((now, host.disk.backup()));
                    self.note(n, Event::Step(Step::BackupTaken), "");
                }
            }
        }
    }

    /// The middle did something to a frame.
    pub(crate) fn tampered(&mut self, conn: u64, tamper: Tamper) {
        let Some(ends) = self.net.conn(conn).map(|conn| conn.ends) else { return };
        let fault = match tamper {
            Tamper::Drop => Fault::Drop,
            Tamper::Duplicate => Fault::Duplicate,
            Tamper::Reorder => Fault::Reorder,
            Tamper::Flip => Fault::Flip,
        };
        let (a, b) = (ends[0].node, ends[1].node);
        self.note(a, Event::Fault(fault), parties::name(b).as_str());
        if fault == Fault::Flip {
            self.altered.push(((a.min(b), a.max(b)), self.now));
            for n in [a, b] {
                if let Some(host) = self.host(n) {
                    host.tampered = true;
                }
            }
        }
    }

    /// A node did not start on what its disk has.
    pub(crate) fn not_started(&mut self, n: usize, why: &str, by_fault: bool) {
        self.note(n, Event::Step(Step::StartRefused), why);
        let is_full = self.host(n).is_some_and(|host| host.disk.is_limited());
        // A full disk is told from a damaged one: somebody makes room. An operation that failed during this very start is a
        // fault of its own, and says nothing about what is on the disk.
        self.refused[n] += u32::from(!is_full && !by_fault);
        let (tries, can) = (self.refused[n], self.swarm.old == n);
        let wait = self.random.wait(20_000);
        if tries < REFUSED_MAX {
            return self.after(wait, Task::Start(n));
        }
        let Some(host) = self.host(n) else { return };
        if !host.damaged {
            let text = format!("it does not start on a disk that was never damaged: {why}");
            return self.shared.trace.borrow_mut().violation(parties::name(n).as_str(), text);
        }
        if let Some((_, disk)) = self.backup.take().filter(|_| can) {
            self.note(n, Event::Fault(Fault::Backup), "since nothing else can be used");
            if let Some(host) = self.host(n) {
                host.disk.restore(&disk);
                host.excuse = Excuse::Old;
            }
            self.refused[n] = 0;
            return self.after(wait, Task::Start(n));
        }
        self.note(n, Event::Step(Step::GivenUp), why);
        self.given_up.push(n);
    }

    /// An operator restarts a node whose disk failed.
    pub(crate) fn repair(&mut self, n: usize) {
        let failed = self.host(n).is_some_and(|host| matches!(host.trouble(), Some(NotAccepted::Failed(_))));
        if failed {
            self.kill(n);
        }
    }
}
