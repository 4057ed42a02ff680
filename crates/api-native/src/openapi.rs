//! The machine-readable description.

/// The OpenAPI 3.1 document served at `/openapi.json`. Written by hand; a test holds it to the routes and their answers.
pub const OPENAPI: &str = include_str!("../openapi.json");
