//! The link logs on disk, as C2SP tiles that anybody can check: `links/<peer>/{out,in}/tile/…` and `…/checkpoint`.
//!
//! Every entry is an output of the journal's fold, so these files can be written again from the journal; they are kept
//! as evidence and for a peer that catches up. They are made durable before a snapshot replaces the journal's part.
use crate::error::{Error, io_at};
use journal::fs::Fs;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tlog::{Hash, HashReader, LogReader, LogWriter, Store, StoreError};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Bytes of recent entries kept in memory for peers that are nearly up to date: at 100 kB/s forty seconds.
const RECENT_BYTES: usize = 4 << 20;
/// The file of an open bundle holds all its entries and is written anew each time: gladly while it is this small, and at
/// most this often when it is not. With 500 tracks a batch it grows to 10 MB. Who reads beside the node is that late.
const OPEN_BYTES_SMALL: usize = 64 << 10;
const OPEN_EVERY: Duration = Duration::from_secs(10);

/// Files of one log below a folder.
#[derive(Debug)]
pub struct Files {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// To be synced.
    dirty: BTreeSet<PathBuf>,
    /// Of these what was made since the last sync: no snapshot rests on it.
    made: BTreeSet<PathBuf>,
}

impl Files {
    fn new(fs: Arc<dyn Fs>, dir: &Path) -> Result<Self> {
        fs.create_dir(dir).map_err(io_at("create", dir))?;
        Ok(Self { fs, dir: dir.to_owned(), dirty: BTreeSet::new(), made: BTreeSet::new() })
    }

    /// Removes what `written` supersedes and was never synced: narrower partial files of the same tile. Without this a
    /// bundle of large entries, written anew every few seconds, would leave a hundred copies of itself.
    fn drop_superseded(&mut self, written: &Path) {
        let partials = partials_of(written);
        let is_superseded = |path: &PathBuf| path != written && path.parent() == Some(&partials);
        for path in self.made.iter().filter(|p| is_superseded(p)).cloned().collect::<Vec<_>>() {
            // One that stays costs space until the next sync removes it.
            if self.fs.remove(&path).is_ok() {
                self.made.remove(&path);
                self.dirty.remove(&path);
            }
        }
    }

    /// Waits for the disk; then what the synced files supersede goes. Not before: a snapshot rests on what was synced.
    fn sync(&mut self) -> Result<()> {
        let mut folders = BTreeSet::new();
        for path in &self.dirty {
            self.fs.open(path).and_then(|mut file| file.sync_all()).map_err(io_at("sync", path))?;
            folders.extend(path.ancestors().skip(1).take_while(|p| p.starts_with(&self.dir)).map(Path::to_owned));
        }
        for folder in folders {
            self.fs.sync_dir(&folder).map_err(io_at("sync", &folder))?;
        }
        self.made.clear();
        for path in std::mem::take(&mut self.dirty) {
            self.remove_superseded(&path).map_err(io_at("clear", &partials_of(&path)))?;
        }
        Ok(())
    }

    /// Removes every narrower file of the tile, also those of an earlier run. Readers take the wider one.
    fn remove_superseded(&self, path: &Path) -> io::Result<()> {
        let partials = partials_of(path);
        let width = |name: &str| name.parse::<u32>().ok();
        // A full file supersedes all, and the folder with them.
        let kept = (path.parent() == Some(&partials)).then(|| path.file_name()?.to_str().and_then(width)).flatten();
        let remove = |fs: &dyn Fs| {
            for entry in fs.list(&partials)? {
                if kept.is_none() || width(&entry.name) < kept {
                    fs.remove(&partials.join(&entry.name))?;
                }
            }
            if kept.is_none() { fs.remove_dir(&partials) } else { Ok(()) }
        };
        match remove(&*self.fs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// A file that is there and holds these bytes, or begins with them: a wider one of the same tile.
    fn holder(&self, full: &Path, bytes: &[u8]) -> Option<PathBuf> {
        let begins = |path: &PathBuf| {
            let name = path.strip_prefix(&self.dir).ok().and_then(Path::to_str);
            let held = name.and_then(|name| Store::read(self, name).ok().flatten());
            held.is_some_and(|held| if path == full { held == bytes } else { held.starts_with(bytes) })
        };
        if begins(&full.to_owned()) {
            return Some(full.to_owned());
        }
        let partials = full.parent().filter(|dir| dir.extension().is_some_and(|e| e == "p"))?;
        let width: u32 = full.file_name()?.to_str()?.parse().ok()?;
        let listed = self.fs.list(partials).unwrap_or_default();
        let wider = listed.iter().filter(|entry| entry.name.parse().is_ok_and(|other: u32| other > width));
        let wider = wider.map(|entry| partials.join(&entry.name));
        core::iter::once(partials.with_extension("")).chain(wider).find(begins)
    }

    /// Writes a file so that a reader sees the old bytes or the new ones, never a part.
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        self.fs.create(&temporary)?.write_all_at(bytes, 0)?;
        self.fs.rename(&temporary, path)
    }
}

/// Folder of the partial files of the tile that a file holds, in part or in full.
fn partials_of(path: &Path) -> PathBuf {
    match path.parent().filter(|dir| dir.extension().is_some_and(|e| e == "p")) {
        Some(partials) => partials.to_owned(),
        None => path.with_extension("p"),
    }
}

impl Store for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || {
            let file = self.fs.open(&self.dir.join(path))?;
            let mut bytes = vec![0; file.bytes()? as usize];
            let mut done = 0;
            while done < bytes.len() {
                match file.read_at(&mut bytes[done..], done as u64) {
                    // It became shorter meanwhile.
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(n) => done += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let full = self.dir.join(path);
        // What is there already, in this file or in a wider one, is not put in its place again: a snapshot may rest on it, and after
        // a loss of power the new file could be the empty one, which readers would take before a wider one. It is synced with the
        // others, for it may be of a run that did not come to that.
        if let Some(held) = self.holder(&full, bytes) {
            self.dirty.insert(held);
            return Ok(());
        }
        let write = || {
            if let Some(folder) = full.parent() {
                self.fs.create_dir(folder)?;
            }
            self.write_whole(&full, bytes)
        };
        write().map_err(|e: io::Error| StoreError(e.to_string()))?;
        self.drop_superseded(&full);
        self.made.insert(full.clone());
        self.dirty.insert(full);
        Ok(())
    }
}

/// One direction of one link.
#[derive(Debug)]
pub struct LogStore {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Files,
    writer: LogWriter,
    flushed: u64,
    recent: VecDeque<Arc<[u8]>>,
    /// Index of the first entry of `recent`.
    recent_from: u64,
    recent_bytes: usize,
    /// When what is open was last written because it was due, since the program's start.
    last_due: Duration,
}

impl Inner {
    fn flush(&mut self) -> Result<()> {
        self.writer.flush(&mut self.files).map_err(failed("cannot write"))?;
        self.flushed = self.writer.size();
        Ok(())
    }
}

impl LogStore {
    /// Opens a log that must hold the first `size` entries with this root. What lies beyond is written again from the
    /// journal, with the same bytes.
    ///
    /// # Errors
    /// [`Error::Differs`] if the files do not hold these entries; [`Error::Io`].
    pub fn open(fs: &Arc<dyn Fs>, dir: &Path, size: u64, root: &Hash) -> Result<Self> {
        let files = Files::new(fs.clone(), dir)?;
        let writer = LogWriter::open(&files, size, root).map_err(|source| Error::Differs {
            dir: dir.to_owned(),
            size,
            source,
        })?;
        let inner = Inner {
            files,
            writer,
            flushed: size,
            recent: VecDeque::new(),
            recent_from: size,
            recent_bytes: 0,
            last_due: Duration::ZERO,
        };
        Ok(Self { inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held can only have happened in a write; the journal writes it again at restart.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends the entry of this index.
    ///
    /// # Errors
    /// [`Error::Disagree`] if it is not the next one.
    pub fn append(&self, index: u64, bytes: &[u8]) -> Result<()> {
        let mut inner = self.lock();
        let expected = inner.writer.size();
        if index != expected {
            return Err(Error::Disagree(format!("entry {index} follows {expected}: the fold and the log disagree")));
        }
        inner.writer.append(bytes).map_err(failed("cannot append"))?;
        inner.recent_bytes += bytes.len();
        inner.recent.push_back(bytes.into());
        while inner.recent_bytes > RECENT_BYTES && inner.recent_from < inner.flushed {
            if let Some(old) = inner.recent.pop_front() {
                inner.recent_bytes -= old.len();
                inner.recent_from += 1;
            }
        }
        Ok(())
    }

    /// Entries `[from, to)`, as many as fit in `bytes_max` (at least one) and at most `count_max`.
    ///
    /// How many does not depend on what of the log is written to files by now: that follows how much else the node journals, and a
    /// peer sees it as the size of frames.
    ///
    /// # Errors
    /// Entries that are not there; [`Error::Entry`] for one that is damaged.
    pub fn read(&self, from: u64, to: u64, count_max: usize, bytes_max: usize) -> Result<Vec<Arc<[u8]>>> {
        let inner = self.lock();
        let size = inner.writer.size();
        if from >= to || to > size {
            return Err(Error::Disagree(format!("entries {from}..{to} of a log of {size}")));
        }
        let to = to.min(from + count_max as u64);
        // `recent` begins no later than what is written ends: the two together are the whole log.
        let (written, recent) = (from..to.min(inner.recent_from), from.max(inner.recent_from));
        let mut out: Vec<Arc<[u8]>> = Vec::new();
        if !written.is_empty() {
            let reader = LogReader::new(&inner.files, inner.flushed);
            let entries = reader.entries(written.clone()).map_err(failed("cannot read"))?;
            // Other bytes than were sealed, once sent, would freeze the link for ever at the peer (ROOT_MISMATCH).
            for (index, entry) in written.zip(entries) {
                let sealed = reader.subtree(0, index).map_err(failed("cannot read"))?;
                if tlog::leaf_hash(&entry) != sealed {
                    let path = inner.files.dir.join(tlog::bundle_path(index / 256, 256));
                    return Err(Error::Entry { index, path });
                }
                out.push(entry.into());
            }
        }
        let skip = (recent - inner.recent_from) as usize;
        out.extend(inner.recent.iter().skip(skip).take(to.saturating_sub(recent) as usize).cloned());
        let mut bytes = 0;
        let fits = out.iter().take_while(|entry| {
            bytes += entry.len();
            bytes <= bytes_max
        });
        let fits = fits.count().max(1);
        out.truncate(fits);
        Ok(out)
    }

    /// Writes what is open, without waiting for the disk.
    ///
    /// # Errors
    /// [`Error::Log`] if a file cannot be written.
    pub fn flush(&self) -> Result<()> {
        self.lock().flush()
    }

    /// The same, unless that would write much again that is written already; `up` is the time since the program began.
    ///
    /// # Errors
    /// As [`LogStore::flush`].
    pub fn flush_if_due(&self, up: Duration) -> Result<()> {
        let mut inner = self.lock();
        if inner.writer.open_bytes() > OPEN_BYTES_SMALL && up.saturating_sub(inner.last_due) < OPEN_EVERY {
            return Ok(());
        }
        inner.last_due = up;
        inner.flush()
    }

    /// Writes what is open and waits for the disk.
    ///
    /// # Errors
    /// [`Error::Log`], [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        self.flush()?;
        self.lock().files.sync()
    }

    /// Keeps a signed note beside the tiles.
    ///
    /// # Errors
    /// [`Error::Log`].
    pub fn write_note(&self, name: &str, note: &[u8]) -> Result<()> {
        let mut inner = self.lock();
        inner.files.write(name, note).map_err(|error| Error::Disagree(format!("{name}: {error}")))
    }

    /// Entries whose files are written: what can be read beside the node.
    pub fn flushed(&self) -> u64 {
        self.lock().flushed
    }

    /// Entries held.
    pub fn size(&self) -> u64 {
        self.lock().writer.size()
    }
}

fn failed(what: &'static str) -> impl FnOnce(tlog::Error) -> Error {
    move |source| Error::Log { what: what.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::fs::StdFs;
    use std::fs;

    fn disk() -> Arc<dyn Fs> {
        Arc::new(StdFs)
    }

    fn entry(i: u64) -> Vec<u8> {
        format!("entry {i}").into_bytes()
    }

    #[test]
    fn a_partial_tile_leaves_one_copy_and_what_was_synced() {
        let dir = tempfile::tempdir().unwrap();
        let log = LogStore::open(&disk(), dir.path(), 0, &tlog::EMPTY_ROOT).unwrap();
        let (mut frontier, mut synced) = (tlog::Frontier::new(), Vec::new());
        for i in 0..300 {
            log.append(i, &entry(i)).unwrap();
            frontier.append(tlog::leaf_hash(&entry(i)));
            if i % 100 == 50 {
                log.sync().unwrap();
                synced.push((i + 1, frontier.root()));
            } else {
                log.flush().unwrap();
            }
            let partial = dir.path().join("tile/entries").join(if i < 255 { "000.p" } else { "001.p" });
            let kept = fs::read_dir(partial).map_or(0, Iterator::count);
            assert!(kept <= 4, "{kept} files of one bundle after entry {i}");
        }
        // What a snapshot rests on is there, exactly so wide or wider.
        for (size, root) in synced {
            let again = LogStore::open(&disk(), dir.path(), size, &root).unwrap();
            assert_eq!(again.size(), size);
        }
    }

    /// A file that was synced and is replaced by an equal one, not synced, can be empty after a loss of power.
    #[test]
    fn a_file_that_a_snapshot_rests_on_is_not_replaced_by_an_equal_one() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let log = LogStore::open(&disk(), dir.path(), 0, &tlog::EMPTY_ROOT).unwrap();
        let mut frontier = tlog::Frontier::new();
        for i in 0..14 {
            log.append(i, &entry(i)).unwrap();
            frontier.append(tlog::leaf_hash(&entry(i)));
        }
        log.sync().unwrap();
        let files = [dir.path().join("tile/0/000.p/14"), dir.path().join("tile/entries/000.p/14")];
        let inodes = || files.each_ref().map(|path| fs::metadata(path).unwrap().ino());
        let before = inodes();
        drop(log);
        let log = LogStore::open(&disk(), dir.path(), 14, &frontier.root()).unwrap();
        log.flush().unwrap();
        // Nor from a snapshot that is older.
        let older = LogStore::open(&disk(), dir.path(), 0, &tlog::EMPTY_ROOT).unwrap();
        (0..14).for_each(|i| older.append(i, &entry(i)).unwrap());
        older.flush().unwrap();
        assert_eq!(inodes(), before);
        // Nor does it go before a wider one is synced.
        older.append(14, &entry(14)).unwrap();
        older.flush().unwrap();
        assert_eq!(inodes(), before);
        older.sync().unwrap();
        assert!(files.iter().all(|path| !path.exists()));
    }

    /// A narrow file made anew beside a wider one, not synced, can be torn after a loss of power, and is read first.
    #[test]
    fn a_file_is_not_made_again_where_a_wider_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let (mut frontier, mut roots) = (tlog::Frontier::new(), vec![tlog::EMPTY_ROOT]);
        for i in 0..300 {
            frontier.append(tlog::leaf_hash(&entry(i)));
            roots.push(frontier.root());
        }
        let narrow = ["tile/0/000.p/14", "tile/entries/000.p/14"];
        for wider in [20, 300] {
            let log = LogStore::open(&disk(), dir.path(), 0, &roots[0]).unwrap();
            (0..wider).for_each(|i| log.append(i, &entry(i)).unwrap());
            log.sync().unwrap();
            // A snapshot of before, which rests on the wider files.
            let log = LogStore::open(&disk(), dir.path(), 14, &roots[14]).unwrap();
            log.flush().unwrap();
            log.sync().unwrap();
            assert!(narrow.iter().all(|path| !dir.path().join(path).exists()), "{wider}");
            (14..wider).for_each(|i| log.append(i, &entry(i)).unwrap());
            log.sync().unwrap();
            drop(log);
            assert!(LogStore::open(&disk(), dir.path(), 14, &roots[14]).is_ok());
        }
        // What a wider file holds otherwise is no help.
        let tile = dir.path().join("tile/0/000");
        fs::write(&tile, [0; 256 * 32]).unwrap();
        let log = LogStore::open(&disk(), dir.path(), 0, &roots[0]).unwrap();
        (0..14).for_each(|i| log.append(i, &entry(i)).unwrap());
        log.flush().unwrap();
        assert!(dir.path().join(narrow[0]).exists());
    }

    #[test]
    fn a_log_is_read_back_and_written_again_from_any_earlier_size() {
        let dir = tempfile::tempdir().unwrap();
        let mut roots = vec![tlog::EMPTY_ROOT];
        let mut frontier = tlog::Frontier::new();
        for i in 0..700 {
            frontier.append(tlog::leaf_hash(&entry(i)));
            roots.push(frontier.root());
        }
        let log = LogStore::open(&disk(), dir.path(), 0, &roots[0]).unwrap();
        (0..600).for_each(|i| log.append(i, &entry(i)).unwrap());
        log.sync().unwrap();
        drop(log);
        // The snapshot is older than the files.
        for size in [0u64, 1, 255, 256, 257, 511, 512, 599, 600] {
            let log = LogStore::open(&disk(), dir.path(), size, &roots[size as usize]).unwrap();
            (size..700).for_each(|i| log.append(i, &entry(i)).unwrap());
            log.sync().unwrap();
            for from in [0, 3, 250, 590] {
                let read = log.read(from, 700, 20, 1 << 20).unwrap();
                assert_eq!(read[0].as_ref(), entry(from));
                assert_eq!(read.len(), 20, "from {from} after {size}");
            }
        }
        // One read gives as much wherever the log was opened: what a peer receives in one frame tells nothing of snapshots.
        for size in [0, 255, 300, 699] {
            let log = LogStore::open(&disk(), dir.path(), size, &roots[size as usize]).unwrap();
            (size..700).for_each(|i| log.append(i, &entry(i)).unwrap());
            for (bytes_max, whole) in [(1 << 20, 450), (1_000, 111)] {
                let read = log.read(250, 700, 4_096, bytes_max).unwrap();
                assert_eq!(
                    (read.len(), read[read.len() - 1].as_ref()),
                    (whole, &entry(249 + whole as u64)[..]),
                    "opened at {size}"
                );
            }
        }
        // A flipped bit is found before it is sent, and leaves the entries of other files readable.
        let bundle = dir.path().join(tlog::bundle_path(1, 256));
        let mut bytes = fs::read(&bundle).unwrap();
        bytes[1000] ^= 1;
        fs::write(&bundle, bytes).unwrap();
        let log = LogStore::open(&disk(), dir.path(), 700, &roots[700]).unwrap();
        let error = log.read(256, 700, 300, 1 << 20).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("tile/entries/001 is not what was said"), "{error}");
        assert_eq!(log.read(0, 700, 256, 1 << 20).unwrap().len(), 256);
        let wrong =
            LogStore::open(&disk(), dir.path(), 256, &roots[255]).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(wrong.contains("does not match the journal"), "{wrong}");
    }
}
