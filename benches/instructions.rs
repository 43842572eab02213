//! Instruction counts, by valgrind. They hardly differ between runs, so each has a bound. A count above its
//! bound is a failure.
//!
//! `tests/instructions.sh`. Needs valgrind, and gungraun-runner in the version of the crate gungraun.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod counted;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use counted::operations;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
gungraun::main!(library_benchmark_groups = operations);

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("instructions are counted on 64-bit Linux only");
}
