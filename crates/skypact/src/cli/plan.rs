//! `skypact plan`: file, list and cancel plans at the running node.
use crate::cli::client::{self, Client, NodeArgs, by_prefix, show_time};
use crate::cli::geojson::{self, Shape};
use crate::cli::values::{self, When, altitude_json, show_altitude};
use crate::cli::{Global, Outcome};
use crate::files::read_bounded;
use airspace::{Limit, Outline, Volume4d};
use anyhow::{Context, Result, bail, ensure};
use clap::{Subcommand, ValueEnum};
use hyper::Method;
use notation::Place;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use units::{NM_MM, Utc, Vertex};

/// A file with more is no plan: 256 volumes of 1000 points have 10 MB at most.
const GEOJSON_BYTES_MAX: u64 = 16 << 20;

const AFTER: &str = "\
Examples:
  skypact plan file sector.geojson --lower FL100 --upper FL150 --from now --to +45m --callsign HUNTER1 --class military
  skypact plan file --circle 47.1 8.2 5 --lower ground --upper 3000ftMSL --from 2026-08-01T05:00:00Z --to 2026-08-01T06:00:00Z --class uas
  skypact plan file area.geojson --from now --to +2h --marking medevac
  skypact plan list
  skypact plan declare 3fa9 nonconforming
  skypact plan cancel 3fa9
  skypact plan unplanned
  skypact plan unflown

GeoJSON: Polygon, MultiPolygon, Point with the property radius_nm, LineString with half_width_nm; WGS-84 [longitude, latitude].
Each feature may have properties of its own, as text, which go before the options:
  lower, upper   FL100, 3000ftMSL, 900mAGL, 9500ftSTD (1013.25 hPa), 500mWGS84; `ground` and `unlimited` for none
  start, end     2026-08-01T05:00:00Z, `now`, or +45m (from now, by the node's clock)
Every volume needs all four from one or the other: a limit left out is not taken for no limit.

`declare` says how a plan is flown and leaves all else of it: nonconforming outside its volumes, activated again when back in them,
contingent if it cannot return (for good, until the plan is ended). The node sees it and says so at this desk; only people tell others.

A plan goes to the peers as far as the release rules allow (`skypact release show`). The answer names the peers' plans, the areas
to avoid and the protected sites that it conflicts with: it is filed all the same, and both sides are warned. Own plans are not
compared with each other; `--state draft` asks first and tells nobody.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: PlanCommand,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    /// Files a plan, or a new revision of one.
    #[command(after_help = AFTER)]
    File(Box<FileArgs>),
    /// Lists plans, the own ones and those that peers have released.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Lists aircraft in the air without a plan of the party that tells of them.
    Unplanned {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Lists plans that are active now and that nobody flies.
    Unflown {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Declares how a plan of the own party is flown (F3548-21); whoever was told of the plan is told.
    Declare {
        /// The plan's subject, or its first digits (4 or more).
        subject: String,
        /// activated, nonconforming or contingent.
        #[arg(value_parser = ["activated", "nonconforming", "contingent"])]
        state: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Cancels a plan of the own party.
    Cancel {
        /// The plan's subject, or its first digits (4 or more).
        subject: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// GeoJSON file with the plan's volumes.
    #[arg(required_unless_present_any = ["circle", "place"], conflicts_with_all = ["circle", "place"])]
    geojson: Option<PathBuf>,
    /// Or a circle around a place in any notation (47.1N 8.2E, 470630N0081215E, MGRS, GARS), with --radius. Around a square or area it
    /// is wide enough for wherever in it the centre may be.
    #[arg(long, value_parser = values::place, allow_hyphen_values = true, requires = "radius", conflicts_with = "circle")]
    place: Option<Place>,
    /// Its radius: 5 NM, 9260 m or 9.26 km.
    #[arg(long, value_parser = values::distance, requires = "place")]
    radius: Option<i64>,
    /// One circle instead: latitude and longitude in degrees, radius in NM.
    #[arg(long, num_args = 3, value_names = ["LAT", "LON", "NM"], allow_negative_numbers = true)]
    circle: Option<Vec<f64>>,
    /// Bottom of the volumes, inclusive: FL100, 3000ftMSL, 900mAGL, or `ground`.
    #[arg(long, value_parser = values::lower)]
    lower: Option<Limit>,
    /// Top of the volumes, inclusive: FL150, 9500ftMSL, or `unlimited`.
    #[arg(long, value_parser = values::upper)]
    upper: Option<Limit>,
    /// First instant: RFC 3339, `now`, or +15m.
    #[arg(long, value_parser = values::when)]
    from: Option<When>,
    /// Last instant: RFC 3339, or +45m from now.
    #[arg(long, value_parser = values::when)]
    to: Option<When>,
    /// Callsign, up to 16 characters.
    #[arg(long)]
    callsign: Option<String>,
    /// Class of aircraft: civil, military, uas, humanitarian or unknown (which gets the widest minima).
    #[arg(long, default_value = "unknown", value_parser = ["civil", "military", "uas", "humanitarian", "unknown"])]
    class: String,
    /// State: draft (kept here, told to nobody), accepted, activated, nonconforming, contingent or ended.
    #[arg(long, default_value = "accepted")]
    state: State,
    /// Priority (F3548-21), -100 to 100: higher wins, 0 is ordinary.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
    priority: i32,
    /// Special handling: HUM, MEDEVAC, FFR, SAR or STATE.
    #[arg(long, value_parser = ["HUM", "MEDEVAC", "FFR", "SAR", "STATE"])]
    special: Option<String>,
    /// ICAO address of the aircraft that will fly it, six hexadecimal digits.
    #[arg(long)]
    address: Option<String>,
    /// Marking for the release rules, one of `markings` in the configuration; it never leaves the node. The plan is told under
    /// the rules for it from the start. Without, a new plan has none and a revision keeps the one it has.
    #[arg(long, value_name = "WORD")]
    marking: Option<String>,
    /// Takes the marking away with this revision.
    #[arg(long, requires = "revise", conflicts_with = "marking")]
    no_marking: bool,
    /// File a new revision of this plan (its subject or its first digits) instead of a new plan.
    #[arg(long, value_name = "SUBJECT")]
    revise: Option<String>,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Draft,
    Accepted,
    Activated,
    Nonconforming,
    Contingent,
    Ended,
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        PlanCommand::File(args) => {
            let shapes = args.shapes()?;
            let answer = client::talk(&args.node, async |client| args.file(client, &shapes).await)?;
            filed(&answer, global);
        }
        PlanCommand::List { node } => {
            let plans = client::talk(&node, async |client| client.list("/v1/plans").await)?;
            list(&plans, global);
        }
        PlanCommand::Unplanned { node } => {
            let answer = client::talk(&node, async |client| client.get("/v1/unplanned").await)?;
            show_list(&answer, global, |row| {
                let plan =
                    row["inactive_plan"].as_str().map(|p| format!("  its plan {} is not active", values::plain(p)));
                format!("{}{}", crate::cli::track::line(&row["track"]), plan.unwrap_or_default())
            });
        }
        PlanCommand::Unflown { node } => {
            let answer = client::talk(&node, async |client| client.get("/v1/unflown").await)?;
            show_list(&answer, global, |row| {
                let text = |name: &str| values::plain(row[name].as_str().unwrap_or("-"));
                let since = client::show_time(&row["since_utc_ms"]);
                format!(
                    "{}  {:<12} {:<12} since {since}: {}",
                    text("subject"),
                    text("owner"),
                    text("callsign"),
                    text("why")
                )
            });
        }
        PlanCommand::Declare { subject, state, node } => {
            let answer = client::talk(&node, async |client| {
                let path = client::path("/v1/plans/", &own_subject(client, &subject).await?, "/state")?;
                let answer = client.command(Method::PUT, &path, Some(json!({ "state": state }))).await?;
                settled(client, &answer).await?;
                Ok(answer)
            })?;
            filed(&answer, global);
        }
        PlanCommand::Cancel { subject, node } => {
            let done = client::talk(&node, async |client| {
                let subject = own_subject(client, &subject).await?;
                client.command(Method::DELETE, &client::path("/v1/plans/", &subject, "")?, None).await?;
                let live = |p: &Value| p["subject"] == *subject && p["state"] != "cancelled";
                client.settle("/v1/plans", |plans| !plans.iter().any(live)).await?;
                Ok(subject)
            })?;
            if global.json {
                println!("{}", json!({ "cancelled": done }));
            } else {
                println!("Cancelled {done}. The peers that were told of it are told so.");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until the plan as filed is listed.
async fn settled(client: &Client, answer: &Value) -> Result<()> {
    let shown = |p: &Value| p["subject"] == answer["subject"] && p["revision"] == answer["revision"];
    client.settle("/v1/plans", |plans| plans.iter().any(shown)).await
}

/// The subject of the own plan that begins with what was typed.
async fn own_subject(client: &Client, typed: &str) -> Result<String> {
    let session = client.get("/v1/session").await?;
    let mut plans = client.list("/v1/plans").await?;
    plans.retain(|p| p["owner"] == session["party"]);
    let plan = by_prefix(&plans, "subject", typed, "plan")?;
    plan["subject"].as_str().map(str::to_owned).context("a plan without a subject")
}

impl FileArgs {
    fn shapes(&self) -> Result<Vec<Shape>> {
        if let (Some(place), Some(radius_mm)) = (&self.place, self.radius) {
            let outline = Outline::Circle { centre: place.at, radius_mm: radius_mm + values::spread_mm(place) };
            outline.check().context("--place and --radius")?;
            return Ok(vec![Shape::of(outline)]);
        }
        if let Some(circle) = &self.circle {
            let [lat, lon, radius] = circle.as_slice() else { bail!("--circle has three values") };
            ensure!(
                *radius > 0.0 && *radius <= 1000.0,
                "--circle: the radius {radius} is not above 0 and at most 1000 NM"
            );
            ensure!(
                lat.is_finite() && lon.is_finite(),
                "--circle: {lat},{lon} is no latitude and longitude in degrees"
            );
            let centre = Vertex::from_degrees(*lat, *lon).context("--circle is latitude, longitude, radius")?;
            let outline = Outline::Circle { centre, radius_mm: (radius * NM_MM as f64).round() as i64 };
            return Ok(vec![Shape::of(outline)]);
        }
        let path = self.geojson.as_ref().context("name a GeoJSON file, or give --circle")?;
        let of = || path.display().to_string();
        let bytes = read_bounded(path, GEOJSON_BYTES_MAX).with_context(of)?;
        geojson::shapes(std::str::from_utf8(&bytes).context("not UTF-8").with_context(of)?).with_context(of)
    }

    async fn file(&self, client: &Client, shapes: &[Shape]) -> Result<Value> {
        let body = self.body(shapes, client.now().await?)?;
        let answer = match &self.revise {
            None => client.command(Method::POST, "/v1/plans", Some(body)).await?,
            Some(typed) => {
                let subject = own_subject(client, typed).await?;
                client.command(Method::PUT, &client::path("/v1/plans/", &subject, "")?, Some(body)).await?
            }
        };
        settled(client, &answer).await?;
        Ok(answer)
    }

    /// The plan as the API takes it.
    fn body(&self, shapes: &[Shape], now: Utc) -> Result<Value> {
        let many = shapes.len() > 1;
        let mut volumes = Vec::new();
        for (n, shape) in shapes.iter().enumerate() {
            let volume = self.volume(shape, now);
            let volume = if many { volume.with_context(|| format!("volume {n} (counted from 0)"))? } else { volume? };
            volumes.push(volume_json(&volume));
        }
        let state = self.state.to_possible_value().context("state")?;
        let mut body = json!({
            "callsign": self.callsign, "class": self.class, "state": state.get_name(), "priority": self.priority,
            "special": self.special, "address": self.address, "volumes": volumes,
        });
        if self.marking.is_some() || self.no_marking {
            body["marking"] = json!(self.marking);
        }
        Ok(body)
    }

    fn volume(&self, shape: &Shape, now: Utc) -> Result<Volume4d> {
        let lower = shape.lower.or(self.lower).context("no lower limit: give --lower FL100, 3000ftMSL or ground")?;
        let upper = shape.upper.or(self.upper).context("no upper limit: give --upper FL150, 9500ftMSL or unlimited")?;
        let start = shape.start.or(self.from).context("no start: give --from 2026-08-01T05:00:00Z, now or +15m")?;
        let end = shape.end.or(self.to).context("no end: give --to 2026-08-01T06:00:00Z or +45m")?;
        let volume = Volume4d { outline: shape.outline.clone(), lower, upper, start: start.at(now), end: end.at(now) };
        volume.check()?;
        // A boundary that crosses itself, or is too long to be checked against anything.
        detect::PreparedVolume::prepare(&volume)?;
        Ok(volume)
    }
}

pub(super) fn volume_json(volume: &Volume4d) -> Value {
    let limit = |limit| match limit {
        Limit::Unlimited => Value::Null,
        Limit::At(altitude) => altitude_json(altitude),
    };
    let point = |v: &Vertex| json!([v.lon(), v.lat()]);
    let points = |points: &[Vertex]| points.iter().map(point).collect::<Vec<_>>();
    let metres = |mm: i64| mm as f64 / 1000.0;
    let outline = match &volume.outline {
        Outline::Polygon(p) => json!({ "type": "polygon", "points": points(p) }),
        Outline::Circle { centre, radius_mm } => {
            json!({ "type": "circle", "centre": point(centre), "radius_m": metres(*radius_mm) })
        }
        Outline::Corridor { points: p, half_width_mm } => {
            json!({ "type": "corridor", "points": points(p), "half_width_m": metres(*half_width_mm) })
        }
    };
    json!({
        "outline": outline, "lower": limit(volume.lower), "upper": limit(volume.upper),
        "start_utc_ms": volume.start.0, "end_utc_ms": volume.end.0,
    })
}

/// A list that may have been cut, row by row.
fn show_list(answer: &Value, global: Global, line: impl Fn(&Value) -> String) {
    if global.json {
        println!("{answer}");
        return;
    }
    let rows = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().for_each(|row| println!("{}", line(row)));
    if rows.is_empty() {
        println!("None.");
    }
    if answer["cut"] == true {
        println!("There may be more.");
    }
}

fn filed(answer: &Value, global: Global) {
    if global.json {
        println!("{answer}");
        return;
    }
    let text = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
    println!("Filed {}, revision {}.", text("subject"), answer["revision"]);
    match answer["conflicts"].as_array().map(Vec::as_slice) {
        None | Some([]) => {
            println!("It conflicts with no peer's plan, no area to avoid and no protected site that is known here.");
        }
        Some(conflicts) => {
            println!("It conflicts with:");
            for conflict in conflicts {
                println!("  {}", values::plain(conflict.as_str().unwrap_or_default()));
            }
        }
    }
}

fn list(plans: &[Value], global: Global) {
    if global.json {
        println!("{}", json!({ "items": plans }));
        return;
    }
    if plans.is_empty() {
        println!("No plans. `skypact plan file --help` says how to file one.");
    }
    for plan in plans {
        print!("{}", line(plan));
    }
}

/// One plan for people.
fn line(plan: &Value) -> String {
    let text = |name: &str| plan[name].as_str().map_or_else(|| String::from("-"), values::plain);
    let mut out = format!(
        "{}  {:<10} {:<8} {:<12} {}, revision {}\n",
        text("subject"),
        text("owner"),
        text("callsign"),
        text("class"),
        text("state"),
        plan["revision"],
    );
    for volume in plan["volumes"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let limit = |side: &str, none: &str| {
            if volume[side].is_null() { none.to_owned() } else { show_altitude(&volume[side]) }
        };
        out.push_str(&format!(
            "    {}, {} to {}, {} to {}\n",
            outline(&volume["outline"]),
            limit("lower", "ground"),
            limit("upper", "unlimited"),
            show_time(&volume["start_utc_ms"]),
            show_time(&volume["end_utc_ms"]),
        ));
    }
    for conflict in plan["conflicts"].as_array().map(Vec::as_slice).unwrap_or_default() {
        out.push_str(&format!("    conflicts: {}\n", values::plain(conflict.as_str().unwrap_or_default())));
    }
    out
}

fn outline(outline: &Value) -> String {
    let miles = |name: &str| outline[name].as_f64().unwrap_or_default() / 1852.0;
    let points = outline["points"].as_array().map_or(0, Vec::len);
    match outline["type"].as_str() {
        Some("circle") => {
            let at = |n: usize| outline["centre"][n].as_f64().unwrap_or_default();
            format!("circle {:.5},{:.5} {:.3} NM", at(1), at(0), miles("radius_m"))
        }
        Some("corridor") => format!("corridor of {points} points, {:.3} NM to either side", miles("half_width_m")),
        _ => format!("polygon of {points} points"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: FileArgs,
    }

    fn body(words: &[&str], now: i64) -> Result<Value> {
        let cli = Cli::try_parse_from(["file"].iter().chain(words)).map_err(|e| {
            let text = e.to_string();
            anyhow::anyhow!("{}", text.lines().next().unwrap_or_default().to_owned())
        })?;
        cli.args.body(&cli.args.shapes()?, Utc(now))
    }

    const CIRCLE: [&str; 4] = ["--circle", "47.1", "-8.2", "5"];
    const LIMITS: [&str; 8] = ["--lower", "FL100", "--upper", "unlimited", "--from", "now", "--to", "+45m"];

    #[test]
    fn a_circle_becomes_what_the_api_takes() {
        let words =
            [&CIRCLE[..], &LIMITS[..], &["--callsign", "HUNTER1", "--class", "military", "--priority", "-3"]].concat();
        let want = json!({
            "callsign": "HUNTER1", "class": "military", "state": "accepted", "priority": -3, "special": null, "address": null,
            "volumes": [{
                "outline": { "type": "circle", "centre": [-8.2, 47.1], "radius_m": 9260.0 },
                "lower": { "value_ft": 10000.0, "reference": "pressure" }, "upper": null,
                "start_utc_ms": 1000, "end_utc_ms": 2_701_000,
            }],
        });
        assert_eq!(body(&words, 1000).unwrap(), want);
    }

    #[test]
    fn properties_go_before_options_and_every_volume_needs_its_limits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.geojson");
        let feature = |properties: &str| {
            format!(
                "{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Point\",\"coordinates\":[8,47]}},\"properties\":{properties}}}"
            )
        };
        let write = |second: &str| {
            let first = feature(r#"{"radius_nm":1,"lower":"ground","upper":"FL050"}"#);
            let all = format!("{{\"type\":\"FeatureCollection\",\"features\":[{first},{}]}}", feature(second));
            std::fs::write(&path, all).unwrap();
        };
        let file = path.display().to_string();
        write(r#"{"radius_nm":2,"upper":"FL080"}"#);
        let words = ["--lower", "FL060", "--from", "now", "--to", "+1h", &file];
        let got = body(&words, 0).unwrap();
        assert_eq!(got["volumes"][0]["lower"], Value::Null);
        assert_eq!(got["volumes"][1]["lower"]["value_ft"], 6000.0);
        write(r#"{"radius_nm":2}"#);
        let error = format!("{:#}", body(&words, 0).unwrap_err());
        assert_eq!(error, "volume 1 (counted from 0): no upper limit: give --upper FL150, 9500ftMSL or unlimited");
    }

    #[test]
    fn a_marking_goes_with_the_plan_and_is_left_alone_where_none_is_named() {
        let with = |more: &[&'static str]| body(&[&CIRCLE[..], &LIMITS[..], more].concat(), 0);
        assert_eq!(with(&["--marking", "medevac"]).unwrap()["marking"], "medevac");
        assert_eq!(with(&["--revise", "aaaa", "--no-marking"]).unwrap()["marking"], Value::Null);
        let kept = with(&["--revise", "aaaa"]).unwrap();
        assert!(kept.get("marking").is_none(), "{kept}");
        assert!(with(&["--revise", "aaaa", "--no-marking"]).unwrap().get("marking").is_some());
        assert!(with(&["--no-marking"]).is_err(), "a new plan has none to take away");
        assert!(with(&["--revise", "aaaa", "--no-marking", "--marking", "x"]).is_err());
    }

    #[test]
    fn bad_input_is_refused_with_what_to_do() {
        let check = |words: &[&str], want: &str| {
            assert_eq!(format!("{:#}", body(words, 0).unwrap_err()), want, "{words:?}");
        };
        let with = |more: &[&'static str]| [&CIRCLE[..], more].concat();
        check(&with(&[]), "no lower limit: give --lower FL100, 3000ftMSL or ground");
        check(&with(&LIMITS[..6]), "no end: give --to 2026-08-01T06:00:00Z or +45m");
        check(
            &with(&["--lower", "FL100", "--upper", "FL050", "--from", "now", "--to", "+45m"]),
            "the lower limit is above the upper limit",
        );
        check(
            &with(&["--lower", "FL100", "--upper", "FL150", "--from", "+1h", "--to", "now"]),
            "the window ends (0 ms) before it starts (3600000 ms)",
        );
        check(&["--circle", "47", "8", "0"], "--circle: the radius 0 is not above 0 and at most 1000 NM");
        check(
            &["--circle", "97", "8", "1"],
            "--circle is latitude, longitude, radius: not a position: latitude 97 (allowed -90 to 90), longitude 8 (allowed -180 to 180)",
        );
        check(&["--circle", "NaN", "8", "1"], "--circle: NaN,8 is no latitude and longitude in degrees");
        check(&["--circle", "47", "8", "NaN"], "--circle: the radius NaN is not above 0 and at most 1000 NM");
        check(
            &["--lower", "5000ft", "x.geojson"],
            "error: invalid value '5000ft' for '--lower <LOWER>': \"5000ft\" is not a level: FL100, 3000ftMSL, 900mAGL, \
             3000ftWGS84 or 9500ftSTD (1013.25 hPa); a height needs its reference; `ground` for none",
        );
        check(&["absent.geojson"], "absent.geojson: No such file or directory (os error 2)");
        check(&["--class", "balloon", "x"], "error: invalid value 'balloon' for '--class <CLASS>'");
    }

    #[test]
    fn a_plan_is_shown_on_lines() {
        let plan = json!({
            "subject": "aa", "owner": "north", "callsign": "A\u{1b}1", "class": "uas", "state": "accepted", "revision": 2,
            "volumes": [body(&[&CIRCLE[..], &LIMITS[..]].concat(), 0).unwrap()["volumes"][0]], "conflicts": ["with bb of south"],
        });
        let want = "aa  north      A 1      uas          accepted, revision 2\n    \
                    circle 47.10000,-8.20000 5.000 NM, FL100 to unlimited, 1970-01-01T00:00:00Z to 1970-01-01T00:45:00Z\n    \
                    conflicts: with bb of south\n";
        assert_eq!(line(&plan), want);
    }
}
