//! How late a lone interval is, and what it costs: beside the peers, and beside loops that do nothing but
//! wait for a timerfd, or for two that take turns, which is as good as it gets.
//!
//! `cargo bench --features full --bench precision`, with a period if it shall not be 1 ms:
//! `-- 200us`. The contenders take turns, round by round; the medians of the rounds count.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod contenders;
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn main() {
    use contenders::{ASYNC_FD, ASYNC_FD_TWO, CONTENDERS, RAW, RAW_TWO, SPIN_SLEEP};
    use support::median;

    const ROUNDS: usize = 9;

    let period = support::argument(0).map_or(std::time::Duration::from_millis(1), |period| {
        humantime::parse_duration(&period).expect("a period, such as 200us")
    });
    let ticks = u32::try_from((400_000_000 / period.as_nanos()).max(50)).unwrap();
    let mut rounds = vec![Vec::new(); CONTENDERS.len()];
    for _ in 0..ROUNDS {
        for (rounds, (_, run)) in rounds.iter_mut().zip(CONTENDERS) {
            rounds.push(run(period, ticks));
        }
    }
    println!(
        "{period:?}, medians of {ROUNDS} rounds of {ticks} ticks; lateness and processor time in µs"
    );
    println!(
        "{:38} {:>8} {:>8} {:>8} {:>9}",
        "", "p50", "p99", "max", "CPU/tick"
    );
    for (rounds, (name, _)) in rounds.iter().zip(CONTENDERS) {
        let of = |figure: fn(&contenders::Round) -> f64| {
            median(rounds.iter().map(figure).collect()) / 1e3
        };
        println!(
            "{name:38} {:8.2} {:8.1} {:8.1} {:9.2}",
            of(|round| round.p50),
            of(|round| round.p99),
            of(|round| round.max),
            of(|round| round.cpu),
        );
    }
    // Each round's own ratio, since what is noisy is so for both.
    let ratio = |of: &str, to: &str, figure: fn(&contenders::Round) -> f64| {
        let find = |name: &str| {
            CONTENDERS
                .iter()
                .position(|(other, _)| *other == name)
                .unwrap()
        };
        let [of, to] = [of, to].map(|name| &rounds[find(name)]);
        median(
            of.iter()
                .zip(to)
                .map(|(of, to)| figure(of) / figure(to))
                .collect(),
        )
    };
    println!(
        "kernel / raw p50 {:.2}; tokio / kernel p50 {:.1}; spin / kernel CPU {:.2}, multi_thread {:.2}",
        ratio("os", RAW, |round| round.p50),
        ratio("tokio", "os", |round| round.p50),
        ratio("os, spin", "os", |round| round.cpu),
        ratio(
            "os, spin, multi_thread(2)",
            "os, multi_thread(2)",
            |round| round.cpu
        ),
    );
    let all = |of: &str, to: &str| {
        println!(
            "{of} / {to}: CPU {:.2}, p50 {:.2}, p99 {:.2}",
            ratio(of, to, |round| round.cpu),
            ratio(of, to, |round| round.p50),
            ratio(of, to, |round| round.p99),
        );
    };
    for peer in [RAW, RAW_TWO, ASYNC_FD, ASYNC_FD_TWO] {
        all("os", peer);
    }
    all("os, multi_thread(2)", RAW);
    for spin in ["os, spin", "os, spin, multi_thread(2)"] {
        all(spin, SPIN_SLEEP);
    }
    contenders::beside(period);
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("this benchmark has its peers on 64-bit Linux only");
}
