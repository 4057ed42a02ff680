//! Refuses to build without the console's assets: a binary with a blank page would pass for a working one.
//!
//! It never runs npm: a build must not reach the network behind the user's back.

use std::path::Path;

const DIST: &str = "../../console/dist";

fn main() {
    println!("cargo:rerun-if-changed={DIST}");
    if !Path::new(DIST).join("index.html").is_file() {
        // A line of cargo's own protocol, not a panic: the message then stands alone, without a backtrace.
        println!(
            "cargo:error=the web console is not built (console/dist/index.html is missing); run: cargo xtask console"
        );
    }
}
