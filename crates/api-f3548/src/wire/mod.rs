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

/// A string of JSON that is written out from what is shared or short: thousands of them wait to be sent.
#[derive(Debug)]
pub(crate) struct Plain<T>(pub T);

impl<T: std::fmt::Display> serde::Serialize for Plain<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What is sent, as JSON.
pub(crate) fn json(of: &impl serde::Serialize) -> Vec<u8> {
    match serde_json::to_vec(of) {
        Ok(body) => body,
        Err(error) => unreachable!("strings and numbers are JSON: {error}"),
    }
}
