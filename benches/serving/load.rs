//! The server's cost per request and its throughput under full load.

use std::thread;
use std::time::{Duration, Instant};

use super::clients::{Clients, Group, Manner};
use super::server::{Server, Timer, until};
use crate::process::processor_time;
use crate::support::{Flavor, each, median};

/// hyper's default.
const LIMIT: Duration = Duration::from_secs(30);
const WARM_UP: Duration = Duration::from_millis(200);

const TIMERS: [Timer; 4] = [Timer::None, Timer::Never, Timer::Tokio, Timer::Ours];

/// The results of one contender in one round.
struct Turn {
    /// Requests answered per second.
    requests: f64,
    /// The server's processor time per request, in µs.
    cpu: f64,
}

pub(crate) fn run(rounds: usize, turn: Duration, connections: u64) {
    let mut turns = TIMERS.map(|_| Vec::new());
    for round in 0..rounds {
        for n in 0..TIMERS.len() {
            // Rotates the order of the contenders.
            let n = (n + round) % TIMERS.len();
            turns[n].push(serve(TIMERS[n], turn, connections));
        }
    }
    let [none, never, tokio, ours] = &turns;
    let added = |own: &[Turn], to: &[Turn]| in_each(own, to, |own, to| own.cpu - to.cpu);

    println!("{connections} connections; medians of {rounds} rounds, and the quartiles");
    println!(
        "{:22} {:>24} {:>24} {:>24}",
        "", "requests a second", "CPU for each, µs", "of that the timer's"
    );
    for (timer, own) in TIMERS.iter().zip(&turns) {
        let requests = spread(own.iter().map(|turn| turn.requests).collect(), 0);
        let cpu = spread(own.iter().map(|turn| turn.cpu).collect(), 2);
        let added = spread(added(own, none), 2);
        println!("{:22} {requests:>24} {cpu:>24} {added:>24}", timer.name());
    }
    let requests = in_each(ours, tokio, |ours, tokio| ours.requests / tokio.requests);
    println!(
        "requests, OsTimer's over TokioTimer's: {}",
        spread(requests, 3)
    );
    println!(
        "CPU for the timer, OsTimer's over TokioTimer's: {:.2}; {:.2} without what hyper takes itself",
        median(added(ours, none)) / median(added(tokio, none)),
        median(added(ours, never)) / median(added(tokio, never)),
    );
}

#[allow(clippy::cast_precision_loss, reason = "no count is that large")]
fn serve(timer: Timer, turn: Duration, connections: u64) -> Turn {
    let runtime = Flavor::MultiThread.builder().build().unwrap();
    let (server, address) = runtime.block_on(Server::start(timer, LIMIT));
    let _clients = Clients::start(&[Group {
        server: address,
        count: connections,
        manner: Manner::Asks(0),
    }]);
    until("all are connected", || server.open() == connections);
    thread::sleep(WARM_UP);

    let (began, cpu) = (Instant::now(), processor_time().unwrap());
    let answered = server.answered();
    thread::sleep(turn);
    let (took, cpu) = (
        began.elapsed(),
        processor_time().unwrap().saturating_sub(cpu),
    );
    let answered = server.answered() - answered;
    Turn {
        requests: answered as f64 / took.as_secs_f64(),
        cpu: each(cpu, usize::try_from(answered).unwrap()) / 1e3,
    }
}

/// Compares the contenders in each round.
fn in_each(own: &[Turn], to: &[Turn], compare: fn(&Turn, &Turn) -> f64) -> Vec<f64> {
    own.iter()
        .zip(to)
        .map(|(own, to)| compare(own, to))
        .collect()
}

/// Returns the median and the quartiles.
fn spread(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_unstable_by(f64::total_cmp);
    let [low, middle, high] = [1, 2, 3].map(|n| values[(values.len() - 1) * n / 4]);
    format!("{middle:.digits$} ({low:.digits$} to {high:.digits$})")
}
