//! The interface as a client sees it: each endpoint with its success, each error and each scope.
mod access;
mod bad_input;
mod details;
mod harness;
mod intents;
mod others;
mod rid;
