//! The interface as a client sees it: each endpoint with its success, each error and each scope.
mod access;
mod bad_input;
mod described;
mod details;
mod harness;
mod intents;
mod others;
mod rid;
mod shares;
// The same description language, the same walker.
#[path = "../../../api-native/tests/api/schema.rs"]
mod schema;
