//! What the targets in fuzz/ call: one function each, and the words in which it is told what to do. Only
//! a build with `--cfg fuzzing`, cargo-fuzz's own, has it, and it is no part of the API.

pub use crate::driver::check::{Op, behaves_as_a_sorted_map};
pub use crate::schedule::check::{Step, keeps_its_contract};
