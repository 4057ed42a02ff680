//! The one binary: the only place with sockets, clock, files and entropy.
#![forbid(unsafe_code)]

mod backend;
mod cli;
mod clock;
mod config;
mod core;
mod demo;
mod feeds;
mod keys;
mod metrics;
mod peer;
mod player;
mod recovery;
mod rules;
mod serve;
mod sessions;
mod store;
mod stores;
mod web;

fn main() -> std::process::ExitCode {
    cli::main()
}
