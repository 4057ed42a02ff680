//! Parameters as the command line gives them.
use crate::cli::{terms, values};
use ::detect::{Minima, MinimaTable, WellClear};
use units::{AircraftClass, Height, Utc};

/// When an alert about well clear begins and ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alert {
    pub needed: u8,
    pub of: u8,
    pub ahead_s: f64,
    pub wider_percent: f64,
    pub hold_s: f64,
}

/// The table of a run: the lines that name a pair, the widest of several, else `any`; as in a pact (clause 4).
pub fn table_of(any: Minima, lines: &[(terms::Pair, Minima)]) -> MinimaTable {
    let unknown = |c: AircraftClass| c == AircraftClass::Unknown;
    let could_be = |c: AircraftClass| AircraftClass::ALL.into_iter().filter(move |k| unknown(c) || *k == c);
    let names = |pair: terms::Pair, x, y| {
        let fits = |want: Option<AircraftClass>, class| want.is_none_or(|w| w == class);
        (fits(pair.0, x) && fits(pair.1, y)) || (fits(pair.0, y) && fits(pair.1, x))
    };
    let named = |x, y| {
        let lines = lines.iter().filter(|(pair, _)| names(*pair, x, y)).map(|(_, minima)| *minima);
        lines.reduce(Minima::wider).unwrap_or(any)
    };
    MinimaTable::from_fn(|a, b| {
        let pairs = could_be(a).flat_map(|x| could_be(b).map(move |y| (x, y)));
        pairs.map(|(x, y)| named(x, y)).reduce(Minima::wider).unwrap_or(any)
    })
}

/// A time: seconds as in `time_s`, or an instant; and whether it is the latter.
pub fn at(text: &str) -> Result<(Utc, bool), String> {
    if let Ok(s) = text.parse::<f64>()
        && s.abs() < 253_402_300_800.0
    {
        return Ok((Utc((s * 1000.0).round() as i64), false));
    }
    let instant = values::instant(text).map_err(|_| format!("{text:?} is neither seconds nor 2026-08-01T05:00:00Z"))?;
    Ok((instant, true))
}

/// A number of seconds, in milliseconds.
pub fn seconds(text: &str) -> Result<i64, String> {
    let s = text.parse::<f64>().ok().filter(|s| (0.001..=86_400.0).contains(s));
    s.map(|s| (s * 1000.0).round() as i64)
        .ok_or_else(|| format!("{text:?} is no number of seconds from 0.001 to 86400"))
}

/// A set of thresholds, by name or by numbers.
pub fn well_clear(text: &str) -> Result<WellClear, String> {
    match text {
        "do-365" => return Ok(WellClear::DO_365),
        "do-365-terminal" => return Ok(WellClear::DO_365_TERMINAL),
        "small" => return Ok(WellClear::SMALL),
        _ => {}
    }
    let form = || format!("{text:?} is none of do-365, do-365-terminal, small, nor DMOD_FT,TAUMOD_S,ZTHR_FT[,TCOA_S]");
    let numbers: Option<Vec<f64>> = text.split(',').map(|n| values::number(n.trim())).collect();
    let (dmod, tau, zthr, tcoa) = match numbers.as_deref() {
        Some([dmod, tau, zthr]) => (*dmod, *tau, *zthr, 0.0),
        Some([dmod, tau, zthr, tcoa]) => (*dmod, *tau, *zthr, *tcoa),
        _ => return Err(form()),
    };
    let limits = WellClear {
        lateral_mm: (dmod * 304.8).round() as i64,
        tau_ms: (tau * 1000.0).round() as i64,
        vertical: Height::from_feet_f64(zthr).ok_or_else(form)?,
        coaltitude_ms: (tcoa * 1000.0).round() as i64,
        ..WellClear::DO_365
    };
    limits.check().map_err(|e| e.to_string())?;
    Ok(limits)
}

/// When an alert begins and ends.
pub fn alerting(text: &str) -> Result<Alert, String> {
    let read = || {
        let mut parts = text.split(',').map(str::trim);
        let (needed, of) = parts.next()?.split_once('/')?;
        let (needed, of) = (needed.parse().ok()?, of.parse().ok()?);
        let mut number = |most: f64| parts.next().and_then(values::number).filter(|n| (0.0..=most).contains(n));
        let (ahead_s, wider_percent, hold_s) = (number(300.0)?, number(1000.0)?, number(300.0)?);
        parts.next().is_none().then_some(Alert { needed, of, ahead_s, wider_percent, hold_s })
    };
    read().ok_or_else(|| format!("{text:?} is not as in 2/3,60,20,5: M/N, seconds ahead, percent wider, seconds held"))
}
