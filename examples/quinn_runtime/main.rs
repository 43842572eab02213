//! Implements a quinn `Runtime` on this crate's timers, and compares their lateness with that of quinn's
//! `TokioRuntime`. Like quinn's connections, it creates a timer once and resets it for each deadline.
//!
//! ```text
//! cargo run --release --example quinn_runtime -- [RESETS] [APART]
//! cargo run --release --example quinn_runtime -- 500 700us
//! ```
//!
//! To use it, pass an `Arc<OsRuntime>` to `quinn::Endpoint::new`. A connection also needs one of quinn's TLS
//! features, which this example does not enable.
//!
//! The example runs on 64-bit Linux only, because quinn does not compile for every system of this crate.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod runtime;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[path = "../support/mod.rs"]
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use runtime::main;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("this example runs on 64-bit Linux only");
}
