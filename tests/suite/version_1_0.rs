//! Code that was written for version 1.0.0 compiles unchanged, and does the same.
//!
//! The code in `version_1_0/` is compiled twice: with this version, and with the published one where that
//! compiles. It uses the whole API of 1.0.0: `tests/public-api.sh` lists the items of the published package,
//! and looks for each of them in the code. Functions are used with their types, which a list of names would
//! not check.
//!
//! One item is not kept: `MissedTickBehavior` of 1.0.0 has `Hash`. This version's type is tokio's, which has
//! none.

mod ours;
// It does not compile for 32 bits.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod published;
