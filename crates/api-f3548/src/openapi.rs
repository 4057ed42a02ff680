//! The machine-readable description.

/// The OpenAPI 3.1 document served at `/dss/v1/openapi.json`. Written by hand; tests hold it to the routes and their answers.
pub const OPENAPI: &str = include_str!("../openapi.json");
