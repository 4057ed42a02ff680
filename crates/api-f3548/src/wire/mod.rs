//! JSON as the standard has it, and its conversion.
pub(crate) mod address;
pub(crate) mod answers;
pub(crate) mod asks;
pub(crate) mod details;
pub(crate) mod object;
pub(crate) mod refused;
pub(crate) mod rid;
pub(crate) mod time;
pub(crate) mod volume;

/// What is sent, as JSON.
pub(crate) fn json(of: &impl serde::Serialize) -> Vec<u8> {
    match serde_json::to_vec(of) {
        Ok(body) => body,
        Err(error) => unreachable!("strings and numbers are JSON: {error}"),
    }
}
