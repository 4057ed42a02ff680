//! Files that are read whole, within a bound that holds for devices and pipes as well.
use anyhow::{Result, ensure};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads at most `max` bytes; more is an error, however long the file says it is.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= max, "it has more than the {max} bytes that are allowed");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused_and_what_fits_is_read() {
        let error = read_bounded(Path::new("/dev/zero"), 1000).unwrap_err().to_string();
        assert_eq!(error, "it has more than the 1000 bytes that are allowed");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (length, fits) in [(0, true), (10, true), (11, false)] {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(read_bounded(&path, 10).is_ok(), fits, "{length}");
        }
    }
}
