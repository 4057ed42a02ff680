//! Tracks of one stripe of latitude in columns, sorted into cells: by row, within a row by band of height, within that
//! by longitude. The cells that a track is held against are then one run of the columns in each row.
use super::rough::{Rough, TURN};
use alloc::vec::Vec;
use core::ops::Range;

/// How heights are divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    pub count: u32,
    /// Lower edge of the second band less its thickness, metres. The first and the last one have no end.
    pub from: f32,
    pub thick: f32,
    /// Half the vertical minimum: two tracks that come closer than it share a band.
    pub half: f32,
}

impl Bands {
    /// All heights are one.
    pub(crate) const ONE: Self = Self { count: 1, from: 0.0, thick: 1.0, half: 0.0 };

    /// Lowest and highest band that a track touches; `None` for one that is looked for apart from the bands, because it
    /// touches too many or has no height.
    #[inline]
    pub(crate) fn of(&self, track: &Rough) -> Option<(u32, u32)> {
        if self.count == 1 {
            return Some((0, 0));
        }
        let (low, high) = track.heights()?;
        // Casting takes what is below to 0.
        let band = |h: f32| (((h - self.from) / self.thick) as u32).min(self.count - 1);
        let (low, high) = (band(low - self.half), band(high + self.half));
        (high - low < TOUCHED_MAX).then_some((low, high))
    }
}

/// Bands that a track touches at most.
const TOUCHED_MAX: u32 = 5;

/// Which tracks a set holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    /// Those within few bands.
    Narrow,
    /// The others, without regard to height.
    Tall,
}

/// See the module.
pub(crate) struct Stripe {
    rows: u32,
    bands: u32,
    /// Least longitude, and how far the others go beyond it.
    base: u32,
    span: i64,
    /// A cell is 2^shift units of longitude wide.
    shift: u32,
    columns: usize,
    /// Where each cell begins.
    starts: Vec<u32>,
    /// What decides, in blocks of columns.
    pub blocks: Vec<Block>,
    pub tags: Vec<Tag>,
}

/// Tracks in a block.
pub(crate) const LANES: usize = 4;

/// Columns of [`LANES`] tracks: see [`Rough`]. Where there is none, far from all others.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Block {
    pub place: [[f32; LANES]; 3],
    pub way: [[f32; LANES]; 3],
    pub height: [f32; LANES],
    pub rise: [f32; LANES],
}

impl Block {
    pub(crate) const NONE: Self = {
        let (far, none) = ([1e9; LANES], [0.0; LANES]);
        Self { place: [far; 3], way: [none; 3], height: none, rise: none }
    };

    /// One track in all lanes.
    #[inline]
    pub(crate) fn all(&self, lane: usize) -> Self {
        let all = |column: &[f32; LANES]| [column[lane]; LANES];
        Self {
            place: [all(&self.place[0]), all(&self.place[1]), all(&self.place[2])],
            way: [all(&self.way[0]), all(&self.way[1]), all(&self.way[2])],
            height: all(&self.height),
            rise: all(&self.rise),
        }
    }
}

/// What else is known of a track.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tag {
    pub item: u32,
    pub lon: u32,
    pub off: f32,
    /// Its lowest band.
    pub lowest: u32,
}

impl Stripe {
    /// Of these tracks those of a kind. They are in `rows` of the `rows_in_all` from `first_row` on.
    pub(crate) fn of(
        tracks: &[Rough],
        kind: Kind,
        bands: &Bands,
        (first_row, rows, rows_in_all): (u32, u32, u32),
    ) -> Option<Self> {
        let placed = |t: &Rough| match (bands.of(t), kind) {
            (Some(touched), Kind::Narrow) => Some(touched),
            (None, Kind::Tall) => Some((0, 0)),
            _ => None,
        };
        let (mut len, mut low, mut high) = (0, u32::MAX, 0);
        for t in tracks {
            let Some((first, last)) = placed(t) else { continue };
            len += (last - first) as usize + 1;
            (low, high) = (low.min(t.lon), high.max(t.lon));
        }
        if len == 0 {
            return None;
        }
        let own_bands = if kind == Kind::Narrow { bands.count } else { 1 };
        let slots = (rows * own_bands) as usize;
        // About two cells a track: a run is then hardly longer than it has to be, and the cells fit where the tracks do.
        let span = u64::from(high - low);
        let mut shift = 0;
        while slots * ((span >> shift) as usize + 1) > (2 * len).max(slots) {
            shift += 1;
        }
        let columns = (span >> shift) as usize + 1;
        let cell = |t: &Rough, band: u32| {
            let row = t.part(rows_in_all) - first_row;
            (row * own_bands + band) as usize * columns + (u64::from(t.lon - low) >> shift) as usize
        };
        let mut starts = alloc::vec![0u32; slots * columns + 1];
        let mut placed_at: Vec<(u32, u32, u32)> = Vec::with_capacity(len);
        for (n, t) in tracks.iter().enumerate() {
            let Some((first, last)) = placed(t) else { continue };
            for band in first..=last {
                let cell = cell(t, band);
                starts[cell] += 1;
                placed_at.push((cell as u32, n as u32, first));
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            (*start, sum) = (sum, sum + *start);
        }
        let mut stripe = Self {
            rows,
            bands: own_bands,
            base: low,
            span: span as i64,
            shift,
            columns,
            starts,
            blocks: alloc::vec![Block::NONE; len.div_ceil(LANES)],
            tags: alloc::vec![Tag::default(); len],
        };
        for (cell, n, lowest) in placed_at {
            let start = &mut stripe.starts[cell as usize];
            let at = *start as usize;
            *start += 1;
            stripe.put(at, &tracks[n as usize], lowest);
        }
        // Each start is now where the next cell begins.
        stripe.starts.rotate_right(1);
        stripe.starts[0] = 0;
        Some(stripe)
    }

    #[inline]
    fn put(&mut self, at: usize, t: &Rough, lowest: u32) {
        let (block, lane) = (&mut self.blocks[at / LANES], at % LANES);
        for n in 0..3 {
            block.place[n][lane] = t.place[n];
            block.way[n][lane] = t.way[n];
        }
        block.height[lane] = t.height;
        block.rise[lane] = t.rise;
        self.tags[at] = Tag { item: t.item, lon: t.lon, off: t.off, lowest };
    }

    /// Number of tracks, counted in each band.
    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    pub(crate) fn bands(&self) -> u32 {
        self.bands
    }

    /// The tracks of one band of a row.
    pub(crate) fn slot(&self, row: u32, band: u32) -> Range<usize> {
        let cell = (row * self.bands + band) as usize * self.columns;
        self.starts[cell] as usize..self.starts[cell + self.columns] as usize
    }

    /// Least longitude of some tracks that stand together, and how far the others go beyond it.
    #[inline]
    pub(crate) fn extent(&self, tracks: Range<usize>) -> (u32, u32) {
        let (mut low, mut high) = (u32::MAX, 0);
        for tag in &self.tags[tracks] {
            let lon = tag.lon - self.base;
            (low, high) = (low.min(lon), high.max(lon));
        }
        (low + self.base, high - low)
    }

    /// Runs of a slot that hold all tracks whose longitude differs by at most `width` from one that is between `lon` and
    /// `extent` beyond it (all if there is no width); by way of cells, so some more. Around the turn there may be three,
    /// and they may have tracks in common.
    #[inline]
    pub(crate) fn runs(&self, row: u32, band: u32, (lon, extent): (u32, u32), width: Option<i64>) -> [Range<usize>; 3] {
        let cell = (row * self.bands + band) as usize * self.columns;
        let Some(width) = width else { return [self.slot(row, band), 0..0, 0..0] };
        let lon = i64::from(lon.wrapping_sub(self.base));
        let (low, high) = (lon - width, lon + i64::from(extent) + width);
        let run = |low: i64, high: i64| {
            let (low, high) = (low.max(0), high.min(self.span));
            if low > high {
                return 0..0;
            }
            let (first, last) = ((low >> self.shift) as usize, (high >> self.shift) as usize);
            self.starts[cell + first] as usize..self.starts[cell + last + 1] as usize
        };
        let before = if low < 0 { run(low + TURN, TURN) } else { 0..0 };
        let after = if high >= TURN { run(0, high - TURN) } else { 0..0 };
        [run(low, high), before, after]
    }
}
