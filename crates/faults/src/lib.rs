//! A disk in memory that can fail any one operation, lose power, and run full. It keeps apart what a process sees and what would be
//! there after power loss, and it is as unhelpful as real ones: a failed sync drops the pages and calls the next one good, and unsynced
//! sectors and names survive a crash or not.
//!
//! **In scope.** One file system behind `journal::fs::Fs`, for the tests of storage and for the simulator. **Out of scope.** When
//! which fault strikes: the test or the simulator says. Everything is exact: the same calls give the same disk.
#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use journal::fs::{Entry, Fs, FsFile, Lock};

/// How one operation goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device reports an error; nothing happened.
    Error,
    /// The device reports an error; half of it, or a change of names all of it, happened.
    ErrorPartly,
    /// No space; nothing happened.
    NoSpace,
    /// No space; half of it happened.
    NoSpacePartly,
    /// Power is lost before it.
    PowerBefore,
    /// Power is lost after half of it.
    PowerPartly,
    /// The process is killed before it: what it wrote stays in memory and is still seen, but is not on the disk.
    Killed,
}

/// All of them.
pub const FAULTS: [Fault; 7] = [
    Fault::Error,
    Fault::ErrorPartly,
    Fault::NoSpace,
    Fault::NoSpacePartly,
    Fault::PowerBefore,
    Fault::PowerPartly,
    Fault::Killed,
];

/// What survives of unsynced data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    Lost,
    /// Everything.
    Kept,
    /// The first half of each write.
    Torn,
    /// Every second sector of each write; the others read as before, or as zeros.
    Holes,
    /// Every write, but no cut: the file has its longest form.
    Uncut,
}

/// What survives of a power loss: data, and whether unsynced names do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Of unsynced writes.
    pub data: Data,
    /// Whether unsynced names survive.
    pub names: bool,
}

/// All of them.
pub const LOSSES: [Loss; 10] = [
    Loss { data: Data::Lost, names: false },
    Loss { data: Data::Lost, names: true },
    Loss { data: Data::Kept, names: false },
    Loss { data: Data::Kept, names: true },
    Loss { data: Data::Torn, names: false },
    Loss { data: Data::Torn, names: true },
    Loss { data: Data::Holes, names: false },
    Loss { data: Data::Holes, names: true },
    Loss { data: Data::Uncut, names: false },
    Loss { data: Data::Uncut, names: true },
];

const SECTOR: u64 = 512;

/// Capacity of a disk that does not run full.
pub const NO_LIMIT: u64 = u64::MAX >> 1;

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Debug, Clone)]
enum Rename {
    Link(PathBuf, u64),
    Unlink(PathBuf),
}

#[derive(Debug, Default, Clone)]
struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    /// Handles on it: it lives on without a name while there are any.
    open: u32,
}

/// A kind of operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Reading bytes of a file.
    Read,
    /// Writing bytes, creating, renaming, removing.
    Write,
    /// Syncing a file or a folder.
    Sync,
    /// Anything else: lists, lengths, free space, the lock.
    Look,
}

#[derive(Debug, Default, Clone)]
struct Disk {
    inodes: HashMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    pending_names: Vec<Rename>,
    next_inode: u64,
    ops: u64,
    faults: Vec<(u64, Fault)>,
    /// The next operation of this kind goes wrong.
    next_of: Vec<(Op, Fault)>,
    struck: u64,
    off: bool,
    killed: bool,
    capacity: u64,
    lock: Option<u64>,
    lock_turn: u64,
    salt: u64,
}

/// The disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct FaultFs(Arc<Mutex<Disk>>);

impl Default for FaultFs {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultFs {
    /// An empty disk.
    pub fn new() -> FaultFs {
        FaultFs(Arc::new(Mutex::new(Disk { capacity: NO_LIMIT, ..Disk::default() })))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations so far.
    pub fn ops(&self) -> u64 {
        self.disk().ops
    }

    /// Faults that struck so far.
    pub fn struck(&self) -> u64 {
        self.disk().struck
    }

    /// Operation number `at`, counted from 0, goes wrong.
    pub fn fail(&self, at: u64, fault: Fault) {
        self.disk().faults.push((at, fault));
    }

    /// The next operation of a kind goes wrong.
    pub fn fail_next(&self, op: Op, fault: Fault) {
        self.disk().next_of.push((op, fault));
    }

    /// No further faults.
    pub fn heal(&self) {
        let mut disk = self.disk();
        disk.faults.clear();
        disk.next_of.clear();
    }

    /// No fault at the operations before this one.
    pub fn heal_before(&self, at: u64) {
        self.disk().faults.retain(|(n, _)| *n >= at);
    }

    /// A copy of what is on the disk now, as a backup of a running machine has it; faults and handles are not in it.
    pub fn backup(&self) -> FaultFs {
        let mut copy = self.disk().clone();
        (copy.off, copy.killed, copy.lock) = (false, false, None);
        copy.faults.clear();
        copy.next_of.clear();
        copy.names = copy.durable_names.clone();
        copy.pending_names.clear();
        for inode in copy.inodes.values_mut() {
            inode.pending.clear();
            (inode.seen, inode.open) = (inode.durable.clone(), 0);
        }
        copy.forget_nameless();
        FaultFs(Arc::new(Mutex::new(copy)))
    }

    /// Puts a backup in place of what is here. No handle may be open.
    pub fn restore(&self, backup: &FaultFs) {
        let copy = backup.disk().clone();
        let mut disk = self.disk();
        let ops = disk.ops;
        *disk = Disk { ops, ..copy };
    }

    /// Names and lengths of all files.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let disk = self.disk();
        disk.names.iter().map(|(path, inode)| (path.clone(), disk.inodes[inode].seen.len() as u64)).collect()
    }

    /// Turns one bit over, on the disk and in the cache.
    pub fn rot(&self, path: &Path, bit: u64) {
        let mut disk = self.disk();
        let Some(inode) = disk.names.get(path).copied().and_then(|inode| disk.inodes.get_mut(&inode)) else { return };
        let at = (bit / 8) as usize;
        for bytes in [&mut inode.seen, &mut inode.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Whether the process was killed with power on; if so another one may start.
    pub fn restart_if_killed(&self) -> bool {
        let mut disk = self.disk();
        let killed = std::mem::take(&mut disk.killed);
        if killed {
            disk.off = false;
            disk.lock = None;
        }
        killed
    }

    /// Whether power is off, or the process dead: every operation fails.
    pub fn is_off(&self) -> bool {
        self.disk().off
    }

    /// How much the disk holds.
    pub fn set_capacity(&self, bytes: u64) {
        self.disk().capacity = bytes;
    }

    /// Whether a capacity is set.
    pub fn is_limited(&self) -> bool {
        self.disk().capacity != NO_LIMIT
    }

    /// Bytes in files.
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    /// The process dies with power on: what it wrote stays in memory and is still seen. See [`FaultFs::restart_if_killed`].
    pub fn kill(&self) {
        let mut disk = self.disk();
        (disk.off, disk.killed) = (true, true);
    }

    /// Power goes off.
    pub fn cut_power(&self) {
        self.disk().off = true;
    }

    /// Power goes off and on again.
    pub fn power_cycle(&self, loss: Loss) {
        let mut disk = self.disk();
        for inode in disk.inodes.values_mut() {
            for change in std::mem::take(&mut inode.pending) {
                survive(&mut inode.durable, change, loss.data);
            }
            inode.seen = inode.durable.clone();
        }
        for op in std::mem::take(&mut disk.pending_names) {
            if loss.names {
                apply_name(&mut disk.durable_names, op);
            }
        }
        disk.names = disk.durable_names.clone();
        disk.off = false;
        disk.lock = None;
        disk.forget_nameless();
    }
}

impl Disk {
    fn used(&self) -> u64 {
        self.names.values().filter_map(|i| self.inodes.get(i)).map(|i| i.seen.len() as u64).sum()
    }

    /// Counts an operation; says which fault strikes it.
    fn begin(&mut self, op: Op) -> io::Result<Option<Fault>> {
        if self.off {
            return Err(io::Error::other("power is off"));
        }
        let at = self.ops;
        self.ops += 1;
        let mut fault = self.faults.iter().position(|(n, _)| *n == at).map(|i| self.faults.swap_remove(i).1);
        if fault.is_none() {
            fault = self.next_of.iter().position(|(kind, _)| *kind == op).map(|i| self.next_of.swap_remove(i).1);
        }
        self.struck += u64::from(fault.is_some());
        Ok(fault)
    }

    fn end(&mut self, fault: Fault) -> io::Error {
        match fault {
            Fault::Error | Fault::ErrorPartly => io::Error::from_raw_os_error(5),
            Fault::NoSpace | Fault::NoSpacePartly => io::Error::from_raw_os_error(28),
            Fault::PowerBefore | Fault::PowerPartly => {
                self.off = true;
                io::Error::other("power went off")
            }
            Fault::Killed => {
                (self.off, self.killed) = (true, true);
                io::Error::other("the process was killed")
            }
        }
    }

    fn change_name(&mut self, op: Rename) {
        apply_name(&mut self.names, op.clone());
        self.pending_names.push(op);
        // A program that never syncs names would otherwise fill the memory with files that are long gone.
        if self.pending_names.len().is_multiple_of(256) {
            self.forget_nameless();
        }
    }

    /// Frees what no name leads to and no handle is open on.
    fn forget_nameless(&mut self) {
        let mut named: BTreeSet<u64> = self.names.values().chain(self.durable_names.values()).copied().collect();
        // Links made and unmade again without a sync may still come back after a crash, but only with the last of a name.
        let mut last = BTreeMap::new();
        for op in &self.pending_names {
            match op {
                Rename::Link(path, inode) => last.insert(path, Some(*inode)),
                Rename::Unlink(path) => last.insert(path, None),
            };
        }
        named.extend(last.into_values().flatten());
        self.inodes.retain(|id, inode| inode.open > 0 || named.contains(id));
    }

    fn open(&mut self, inode: u64) -> u64 {
        if let Some(file) = self.inodes.get_mut(&inode) {
            file.open += 1;
        }
        inode
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Fault {
    fn partly(self) -> bool {
        matches!(self, Fault::ErrorPartly | Fault::NoSpacePartly | Fault::PowerPartly)
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, u64>, op: Rename) {
    match op {
        Rename::Link(path, inode) => {
            names.insert(path, inode);
        }
        Rename::Unlink(path) => {
            names.remove(&path);
        }
    }
}

fn apply(bytes: &mut Vec<u8>, change: Change) {
    match change {
        Change::Write(offset, data) => {
            let end = offset as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[offset as usize..end].copy_from_slice(&data);
        }
        Change::Truncate(len) => bytes.resize(len as usize, 0),
    }
}

fn survive(bytes: &mut Vec<u8>, change: Change, loss: Data) {
    match (loss, change) {
        (Data::Lost, _) | (Data::Uncut, Change::Truncate(_)) => {}
        (Data::Kept | Data::Uncut, change) | (_, change @ Change::Truncate(_)) => apply(bytes, change),
        (Data::Torn, Change::Write(offset, mut data)) => {
            data.truncate(data.len() / 2);
            apply(bytes, Change::Write(offset, data));
        }
        (Data::Holes, Change::Write(offset, data)) => {
            let end = offset as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            for (i, byte) in data.into_iter().enumerate() {
                let at = offset + i as u64;
                if at / SECTOR % 2 == 1 {
                    bytes[at as usize] = byte;
                }
            }
        }
    }
}

impl Fs for FaultFs {
    fn create_dir(&self, _: &Path) -> io::Result<bool> {
        let mut disk = self.disk();
        disk.begin(Op::Look)?.map_or(Ok(false), |f| Err(disk.end(f)))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut disk = self.disk();
        if let Some(fault) = disk.begin(Op::Look)? {
            return Err(disk.end(fault));
        }
        let here = disk.names.iter().filter(|(p, _)| p.parent() == Some(dir));
        let entry = |(p, i): (&PathBuf, &u64)| Entry {
            name: p.file_name().unwrap().to_str().unwrap().into(),
            bytes: disk.inodes[i].seen.len() as u64,
        };
        Ok(here.map(entry).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let mut disk = self.disk();
        if let Some(fault) = disk.begin(Op::Look)? {
            return Err(disk.end(fault));
        }
        let inode = disk.inode(path)?;
        let inode = disk.open(inode);
        Ok(Box::new(FaultFile { fs: self.clone(), inode }))
    }

    fn open_rw(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        self.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let mut disk = self.disk();
        let fault = disk.begin(Op::Write)?;
        if fault.is_none_or(Fault::partly) {
            let inode = disk.names.get(path).copied().unwrap_or_else(|| {
                disk.next_inode += 1;
                let inode = disk.next_inode;
                disk.inodes.insert(inode, Inode::default());
                disk.change_name(Rename::Link(path.to_path_buf(), inode));
                inode
            });
            disk.inodes.get_mut(&inode).unwrap().change(Change::Truncate(0));
        }
        match fault {
            Some(fault) => Err(disk.end(fault)),
            None => {
                let inode = disk.inode(path)?;
                let inode = disk.open(inode);
                Ok(Box::new(FaultFile { fs: self.clone(), inode }))
            }
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.begin(Op::Write)?;
        let inode = disk.inode(from)?;
        if fault.is_none_or(Fault::partly) {
            disk.change_name(Rename::Link(to.to_path_buf(), inode));
            disk.change_name(Rename::Unlink(from.to_path_buf()));
        }
        fault.map_or(Ok(()), |f| Err(disk.end(f)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.begin(Op::Write)?;
        disk.inode(path)?;
        if fault.is_none_or(Fault::partly) {
            disk.change_name(Rename::Unlink(path.to_path_buf()));
        }
        fault.map_or(Ok(()), |f| Err(disk.end(f)))
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        // Folders are only parts of names here.
        let mut disk = self.disk();
        disk.begin(Op::Write)?.map_or(Ok(()), |f| Err(disk.end(f)))
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.begin(Op::Sync)?;
        if fault.is_none_or(Fault::partly) {
            let n = if fault.is_some() { disk.pending_names.len() / 2 } else { disk.pending_names.len() };
            let ops: Vec<Rename> = disk.pending_names.drain(..n).collect();
            for op in ops {
                apply_name(&mut disk.durable_names, op);
            }
        }
        fault.map_or(Ok(()), |f| Err(disk.end(f)))
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        let mut disk = self.disk();
        if let Some(fault) = disk.begin(Op::Look)? {
            return Err(disk.end(fault));
        }
        if disk.capacity == NO_LIMIT {
            return Ok(NO_LIMIT);
        }
        Ok(disk.capacity.saturating_sub(disk.used()))
    }

    fn lock(&self, _: &Path) -> io::Result<Lock> {
        let mut disk = self.disk();
        if let Some(fault) = disk.begin(Op::Look)? {
            return Err(disk.end(fault));
        }
        if disk.lock.is_some() {
            return Ok(Lock::Taken(Some(1)));
        }
        disk.lock_turn += 1;
        let turn = disk.lock_turn;
        disk.lock = Some(turn);
        Ok(Lock::Held(Box::new(Held(self.clone(), turn))))
    }

    fn entropy(&self) -> u64 {
        let mut disk = self.disk();
        disk.salt += 0x9e37_79b9;
        disk.salt
    }
}

struct Held(FaultFs, u64);

impl Drop for Held {
    fn drop(&mut self) {
        let mut disk = self.0.disk();
        if disk.lock == Some(self.1) {
            disk.lock = None;
        }
    }
}

impl Inode {
    fn change(&mut self, change: Change) {
        apply(&mut self.seen, change.clone());
        self.pending.push(change);
    }
}

struct FaultFile {
    fs: FaultFs,
    inode: u64,
}

impl Drop for FaultFile {
    fn drop(&mut self) {
        if let Ok(mut disk) = self.fs.0.lock()
            && let Some(inode) = disk.inodes.get_mut(&self.inode)
        {
            inode.open = inode.open.saturating_sub(1);
        }
    }
}

impl FaultFile {
    /// Runs `act` on the file unless a fault strikes; `act` learns whether it happens by half.
    fn run<T>(&self, op: Op, act: impl FnOnce(&mut Inode, bool) -> T) -> io::Result<T> {
        let mut disk = self.fs.disk();
        let fault = disk.begin(op)?;
        let Some(inode) = disk.inodes.get_mut(&self.inode) else { return Err(io::ErrorKind::NotFound.into()) };
        match fault {
            None => Ok(act(inode, false)),
            Some(fault) => {
                if fault.partly() {
                    act(inode, true);
                }
                Err(disk.end(fault))
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let done = self.run(Op::Sync, |inode, partly| {
            let all = std::mem::take(&mut inode.pending);
            let n = if partly { all.len() / 2 } else { all.len() };
            for change in all.into_iter().take(n) {
                apply(&mut inode.durable, change);
            }
        });
        if done.is_err() && !self.fs.is_off() {
            // The kernel marks the pages clean: they are still seen, and never written.
            if let Some(inode) = self.fs.disk().inodes.get_mut(&self.inode) {
                inode.pending.clear();
            }
        }
        done
    }
}

impl FsFile for FaultFile {
    fn bytes(&self) -> io::Result<u64> {
        self.run(Op::Look, |inode, _| inode.seen.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.run(Op::Read, |inode, _| {
            let rest = inode.seen.get(offset as usize..).unwrap_or_default();
            let n = rest.len().min(buf.len());
            buf[..n].copy_from_slice(&rest[..n]);
            n
        })
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let room = {
            let disk = self.fs.disk();
            let held = disk.inodes.get(&self.inode).map_or(0, |inode| inode.seen.len() as u64);
            let grows = (offset + bytes.len() as u64).saturating_sub(held);
            let free = if disk.capacity == NO_LIMIT { NO_LIMIT } else { disk.capacity.saturating_sub(disk.used()) };
            bytes.len() - grows.saturating_sub(free).min(bytes.len() as u64) as usize
        };
        self.run(Op::Write, |inode, partly| {
            let n = if partly { bytes.len() / 2 } else { room };
            inode.change(Change::Write(offset, bytes[..n].to_vec()));
        })?;
        if room < bytes.len() { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.run(Op::Write, |inode, _| inode.change(Change::Truncate(bytes)))
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.sync()
    }

    fn drop_cache(&mut self) -> io::Result<()> {
        self.run(Op::Look, |inode, _| {
            inode.seen = inode.durable.clone();
            for change in inode.pending.clone() {
                apply(&mut inode.seen, change);
            }
        })
    }
}
