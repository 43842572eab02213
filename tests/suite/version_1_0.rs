//! Code that was written for version 1.0.0 compiles as it stands, and does the same. It is here once, in
//! `version_1_0/`, and compiled twice: with this version, and with that one where that compiles.
//!
//! It uses all that 1.0.0 has: `tests/public-api.sh` lists that from the published package, and looks for each
//! item in the code. Functions and methods are used with their types, which no list of names would tell.
//!
//! One thing is not kept: the `Hash` of 1.0.0's `MissedTickBehavior`. This version's is tokio's, which has none.

mod ours;
// It does not compile for 32 bits.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod published;
