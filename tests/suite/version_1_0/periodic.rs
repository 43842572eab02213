//! `PeriodicInterval`.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::version::{Expirations, PeriodicInterval};
use crate::support::{Watchdog, current_thread, ms, on_every_runtime, panic_of};

/// As in `interval.rs`.
mod signatures {
    use super::*;

    const _: fn(Duration) -> io::Result<PeriodicInterval> = PeriodicInterval::new;
    const _: fn(&PeriodicInterval) -> Duration = PeriodicInterval::period;
    const _: fn(&mut PeriodicInterval, &mut Context<'_>) -> Poll<io::Result<Expirations>> =
        PeriodicInterval::poll_tick;
    const _: fn(Expirations) -> u64 = |expirations| expirations;

    pub(super) fn tick(
        interval: &mut PeriodicInterval,
    ) -> impl Future<Output = io::Result<Expirations>> + Send + Sync + '_ {
        PeriodicInterval::tick(interval)
    }
}

const fn is_object<T: Debug + Send + Sync + Unpin>() {}
const _: () = is_object::<PeriodicInterval>();

#[test]
fn a_periodic_interval_is_what_it_was_in_1_0() {
    let _watchdog = Watchdog::new("a_periodic_interval_is_what_it_was_in_1_0");
    current_thread().block_on(async {
        let hour = Duration::from_secs(3600);
        let mut interval = PeriodicInterval::new(hour).unwrap();
        assert_eq!(interval.period(), hour);
        let debug = format!("{interval:?}");
        for part in ["PeriodicInterval {", "period: 3600s"] {
            assert!(debug.contains(part), "{debug}");
        }
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(interval.poll_tick(cx).is_pending(), "not at once");

        let made = || drop(PeriodicInterval::new(Duration::ZERO));
        let (message, _file) = panic_of(made).expect("it did not panic");
        assert!(message.contains("`period` must be non-zero"), "{message}");
    });
}

#[test]
fn expirations_are_those_of_1_0() {
    on_every_runtime("expirations_are_those_of_1_0", || async {
        let period = ms(2);
        let before = Instant::now();
        let mut interval = PeriodicInterval::new(period).unwrap();
        let made = Instant::now();
        let mut all: Expirations = signatures::tick(&mut interval).await.unwrap();
        assert!(before.elapsed() >= period, "early");
        std::thread::sleep(5 * period);
        let missed = interval.tick().await.unwrap();
        assert!(missed >= 5, "{missed}");
        all += missed;
        for _ in 0..5 {
            let asked = made.elapsed();
            let expirations = interval.tick().await.unwrap();
            assert!(expirations >= 1);
            all += expirations;
            let so_far = asked.as_nanos() / period.as_nanos()
                ..=before.elapsed().as_nanos() / period.as_nanos();
            assert!(so_far.contains(&all.into()), "{all}, not {so_far:?}");
        }
    });
}
