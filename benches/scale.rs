//! Many intervals: processor time per tick, lateness, descriptors.
//!
//! `cargo bench --features full --bench scale`, and the name of a piece of work to run that alone.
//! The contenders take turns, round by round; the medians of the rounds count.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod crowd;
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn main() {
    let filter = support::argument(0);
    for work in crowd::WORK {
        if filter
            .as_ref()
            .is_none_or(|filter| work.name.contains(filter))
        {
            work.run();
        }
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("this benchmark has its peers on 64-bit Linux only");
}
