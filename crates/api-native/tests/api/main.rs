//! The interface as its users meet it: requests against the router, consoles against a real socket.
mod accounts;
mod bad_input;
mod commands;
mod described;
mod fake;
mod guard;
mod http;
mod reading;
mod refusals;
mod schema;
mod sign_in;
mod stream;
mod world;
