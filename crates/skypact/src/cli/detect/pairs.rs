//! Pairs from rows: `a_` and `b_` before the names of the columns, one verdict a row.
use crate::cli::detect::columns::{Columns, Field};
use crate::cli::detect::judge::Rules;
use crate::cli::detect::out::Writer;
use crate::cli::detect::table::{Row, Table};
use crate::cli::detect::tracks::{Clock, Frame, Given, ROWS_MAX, check_id, lacks};
use crate::cli::detect::{FrameName, Skipped};
use anyhow::{Result, ensure};
use units::Utc;

/// The columns of a file of pairs.
struct Layout {
    a: Columns,
    b: Columns,
    /// Without `a_` or `b_`: `id` and the time of the verdict.
    both: Columns,
    frames: [Frame; 2],
    clock: Clock,
}

/// Judges every row of a file, in order. How many there were, the columns that mean nothing here, and what no column tells.
pub fn run(
    mut table: Table,
    wanted: Option<FrameName>,
    at: Option<Utc>,
    rules: &Rules,
    skipped: &mut Skipped,
    out: &mut Writer,
) -> Result<(u64, Vec<String>, Vec<&'static str>)> {
    let name = table.name.clone();
    let (a, mut unused) = Columns::find(&table, "a_")?;
    let (b, more) = Columns::find(&table, "b_")?;
    let (both, rest) = Columns::find(&table, "")?;
    unused.extend(more);
    unused.extend(rest.into_iter().filter(|n| !["a_", "b_"].iter().any(|p| n.to_ascii_lowercase().starts_with(p))));
    let frames = [Frame::of(&table, &a, wanted)?, Frame::of(&table, &b, wanted)?];
    ensure!(frames[0] == frames[1], "{name}: one of a pair has lat and lon, the other east and north");
    let clock = [&both, &a, &b].map(Clock::of).into_iter().find(|c| *c != Clock::None).unwrap_or(Clock::None);
    for columns in [&both, &a, &b] {
        let other = Clock::of(columns);
        ensure!(
            other == Clock::None || other == clock,
            "{name}: some times are seconds and some are instants: write all alike"
        );
    }
    let mut missing = lacks(&a);
    missing.extend(lacks(&b).into_iter().filter(|lack| !lacks(&a).contains(lack)));
    let layout = Layout { a, b, both, frames, clock };
    let mut count = 0;
    while let Some(row) = table.next_row()? {
        let line = row.line;
        ensure!(count < ROWS_MAX as u64, "{name}: line {line}: over {ROWS_MAX} rows: cut the file");
        match layout.judge(&row, at, rules) {
            Ok(judged) => {
                count += 1;
                out.row(&judged);
            }
            Err(error) => skipped.take(&name, line, &error)?,
        }
    }
    Ok((count, unused, missing))
}

impl Layout {
    fn judge(&self, row: &Row<'_>, at: Option<Utc>, rules: &Rules) -> Result<crate::cli::detect::out::Row> {
        row.check()?;
        let shared = self.both.time(row)?.map(Utc).or(at);
        let a = Given::read(&self.a, row, self.frames[0], shared.unwrap_or_default())?;
        let b = Given::read(&self.b, row, self.frames[1], shared.unwrap_or_default())?;
        ensure!(
            shared.is_some() || a.timed == b.timed,
            "one of the pair has a time and the other has none, and there is no column time_s"
        );
        let t0 = shared.unwrap_or_else(|| a.track.t0().max(b.track.t0()));
        let mut judged = rules.pair(&a.item(t0), &b.item(t0)).row;
        judged.case = self.id(&self.both, row)?;
        judged.a = self.id(&self.a, row)?.unwrap_or_else(|| "a".to_owned());
        judged.b = Some(self.id(&self.b, row)?.unwrap_or_else(|| "b".to_owned()));
        judged.time = self.clock.show(t0);
        Ok(judged)
    }

    fn id(&self, columns: &Columns, row: &Row<'_>) -> Result<Option<String>> {
        let Some(id) = columns.text(row, Field::Id) else { return Ok(None) };
        check_id(id).map_err(|what| columns.bad(Field::Id, what))?;
        Ok(Some(id.to_owned()))
    }
}
