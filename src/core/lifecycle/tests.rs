//! The life of one service as a golden table.
