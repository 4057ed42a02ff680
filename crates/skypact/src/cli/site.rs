//! `skypact site`: protected sites at the running node; whether a place lies over or near one.
use crate::cli::client::{self, NodeArgs, show_time};
use crate::cli::values::{self, When, Written};
use crate::cli::{Global, Outcome};
use airspace::Outline;
use anyhow::Context;
use clap::Subcommand;
use hyper::Method;
use notation::Place;
use serde_json::{Value, json};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact site check \"42SVF 87765 63598\"
  skypact site file --place 36.718,68.863 --radius 60m --buffer 500m --category hospital --name \"Trauma centre\" \\
    --verification field-checked --expires +720h
  skypact site list
  skypact site reason 17 \"Landing site agreed with the hospital, 0700 to 0715Z\"

Places in any of five notations: 47.1N 8.2E or 47.1,8.2 (latitude first); 47°06'30\"N 008°12'15\"E; 470630N0081215E;
MGRS 32TMT 39618 17510; GARS 377ML36. Of a square or area every part of it is looked at.
`check` asks the own node alone, which looks at the sites that it holds: nothing is journaled, and no other party is asked or told.
A site that is not listed is not for that reason unprotected.

Exit codes: 0 done, and `check` found no site; 1 failed; 2 wrong command line; 3 `check` found a site; 4 refused by the node.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: SiteCommand,
}

#[derive(Debug, Subcommand)]
enum SiteCommand {
    /// Says whether a place lies over a protected site or in its buffer.
    #[command(after_help = AFTER)]
    Check {
        /// The place, in any notation.
        #[arg(value_parser = values::written, allow_hyphen_values = true)]
        place: Written,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Files a protected site around a place.
    #[command(after_help = AFTER)]
    File(FileArgs),
    /// Gives the reason why what is flagged may stay at a site.
    Reason {
        /// Number of the alert.
        alert: u64,
        /// The reason, up to 400 bytes.
        reason: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Lists the protected sites held, own and released by others.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// Where, in any notation. Of a square or area the footprint holds it whole.
    #[arg(long, value_parser = values::place, allow_hyphen_values = true)]
    place: Place,
    /// Radius of the footprint: 60 m, 0.1 NM.
    #[arg(long, value_parser = values::distance)]
    radius: i64,
    /// Distance to keep clear around the footprint.
    #[arg(long, value_parser = values::distance)]
    buffer: i64,
    /// hospital, school, market, water, camp, warehouse, office or other.
    #[arg(long, value_parser = ["hospital", "school", "market", "water", "camp", "warehouse", "office", "other"])]
    category: String,
    /// Name, up to 80 bytes.
    #[arg(long)]
    name: Option<String>,
    /// How far it was checked: claimed, filer-checked, field-checked or independent.
    #[arg(long, default_value = "claimed", value_parser = ["claimed", "filer-checked", "field-checked", "independent"])]
    verification: String,
    /// When it must be renewed: RFC 3339, or +720h.
    #[arg(long, value_parser = values::when)]
    expires: When,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        SiteCommand::Check { place, node } => {
            let body = json!({ "place": place.json() });
            let answer =
                client::talk(&node, async |client| client.command(Method::POST, "/v1/sites/check", Some(body)).await)?;
            if global.json {
                println!("{answer}");
            } else {
                print!("{}", checked(&answer));
            }
            let found = answer["sites"].as_array().is_some_and(|sites| !sites.is_empty());
            return Ok(ExitCode::from(if found { crate::cli::FOUND_BAD } else { 0 }));
        }
        SiteCommand::File(args) => {
            let answer = client::talk(&args.node, async |client| {
                let body = args.body(client.now().await?)?;
                client.command(Method::POST, "/v1/sites", Some(body)).await
            })?;
            if global.json {
                println!("{answer}");
            } else {
                println!("Filed {}, revision {}.", answer["subject"].as_str().unwrap_or("-"), answer["revision"]);
            }
        }
        SiteCommand::Reason { alert, reason, node } => {
            let (path, body) = (format!("/v1/alerts/{alert}/reason"), json!({ "reason": reason }));
            client::talk(&node, async |client| client.command(Method::POST, &path, Some(body)).await)?;
            if global.json {
                println!("{}", json!({ "alert": alert.to_string() }));
            } else {
                println!("The reason is kept with the alert, until what it is about changes.");
            }
        }
        SiteCommand::List { node } => {
            let sites = client::talk(&node, async |client| client.list("/v1/sites").await)?;
            if global.json {
                println!("{}", json!({ "items": sites }));
            } else if sites.is_empty() {
                println!("No protected sites are held here.");
            } else {
                sites.iter().for_each(|site| print!("{}", line(site)));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl FileArgs {
    /// The site as the API takes it.
    fn body(&self, now: units::Utc) -> anyhow::Result<Value> {
        let radius_mm = self.radius + values::spread_mm(&self.place);
        Outline::Circle { centre: self.place.at, radius_mm }.check().context("--place and --radius")?;
        let at = self.place.at;
        let metres = |mm: i64| mm as f64 / 1000.0;
        Ok(json!({
            "category": self.category, "name": self.name, "buffer_m": metres(self.buffer),
            "footprint": { "type": "circle", "centre": [at.lon(), at.lat()], "radius_m": metres(radius_mm) },
            "verification": self.verification, "expires_utc_ms": self.expires.at(now).0,
        }))
    }
}

/// What a check found, for people.
fn checked(answer: &Value) -> String {
    let text = |of: &Value| of.as_str().map_or_else(|| String::from("-"), values::plain);
    let names: Vec<String> = notation::Notation::ALL.iter().map(|n| text(&answer["notations"][n.name()])).collect();
    let mut out = format!("{}\n", names.join("  "));
    let radius = answer["radius_m"].as_f64().unwrap_or_default();
    if radius > 1.0 {
        out.push_str(&format!("This is an area: every place up to {radius:.0} m from its centre is looked at.\n"));
    }
    let sites = answer["sites"].as_array().map(Vec::as_slice).unwrap_or_default();
    if sites.is_empty() {
        out.push_str("Not over a protected site that is held here, nor in the buffer of one.\n");
    }
    for site in sites {
        let metres = |name: &str| site[name].as_f64().unwrap_or_default();
        let where_ = if site["over"] == true {
            "OVER".to_owned()
        } else {
            format!("IN THE BUFFER ({:.0} m) OF, {:.0} m from", metres("buffer_m"), metres("distance_m"))
        };
        let name = if site["name"].is_null() { text(&site["subject"]) } else { text(&site["name"]) };
        let expired = if site["expired"] == true { ", its entry has expired" } else { "" };
        out.push_str(&format!(
            "{where_} {name}: {} of {}, buffer {:.0} m, {}{expired}\n",
            text(&site["category"]),
            text(&site["owner"]),
            metres("buffer_m"),
            text(&site["verification"]),
        ));
    }
    match answer["more"].as_u64() {
        Some(more) if more > 0 => out.push_str(&format!("and {more} more\n")),
        _ => {}
    }
    out
}

/// One site for people.
fn line(site: &Value) -> String {
    let text = |name: &str| site[name].as_str().map_or_else(|| String::from("-"), values::plain);
    format!(
        "{}  {:<10} {:<10} {}, buffer {:.0} m, {}, until {}{}\n",
        text("subject"),
        text("owner"),
        text("category"),
        text("name"),
        site["buffer_m"].as_f64().unwrap_or_default(),
        text("verification"),
        show_time(&site["expires_utc_ms"]),
        if site["expired"] == true { " (EXPIRED)" } else { "" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_site_around_a_square_holds_the_square() {
        let words = ["site", "file", "--place", "42SVF 877 636", "--radius", "60m", "--buffer", "500 m"];
        let more = ["--category", "hospital", "--expires", "+1h"];
        let SiteCommand::File(args) = Cli::try_parse_from(words.iter().chain(&more)).unwrap().args.command else {
            panic!("not file")
        };
        let body = args.body(units::Utc(0)).unwrap();
        let radius = body["footprint"]["radius_m"].as_f64().unwrap();
        assert!((130.0..131.5).contains(&radius), "60 m and half the diagonal of 100 m: {radius}");
        assert_eq!((&body["buffer_m"], &body["expires_utc_ms"]), (&json!(500.0), &json!(3_600_000)));
        assert!(Cli::try_parse_from(["site", "check", "42SVF 877 63"]).is_err());
    }

    #[test]
    fn what_a_check_found_is_said_plainly() {
        let site = json!({
            "owner": "civil", "subject": "aa", "name": "Trauma\u{1b} centre", "category": "hospital", "distance_m": 0.0,
            "buffer_m": 500.0, "over": true, "verification": "claimed", "expired": true,
        });
        let mut near = site.clone();
        (near["over"], near["distance_m"], near["name"], near["expired"]) =
            (json!(false), json!(312.4), Value::Null, json!(false));
        let notations = json!({ "decimal": "a", "dms": "b", "icao": "c", "mgrs": "d", "gars": "e" });
        let answer = json!({ "radius_m": 70.9, "notations": notations, "sites": [site, near], "more": 2 });
        let want = "a  b  c  d  e\nThis is an area: every place up to 71 m from its centre is looked at.\n\
                    OVER Trauma  centre: hospital of civil, buffer 500 m, claimed, its entry has expired\n\
                    IN THE BUFFER (500 m) OF, 312 m from aa: hospital of civil, buffer 500 m, claimed\nand 2 more\n";
        assert_eq!(checked(&answer), want);
    }
}
