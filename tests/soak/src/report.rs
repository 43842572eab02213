//! The lines of progress, and the table at the end.

use std::time::Duration;

use crate::books::Books;
use crate::process;
use crate::tally::{Count, Kind, Tally};

type Column = (&'static str, fn(&Tally) -> &Count);

const COLUMNS: [Column; 10] = [
    ("made", |tally| &tally.made),
    ("deadlines", |tally| &tally.expected),
    ("delivered", |tally| &tally.delivered),
    ("missed", |tally| &tally.missed),
    ("completed", |tally| &tally.completed),
    ("cancelled", |tally| &tally.cancelled),
    ("moved", |tally| &tally.moved),
    ("resets", |tally| &tally.resets),
    ("early", |tally| &tally.early),
    ("lost", |tally| &tally.lost),
];

pub(crate) fn table(books: &Books) {
    print!("{:18}", "");
    for (name, _) in COLUMNS {
        print!(" {name:>9}");
    }
    println!(" {:>9} {:>9} {:>9}", "p50 late", "p99", "max");
    for kind in Kind::ALL {
        let tally = books.tally(kind);
        print!("{:18}", kind.name());
        for (name, count) in COLUMNS {
            match count(tally).get() {
                0 if name == "deadlines" => print!(" {:>9}", "-"),
                count => print!(" {count:>9}"),
            }
        }
        let (p50, p99, max) = tally.histogram(|late| {
            let at = |quantile| late.value_at_quantile(quantile);
            (at(0.5), at(0.99), late.max())
        });
        for nanos in [p50, p99, max] {
            print!(" {:>9.1?}", Duration::from_nanos(nanos));
        }
        println!();
    }
    print!("{:18}", "all");
    for (_, count) in COLUMNS {
        print!(" {:>9}", books.total(count));
    }
    println!();
}

pub(crate) fn progress(books: &Books, elapsed: Duration) {
    let resident = memory(process::resident());
    let cores = cores(elapsed);
    eprintln!(
        "{:>6} s: {} ticks, {} missed, {} made, {} cancelled, {} moved; {} failures; resident {resident}, \
         processors {cores}",
        elapsed.as_secs(),
        books.total(|tally| &tally.delivered),
        books.total(|tally| &tally.missed),
        books.total(|tally| &tally.made),
        books.total(|tally| &tally.cancelled),
        books.total(|tally| &tally.moved),
        books.failures.count(),
    );
}

/// How many processors were busy with this process, on the average.
fn cores(elapsed: Duration) -> String {
    match process::processor_time() {
        Some(time) => format!("{:.2}", time.as_secs_f64() / elapsed.as_secs_f64()),
        None => "unknown".to_owned(),
    }
}

pub(crate) fn memory(kib: Option<u64>) -> String {
    match kib {
        Some(kib) => format!("{} MiB", kib / 1024),
        None => "unknown".to_owned(),
    }
}

pub(crate) fn number(number: Option<usize>) -> String {
    number.map_or_else(|| "unknown".to_owned(), |number| number.to_string())
}
