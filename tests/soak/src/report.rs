//! Prints the progress, and a table at the end.

use std::fmt::Display;
use std::time::Duration;

use crate::process;
use crate::shared::Shared;
use crate::stats::{Counter, Kind, Stats};

type Column = (&'static str, fn(&Stats) -> &Counter);

const COLUMNS: [Column; 10] = [
    ("created", |stats| &stats.created),
    ("deadlines", |stats| &stats.expected),
    ("delivered", |stats| &stats.delivered),
    ("missed", |stats| &stats.missed),
    ("completed", |stats| &stats.completed),
    ("canceled", |stats| &stats.canceled),
    ("moved", |stats| &stats.moved),
    ("resets", |stats| &stats.resets),
    ("early", |stats| &stats.early),
    ("lost", |stats| &stats.lost),
];

pub(crate) fn print_table(shared: &Shared) {
    print!("{:18}", "");
    for (name, _) in COLUMNS {
        print!(" {name:>9}");
    }
    println!(" {:>9} {:>9} {:>9}", "p50 late", "p99", "max");
    for kind in Kind::ALL {
        let stats = shared.stats(kind);
        print!("{:18}", kind.name());
        for (name, counter) in COLUMNS {
            match counter(stats).get() {
                0 if name == "deadlines" => print!(" {:>9}", "-"),
                count => print!(" {count:>9}"),
            }
        }
        let (p50, p99, max) = stats.with_lateness(|lateness| {
            let at = |quantile| lateness.value_at_quantile(quantile);
            (at(0.5), at(0.99), lateness.max())
        });
        for nanos in [p50, p99, max] {
            print!(" {:>9.1?}", Duration::from_nanos(nanos));
        }
        println!();
    }
    print!("{:18}", "all");
    for (_, counter) in COLUMNS {
        print!(" {:>9}", shared.total(counter));
    }
    println!();
}

pub(crate) fn print_progress(shared: &Shared, elapsed: Duration) {
    // How many processors were busy with this process, on average.
    let processors = process::processor_time()
        .map(|time| format!("{:.2}", time.as_secs_f64() / elapsed.as_secs_f64()));
    eprintln!(
        "{:>6} s: {} ticks, {} missed, {} created, {} canceled, {} moved; {} failures; resident {}, \
         processors {}",
        elapsed.as_secs(),
        shared.total(|stats| &stats.delivered),
        shared.total(|stats| &stats.missed),
        shared.total(|stats| &stats.created),
        shared.total(|stats| &stats.canceled),
        shared.total(|stats| &stats.moved),
        shared.failures.count(),
        memory(process::resident_memory()),
        or_unknown(processors),
    );
}

pub(crate) fn memory(kib: Option<u64>) -> String {
    or_unknown(kib.map(|kib| format!("{} MiB", kib / 1024)))
}

pub(crate) fn or_unknown(value: Option<impl Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}
