//! The file system as the journal uses it: a small seam, so that tests can fail every single operation.

use std::{
    fmt::Debug,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use crate::{JournalError, error::is_full};

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// File name; a name that is not UTF-8 is not ours and is left out.
    pub name: String,
    /// Length, bytes.
    pub bytes: u64,
}

/// Outcome of asking for the exclusive lock.
pub enum Lock {
    /// Held until dropped.
    Held(Box<dyn Send + Sync>),
    /// Another has it; its process id if it left one.
    Taken(Option<u32>),
}

/// What the journal asks of a file system. Paths are complete.
pub trait Fs: Send + Sync + Debug {
    /// Creates a folder and its parents; true if it was not there.
    fn create_dir(&self, dir: &Path) -> io::Result<bool>;
    /// The files in a folder, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// Opens for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;
    /// Opens for reading and writing.
    fn open_rw(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;
    /// Creates, or empties, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;
    /// Renames; an existing target is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes a folder's names durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes an unprivileged user may still write.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
    /// Takes the exclusive lock without waiting.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
    /// A number that nobody outside can predict: the segment salt.
    fn entropy(&self) -> u64;
}

/// An open file.
pub trait FsFile: Send {
    /// Length now.
    fn bytes(&self) -> io::Result<u64>;
    /// Reads up to `buf.len()` bytes; 0 at the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all; after an error any part may be written.
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts to `bytes`.
    fn truncate(&mut self, bytes: u64) -> io::Result<()>;
    /// `fdatasync`.
    fn sync_data(&mut self) -> io::Result<()>;
    /// `fsync`.
    fn sync_all(&mut self) -> io::Result<()>;
    /// Forgets clean cached pages, so that the next read shows what the disk has and not what a failed sync left in memory.
    fn drop_cache(&mut self) -> io::Result<()>;
}

/// Reads until `buf` is full or the file ends; returns how much.
pub(crate) fn read_full_at(file: &dyn FsFile, mut buf: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while !buf.is_empty() {
        match file.read_at(buf, offset) {
            Ok(0) => break,
            Ok(n) => {
                done += n;
                offset += n as u64;
                buf = &mut buf[n..];
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// What became of putting a file in place.
#[derive(Debug)]
pub(crate) enum Written {
    /// It is durable.
    Durable,
    /// Contents are durable, but whether the name is, is not known.
    Unknown,
}

/// Writes `parts` to a temporary file, syncs it, renames it to `name`, syncs the folder. After an error the file `name` is as before;
/// what stays of the temporary one is removed at the next open.
pub(crate) fn replace(
    fs: &dyn Fs,
    dir: &Path,
    name: &str,
    parts: &[&[u8]],
    reserve_bytes: u64,
) -> Result<Written, JournalError> {
    let path = dir.join(name);
    let temp = dir.join(format!("{name}.tmp"));
    let prepared = fs.create(&temp).and_then(|mut file| {
        let mut at = 0;
        for part in parts {
            file.write_all_at(part, at)?;
            at += part.len() as u64;
        }
        file.sync_all()
    });
    if let Err(source) = prepared {
        let _ = fs.remove(&temp);
        return Err(if is_full(&source) {
            JournalError::Full { free_bytes: fs.free_bytes(dir).unwrap_or(0), reserve_bytes }
        } else {
            JournalError::Io { op: "write", path: temp, source }
        });
    }
    let placed = fs.rename(&temp, &path).and_then(|()| fs.sync_dir(dir));
    Ok(if placed.is_ok() { Written::Durable } else { Written::Unknown })
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct StdFs;

impl Fs for StdFs {
    fn create_dir(&self, dir: &Path) -> io::Result<bool> {
        let new = !dir.exists();
        fs::create_dir_all(dir)?;
        Ok(new)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut out = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // A file removed between listing and asking (a reader beside a trim) is simply gone.
            let meta = match entry.metadata() {
                Ok(meta) => meta,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            if let (true, Ok(name)) = (meta.is_file(), entry.file_name().into_string()) {
                out.push(Entry { name, bytes: meta.len() });
            }
        }
        Ok(out)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        Ok(Box::new(StdFile(File::open(path)?)))
    }

    fn open_rw(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        Ok(Box::new(StdFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        Ok(Box::new(StdFile(OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // Only for the other's error message: a full disk must not keep a node from starting.
                let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
                Ok(Lock::Held(Box::new(file)))
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let _ = file.take(32).read_to_string(&mut text);
                Ok(Lock::Taken(text.trim().parse().ok()))
            }
            Err(e) => Err(e.into()),
        }
    }

    fn entropy(&self) -> u64 {
        // The standard library seeds this from the system for each process and varies it for each call.
        RandomState::new().build_hasher().finish()
    }
}

struct StdFile(File);

impl FsFile for StdFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.0)?)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    fn drop_cache(&mut self) -> io::Result<()> {
        match rustix::fs::fadvise(&self.0, 0, None, rustix::fs::Advice::DontNeed) {
            // Where the file system has no page cache of its own there is nothing to forget.
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::SPIPE) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}
