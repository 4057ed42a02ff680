//! The whole, as it runs: real processes over loopback, with real keys, journals and links.
//!
//! In scope: what no crate can show alone: crashes, cuts, old copies, strangers, damaged files, full disks, feeds over
//! sockets, orderly ends. Out of scope: the meaning of records and alerts (`node`), the API's details (`api-native`).
mod bad_input;
#[path = "../common/mod.rs"]
mod common;
mod crash;
mod cut;
mod denied;
mod disk;
mod dss;
mod feeds;
mod flood;
mod forks;
mod hostile;
mod keys;
mod ledger;
mod notify;
mod sites;
mod stop;
mod token;
mod told;
mod witness;
mod witness_keys;
