//! Rows of a text file, within bounds: comma separated values with a header, as spreadsheets, Python and the encounter
//! generators of the field write them.
//!
//! Lines are read one by one, so a quoted field cannot hold a line break, and every complaint names its line. Lines that begin
//! with `#` are comments. A header (and rows) without a comma may be separated by blanks. A second row of nothing but units in
//! brackets, as in `[deg]`, is the units'.
use crate::cli::detect::packed::unpacked;
use anyhow::{Context, Result, bail, ensure};
use csv_core::{ReadRecordResult, Reader};
use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;

/// Longest line: 256 columns of 256 bytes.
pub const LINE_BYTES_MAX: usize = 64 << 10;
/// Most columns.
pub const COLUMNS_MAX: usize = 256;
/// Longest file, decompressed: 3,000,000 rows of 350 bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A file of rows.
pub struct Table {
    /// Name for complaints.
    pub name: String,
    /// Names of the columns as they stand in the file.
    pub header: Vec<String>,
    /// The row of units, if there is one: without brackets, empty for none.
    pub units: Option<Vec<String>>,
    input: Box<dyn BufRead>,
    left: u64,
    line: u64,
    splitter: Splitter,
    /// A row that was looked at for units and is none.
    kept: bool,
}

impl Table {
    /// Opens a file, `-` for standard input. Zstandard and gzip are unpacked.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Self::read("standard input", Box::new(std::io::stdin().lock()));
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| name.clone())?;
        Self::read(&name, Box::new(file))
    }

    /// Reads header and units.
    pub fn read(name: &str, input: Box<dyn Read>) -> Result<Self> {
        let input = unpacked(input).with_context(|| name.to_owned())?;
        let mut table = Self {
            name: name.to_owned(),
            header: Vec::new(),
            units: None,
            input,
            left: FILE_BYTES_MAX,
            line: 0,
            splitter: Splitter::default(),
            kept: false,
        };
        ensure!(table.next_line()?, "{name}: there is no header: the first line names the columns");
        table.header = table.splitter.fields().map(str::to_owned).collect();
        let alone = table.header.len() == 1 && !table.splitter.by_space;
        ensure!(
            !alone || !table.header[0].contains([';', '\t']),
            "{name}: line {}: the columns must be separated by commas",
            table.line
        );
        if table.next_line()? {
            table.units = table.splitter.units().filter(|units| units.len() == table.header.len());
            table.kept = table.units.is_none();
        }
        Ok(table)
    }

    /// The next row: its line and its fields, one for each column. `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        if !std::mem::take(&mut self.kept) && !self.next_line()? {
            return Ok(None);
        }
        Ok(Some(Row { line: self.line, columns: self.header.len(), splitter: &self.splitter }))
    }

    /// Reads the next line that is neither empty nor a comment, and splits it.
    fn next_line(&mut self) -> Result<bool> {
        loop {
            let mut text = std::mem::take(&mut self.splitter.text);
            text.clear();
            let most = (LINE_BYTES_MAX as u64 + 1).min(self.left);
            let read = Read::take(&mut self.input, most).read_until(b'\n', &mut text);
            let read = read.with_context(|| format!("{}: cannot be read", self.name))? as u64;
            self.left -= read;
            self.line += u64::from(read > 0);
            ensure!(text.len() <= LINE_BYTES_MAX, "{}: line {} is over 64 KiB long", self.name, self.line);
            ensure!(self.left > 0, "{}: over 1 GiB long: cut it", self.name);
            if read == 0 {
                return Ok(false);
            }
            if self.line == 1 && text.starts_with(b"\xEF\xBB\xBF") {
                text.drain(..3);
            }
            let first = text.iter().find(|b| !b.is_ascii_whitespace());
            if first.is_none_or(|b| *b == b'#') {
                self.splitter.text = text;
                continue;
            }
            self.splitter.split(text).with_context(|| format!("{}: line {}", self.name, self.line))?;
            return Ok(true);
        }
    }
}

/// One row.
pub struct Row<'a> {
    /// Its line, from 1.
    pub line: u64,
    columns: usize,
    splitter: &'a Splitter,
}

impl<'a> Row<'a> {
    /// A field without the blanks around it.
    pub fn field(&self, column: usize) -> &'a str {
        self.splitter.field(column)
    }

    /// Whether the row has a field for each column; an empty one behind the last is allowed.
    pub fn check(&self) -> Result<()> {
        let got = self.splitter.spans.len();
        let spare = got == self.columns + 1 && self.field(self.columns).is_empty();
        ensure!(got == self.columns || spare, "{got} fields, and the header has {}", self.columns);
        Ok(())
    }
}

/// Splits a line into fields.
struct Splitter {
    reader: Reader,
    text: Vec<u8>,
    out: String,
    spans: Vec<(usize, usize)>,
    by_space: bool,
}

impl Default for Splitter {
    fn default() -> Self {
        Self { reader: Reader::new(), text: Vec::new(), out: String::new(), spans: Vec::new(), by_space: false }
    }
}

impl Splitter {
    fn split(&mut self, text: Vec<u8>) -> Result<()> {
        self.spans.clear();
        self.text = text;
        let line = std::str::from_utf8(&self.text).context("not UTF-8 text")?.trim_end_matches(['\n', '\r']);
        ensure!(!line.contains('\0'), "holds a byte 0: not a text file");
        if !line.contains(',') && line.trim().contains([' ', '\t']) && !line.contains(['"', ';']) {
            self.by_space = true;
            self.out.clear();
            for word in line.split_whitespace() {
                ensure!(self.spans.len() < COLUMNS_MAX, "over {COLUMNS_MAX} columns");
                let start = self.out.len();
                self.out.push_str(word);
                self.spans.push((start, self.out.len()));
            }
            return Ok(());
        }
        self.by_space = false;
        ensure!(line.matches('"').count().is_multiple_of(2), "a quote that is not closed on its line");
        let mut out = std::mem::take(&mut self.out).into_bytes();
        out.resize(line.len() + 1, 0);
        let mut ends = [0; COLUMNS_MAX + 1];
        self.reader.reset();
        // The line break tells the reader that the record is whole.
        let (mut result, read, mut written, mut count) = self.reader.read_record(line.as_bytes(), &mut out, &mut ends);
        if matches!(result, ReadRecordResult::InputEmpty) && read == line.len() {
            let (last, _, more, fields) = self.reader.read_record(b"\n", &mut out[written..], &mut ends[count..]);
            (result, written, count) = (last, written + more, count + fields);
        }
        if !matches!(result, ReadRecordResult::Record) || count > COLUMNS_MAX {
            bail!("over {COLUMNS_MAX} columns");
        }
        out.truncate(written);
        self.out = String::from_utf8(out).context("not UTF-8 text")?;
        let mut start = 0;
        for end in &ends[..count] {
            self.spans.push((start, *end));
            start = *end;
        }
        Ok(())
    }

    fn field(&self, n: usize) -> &str {
        self.spans.get(n).and_then(|(from, to)| self.out.get(*from..*to)).unwrap_or_default().trim()
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        (0..self.spans.len()).map(|n| self.field(n))
    }

    /// The fields as units, if they are nothing else.
    fn units(&self) -> Option<Vec<String>> {
        let bracketed = |f: &str| f.strip_prefix('[').and_then(|f| f.strip_suffix(']')).map(str::to_owned);
        let unit = |f: &str| match bracketed(f).unwrap_or_else(|| f.to_owned()).to_ascii_lowercase().as_str() {
            "" | "-" | "none" | "unitless" => Some(String::new()),
            unit => bracketed(f).map(|_| unit.to_owned()),
        };
        self.fields().any(|f| bracketed(f).is_some()).then(|| self.fields().map(unit).collect())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn table(text: &[u8]) -> Result<Table> {
        Table::read("x.csv", Box::new(Cursor::new(text.to_vec())))
    }

    fn rows(text: &str) -> Result<(Table, Vec<Vec<String>>)> {
        let mut table = table(text.as_bytes())?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            row.check()?;
            rows.push((0..row.columns).map(|n| row.field(n).to_owned()).collect());
        }
        Ok((table, rows))
    }

    #[test]
    fn rows_are_read_in_every_form_that_programs_write() {
        for text in [
            "id,lat_deg\nA,1\nB,2\n",
            "\u{feff}id,lat_deg\r\n\r\nA,1\r\nB,2",
            "# made by hand\n\"id\",\"lat_deg\"\n\"A\" , 1\n#x\nB, 2,\n",
            "id lat_deg\nA 1\nB\t2\n",
            "id lat_deg\nA, 1\nB, 2\n",
        ] {
            let (table, rows) = rows(text).unwrap();
            assert_eq!((&table.header[..], &table.units), (&["id".to_owned(), "lat_deg".to_owned()][..], &None));
            let first = rows[0][0].trim_matches('"');
            assert_eq!((first, rows.len(), rows[1].join("|")), ("A", 2, "B|2".to_owned()), "{text}");
        }
        let (table, rows) = rows("NAME, lat, alt\nunitless, [deg], [ft]\nA, 1, 2\n").unwrap();
        assert_eq!(table.units.unwrap(), ["", "deg", "ft"]);
        assert_eq!(rows, [["A", "1", "2"]]);
        let quoted = self::rows("id,x\n\"a,\"\"b\"\"\",1\n").unwrap().1;
        assert_eq!(quoted, [["a,\"b\"", "1"]]);
        assert_eq!(self::rows("id,x\n,\n").unwrap().1, [["", ""]]);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let check = |text: &[u8], want: &str| {
            let read = || -> Result<()> {
                let mut table = table(text)?;
                while let Some(row) = table.next_row()? {
                    let line = row.line;
                    row.check().with_context(|| format!("line {line}"))?;
                }
                Ok(())
            };
            let error = format!("{:#}", read().unwrap_err());
            assert!(error.starts_with(want), "{error}");
        };
        check(b"", "x.csv: there is no header: the first line names the columns");
        check(b"\n# only words\n", "x.csv: there is no header: the first line names the columns");
        check(b"id;lat\n", "x.csv: line 1: the columns must be separated by commas");
        check(b"id,lat\n1\n", "line 2: 1 fields, and the header has 2");
        check(b"id,lat\n1,2,3\n", "line 2: 3 fields, and the header has 2");
        check(b"id,lat\n\"1,2\n", "x.csv: line 2: a quote that is not closed on its line");
        check(b"id,lat\n1,\xff\n", "x.csv: line 2: not UTF-8 text: invalid utf-8 sequence of 1 bytes from index 2");
        check(b"id,lat\n1,\0\n", "x.csv: line 2: holds a byte 0: not a text file");
        let long = [b"id,lat\n".as_slice(), &vec![b'x'; LINE_BYTES_MAX + 1]].concat();
        check(&long, "x.csv: line 2 is over 64 KiB long");
        let wide = vec!["x"; COLUMNS_MAX + 1].join(",");
        check(wide.as_bytes(), "x.csv: line 1: over 256 columns");
        assert_eq!(table(vec!["x"; COLUMNS_MAX].join(",").as_bytes()).unwrap().header.len(), COLUMNS_MAX);
        check(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0], "x.csv: cannot be read: ");
    }
}
