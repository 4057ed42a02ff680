//! What the routes do.
pub(crate) mod accounts;
pub(crate) mod commands;
pub(crate) mod read;
pub(crate) mod sign;
