//! The cost of a timer in a hyper server, and when the server closes connections of slow clients.
//!
//! `cargo bench --features full --bench hyper -- load 15 1s 64`: the number of rounds, the length of a turn,
//! the number of connections. They send one request after the other to a server on two workers. Its
//! `header_read_timeout` uses tokio's timer, ours, one that never fires, which shows hyper's own cost, or
//! none. The clients are another process. The contenders take turns, round by round; the medians of the
//! rounds count.
//!
//! `cargo bench --features full --bench hyper -- slow 30s 1000`: the length, the number of connections. One
//! of every twenty clients begins a header and does not end it until the server cuts it off, and then begins
//! another one. The others send a request now and then. The benchmark prints how late slow clients are cut
//! off, and what remains when all clients are gone. With glibc's allocator, the resident memory tells more
//! with `MALLOC_ARENA_MAX=1`.

#[path = "../examples/support/mod.rs"]
mod command_line;
#[path = "../tests/soak/src/process.rs"]
mod process;
mod serving;
mod support;

use std::time::Duration;

use command_line::{Arguments, fail};
use serving::{clients, load, slow};

/// Most connections: each needs a port of its own.
const MOST: u64 = 20_000;
/// Descriptors other than connections.
const OTHERS: u64 = 24;
const MOST_ROUNDS: usize = 10_000;

fn main() {
    if clients::run_if_asked() {
        return;
    }
    let mut arguments = Arguments::new(
        "A hyper server on tokio's timers and on ours: throughput and processor time, or slow clients.",
        "hyper [load [ROUNDS] [TURN] [CONNECTIONS] | slow [DURATION] [CONNECTIONS]]",
    )
    // cargo adds this argument.
    .without("--bench");
    if arguments.choice("MODE", &["load", "slow"]) == "load" {
        let rounds = rounds(&mut arguments);
        let turn = arguments.duration("TURN", Duration::from_secs(1));
        let connections = connections(&mut arguments, 64);
        arguments.finish();
        load::run(rounds, turn, connections);
    } else {
        let duration = arguments.duration("DURATION", Duration::from_secs(30));
        let connections = connections(&mut arguments, 1_000);
        arguments.finish();
        slow::run(duration, connections);
    }
}

fn connections(arguments: &mut Arguments, default: u64) -> u64 {
    let connections = arguments.count("CONNECTIONS", default);
    let most =
        process::most_descriptors().map_or(MOST, |most| MOST.min(most.saturating_sub(OTHERS)));
    if connections > most {
        fail(&format!(
            "CONNECTIONS: {most} at the most (`ulimit -n` is what limits them)"
        ));
    }
    connections
}

fn rounds(arguments: &mut Arguments) -> usize {
    let rounds = usize::try_from(arguments.count("ROUNDS", 15));
    let rounds = rounds.ok().filter(|rounds| *rounds <= MOST_ROUNDS);
    rounds.unwrap_or_else(|| fail(&format!("ROUNDS: {MOST_ROUNDS} at the most")))
}
