//! (empty layer)
