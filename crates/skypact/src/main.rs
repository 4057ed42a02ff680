//! The one binary: the only place with sockets, clock, files and entropy.
#![forbid(unsafe_code)]

// First: its macros hold for all that follows.
#[macro_use]
mod out;

mod backend;
mod behind;
mod cli;
mod clock;
mod config;
mod core;
mod demo;
mod dss_api;
mod feeds;
mod files;
mod http;
mod keys;
mod metrics;
mod notify;
mod oauth_keys;
mod peer;
mod player;
mod published;
mod rules;
mod serve;
mod sessions;
mod web;
mod witness;
mod witnessing;

fn main() -> std::process::ExitCode {
    cli::main()
}
