//! When the server cuts off clients that do not end their header, beside many others, and what remains of all
//! of them.

use std::fmt;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::clients::{Clients, Group, Manner};
use super::server::{Server, Timer, until};
use crate::command_line::fail;
use crate::process::{descriptors, resident_memory};
use crate::support::Flavor;

/// The limit for a header, and therefore also for a pause.
const LIMIT: Duration = Duration::from_millis(500);
/// Pause of the clients that are not slow, in milliseconds. It keeps the server from overload, so that the
/// result is the timer's.
const PAUSE: u64 = 100;
/// One client in this many is slow.
const SLOW: u64 = 20;
/// Clients that come and go before the measurement, so that the allocator already holds the memory that it
/// keeps.
const WARM_UP: [Duration; 5] = [Duration::from_secs(2); 5];
const IN_TIME: Duration = Duration::from_millis(1);

pub(crate) fn run(duration: Duration, connections: u64) {
    if duration < 2 * LIMIT {
        fail(&format!("DURATION: {:?} at the least", 2 * LIMIT));
    }
    println!(
        "{connections} connections for {duration:?}, one of {SLOW} slow; the limit is {LIMIT:?}"
    );
    for timer in [Timer::Ours, Timer::Tokio] {
        serve(timer, duration, connections);
    }
}

fn serve(timer: Timer, duration: Duration, connections: u64) {
    let runtime = Flavor::MultiThread.builder().build().unwrap();
    let start = || runtime.block_on(Server::start(timer, LIMIT));
    // Two, so that their connections can be distinguished.
    let (asked, to_ask) = start();
    let (beset, to_beset) = start();
    let slow = connections.div_ceil(SLOW);
    let beset_for = |duration| {
        let _clients = Clients::start(&[
            Group {
                server: to_ask,
                count: connections - slow,
                manner: Manner::Asks(PAUSE),
            },
            Group {
                server: to_beset,
                count: slow,
                manner: Manner::IsSlow,
            },
        ]);
        thread::sleep(duration);
        Held::by(&runtime)
    };
    let are_gone = || until("all are gone", || asked.open() + beset.open() == 0);

    for duration in WARM_UP {
        beset_for(duration);
        are_gone();
    }
    for server in [&asked, &beset] {
        server.take_cut_off();
    }
    let (before, answered) = (Held::by(&runtime), asked.answered());
    let meanwhile = beset_for(duration);
    are_gone();
    let answered = asked.answered() - answered;
    println!(
        "{}: {answered} requests answered; of those who asked, {} cut off",
        timer.name(),
        asked.take_cut_off().len()
    );
    println!("    slow ones: {}", lateness(beset.take_cut_off()));
    // Without memory of the measurement itself.
    let after = Held::by(&runtime);
    for (when, held) in [
        ("before", &before),
        ("meanwhile", &meanwhile),
        ("after", &after),
    ] {
        println!("    {when:10} {held}");
    }
    let what_is_counted = |held: &Held| (held.descriptors, held.waiting);
    assert_eq!(what_is_counted(&before), what_is_counted(&after), "a leak");
}

/// # Panics
///
/// Panics if a client was cut off too early, or if none was.
fn lateness(mut open_for: Vec<Duration>) -> String {
    open_for.sort_unstable();
    let late: Vec<_> = open_for
        .iter()
        .map(|open_for| open_for.checked_sub(LIMIT).expect("none is cut off early"))
        .collect();
    let at = |percent| late[(late.len() - 1) * percent / 100];
    let in_time = late.iter().filter(|late| **late <= IN_TIME).count();
    format!(
        "{} cut off, {in_time} of them within {IN_TIME:?}; late by {:?} at the least, p50 {:?}, p99 {:?}, {:?} at the most",
        late.len(),
        at(0),
        at(50),
        at(99),
        at(100)
    )
}

/// What the server's process holds.
struct Held {
    descriptors: Option<usize>,
    /// Waiting timers of this crate.
    waiting: usize,
    /// Resident memory in KiB.
    resident: Option<u64>,
}

impl Held {
    fn by(runtime: &Runtime) -> Self {
        let _context = runtime.enter();
        Self {
            descriptors: descriptors(),
            waiting: tokio_osinterval::metrics().waiting(),
            resident: resident_memory(),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(descriptors) = self.descriptors {
            write!(f, "{descriptors} descriptors, ")?;
        }
        write!(f, "{} timers wait", self.waiting)?;
        if let Some(resident) = self.resident {
            write!(f, ", {resident} KiB resident")?;
        }
        Ok(())
    }
}
