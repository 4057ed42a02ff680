//! JSON as the standard has it, and its conversion.
pub(crate) mod answers;
pub(crate) mod asks;
pub(crate) mod details;
pub(crate) mod object;
pub(crate) mod refused;
pub(crate) mod rid;
pub(crate) mod time;
pub(crate) mod volume;
