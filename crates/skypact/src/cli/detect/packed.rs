//! Files packed with Zstandard or gzip, told by how they begin. Of several frames or members one after the other all are
//! unpacked: a file that is cut or ends in something else is an error, never a shorter file.
use anyhow::{Context, Result};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, BufReader, Read};

/// What a packed file holds; any other file as it is.
pub fn unpacked(input: Box<dyn Read>) -> Result<Box<dyn BufRead>> {
    let mut input = BufReader::with_capacity(256 << 10, input);
    let begin = input.fill_buf().context("cannot be read")?;
    if begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(BufReader::new(Frames { source: input, decoder: FrameDecoder::new() })));
    }
    if begin.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input))));
    }
    Ok(Box::new(input))
}

/// Zstandard frames, RFC 8878.
struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Frames<R> {
    /// Begins the next frame, if there is one; what is marked to be skipped is skipped (3.1.2).
    fn begin(&mut self) -> io::Result<()> {
        while !self.source.fill_buf()?.is_empty() {
            let length = match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(()),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => length,
                Err(error) => return Err(io::Error::other(error)),
            };
            let skipped = io::copy(&mut Read::take(&mut self.source, length.into()), &mut io::sink())?;
            if skipped < length.into() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            while !self.decoder.is_finished() && self.decoder.can_collect() < out.len() {
                let wanted = BlockDecodingStrategy::UptoBytes(out.len() - self.decoder.can_collect());
                self.decoder.decode_blocks(&mut self.source, wanted).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            if self.source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.begin()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::{Cursor, Write};

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        unpacked(Box::new(Cursor::new(bytes)))?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn everything_in_a_packed_file_is_read() {
        let long: Vec<u8> = (0..400_000u32).flat_map(|n| (n % 977).to_string().into_bytes()).collect();
        assert_eq!(read(long.clone()).unwrap(), long, "not packed");
        for pack in [zstd, gzip] {
            let two = [pack(&long), pack(b""), pack(b"end")].concat();
            assert_eq!(read(two).unwrap(), [&long[..], b"end"].concat());
        }
        let skip = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        let mixed = [&zstd(b"a")[..], &skip, &zstd(b"b"), &skip].concat();
        assert_eq!(read(mixed).unwrap(), b"ab");
    }

    #[test]
    fn a_packed_file_that_is_cut_or_ends_in_something_else_is_an_error() {
        for pack in [zstd, gzip] {
            let packed = pack(&[7; 1000]);
            for cut in 4..packed.len() {
                assert!(read(packed[..cut].to_vec()).is_err(), "{cut} of {}", packed.len());
            }
        }
        assert!(read([zstd(b"a"), b"tail".to_vec()].concat()).is_err());
        let cut_skip = [&zstd(b"a")[..], &[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9]].concat();
        assert!(read(cut_skip).is_err());
    }
}
