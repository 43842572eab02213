//! The lateness and the cost of a lone interval, compared with the peers and with loops that only wait for a
//! timerfd, or for two that take turns. Those loops are the best that a timer can do.
//!
//! `cargo bench --features full --bench precision`. An argument sets another period than 1 ms: `-- 200us`.
//! The contenders take turns, round by round; the medians of the rounds count.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod contenders;
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn main() {
    use contenders::{
        ASYNC_FD, ASYNC_FD_TWO, CONTENDERS, KERNEL, KERNEL_MULTI, RAW, RAW_TWO, Round, SPIN,
        SPIN_MULTI, SPIN_SLEEP, TOKIO,
    };
    use support::{Table, late, longest, median, number};

    let rounds = support::rounds(9);
    let period =
        support::arguments()
            .next()
            .map_or(std::time::Duration::from_millis(1), |period| {
                let parsed = humantime::parse_duration(&period)
                    .ok()
                    .filter(|period| !period.is_zero());
                parsed.unwrap_or_else(|| {
                    support::refuse(&format!("`{period}` is no period, such as 200us"))
                })
            });
    let ticks = u32::try_from((400_000_000 / period.as_nanos()).max(50)).unwrap();
    let mut samples = vec![Vec::new(); CONTENDERS.len()];
    for _ in 0..rounds {
        for (samples, (_, run)) in samples.iter_mut().zip(CONTENDERS) {
            samples.push(run(period, ticks));
        }
    }
    println!(
        "{period:?}, medians of {rounds} rounds of {ticks} ticks; lateness and processor time in µs\n"
    );
    let table = Table::begin(
        "| | p50 late | p99 late | CPU per tick |",
        &[longest(CONTENDERS.iter().map(|(name, _)| *name))],
        8,
    );
    for (samples, (name, _)) in samples.iter().zip(CONTENDERS) {
        let of = |figure: fn(&Round) -> f64| median(samples.iter().map(figure).collect()) / 1e3;
        table.row(&[
            (*name).to_owned(),
            late(of(|round| round.p50)),
            late(of(|round| round.p99)),
            number(of(|round| round.cpu), 1),
        ]);
    }
    println!();
    let ratios = |of: &str, to: &str| {
        let find = |name: &str| {
            let place = CONTENDERS.iter().position(|(other, _)| *other == name);
            &samples[place.unwrap()]
        };
        let ratio = |figure: fn(&Round) -> f64| {
            let [of, to] = [of, to].map(|name| find(name).iter().map(figure).collect::<Vec<_>>());
            support::ratio(&of, &to)
        };
        println!(
            "{of} / {to}: CPU {:.2}, p50 {:.2}, p99 {:.2}",
            ratio(|round| round.cpu),
            ratio(|round| round.p50),
            ratio(|round| round.p99),
        );
    };
    for peer in [RAW, RAW_TWO, ASYNC_FD, ASYNC_FD_TWO, TOKIO] {
        ratios(KERNEL, peer);
    }
    ratios(KERNEL_MULTI, RAW);
    ratios(SPIN, KERNEL);
    ratios(SPIN_MULTI, KERNEL_MULTI);
    for spin in [SPIN, SPIN_MULTI] {
        ratios(spin, SPIN_SLEEP);
    }
    contenders::beside(period);
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn main() {
    println!("this benchmark has its peers on 64-bit Linux only");
}
