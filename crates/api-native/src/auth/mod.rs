//! Who asks: passwords, sessions, tokens, one-time codes, and how often one may try.
pub(crate) mod caller;
pub mod codes;
pub(crate) mod limiter;
pub(crate) mod password;
pub(crate) mod secret;
pub(crate) mod sessions;
