//! The entry points of the targets in `fuzz/`. They exist only under `--cfg fuzzing`, which cargo-fuzz sets,
//! and are not part of the public API.

pub use crate::driver::check::{Op, behaves_as_a_sorted_map};
pub use crate::schedule::check::{Step, keeps_its_contract};
