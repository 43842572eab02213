//! Many intervals: processor time per tick, lateness, descriptors.
//!
//! `cargo bench --features full --bench scale`. An argument selects one measurement by name. The contenders
//! take turns, round by round; the medians of the rounds count.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod many_intervals;
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn main() {
    use support::{Table, longest};

    println!(
        "medians of {} rounds; lateness and processor time in µs\n",
        many_intervals::rounds()
    );
    let table = Table::begin(
        "| | timer | p50 late | p99 late | CPU per tick | descriptors |",
        &[
            longest(many_intervals::WORK.iter().map(|work| work.name)),
            longest(many_intervals::ALL.iter().map(|timer| timer.name())),
        ],
        8,
    );
    let chosen = many_intervals::WORK
        .iter()
        .filter(|work| support::is_chosen(work.name));
    let ratios: Vec<_> = chosen.flat_map(|work| work.run(&table)).collect();
    println!("\n{}", ratios.join("\n"));
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("this benchmark has its peers on 64-bit Linux only");
}
