//! Cells and coverings against two other implementations of S2, an oracle drawn on the sphere, and literal values.
mod coverings;
mod ids;
mod oracle;
mod refusals;
