//! A quinn `Runtime` whose timers are this crate's, and how late they are beside those of quinn's own
//! `TokioRuntime`: made once and reset for each deadline, as quinn's connections do.
//!
//! ```text
//! cargo run --release --example quinn_runtime -- [RESETS] [APART]
//! cargo run --release --example quinn_runtime -- 500 700us
//! ```
//!
//! To use it, hand an `Arc<OsRuntime>` to `quinn::Endpoint::new`. A connection takes one of quinn's features for
//! TLS besides, which this example does without.
//!
//! On 64-bit Linux only: quinn does not compile for every system that this crate does.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod runtime;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[path = "../support/mod.rs"]
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use runtime::main;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("quinn is built on 64-bit Linux only");
}
