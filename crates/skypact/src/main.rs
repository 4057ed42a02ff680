//! skypact
fn main() {}
