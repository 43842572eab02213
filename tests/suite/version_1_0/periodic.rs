//! `PeriodicInterval`.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::version::{Expirations, PeriodicInterval};
use crate::support::{HOUR, ms, on_current_thread, on_every_runtime, panic_message};

/// Checks the type of each function, as in `interval.rs`.
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
fn periodic_interval_has_the_state_of_1_0() {
    on_current_thread(async {
        let mut interval = PeriodicInterval::new(HOUR).unwrap();
        assert_eq!(interval.period(), HOUR);
        let debug = format!("{interval:?}");
        for part in ["PeriodicInterval {", "period: 3600s"] {
            assert!(debug.contains(part), "{debug}");
        }
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(interval.poll_tick(cx).is_pending(), "not at once");

        let message = panic_message(|| drop(PeriodicInterval::new(Duration::ZERO)));
        assert!(message.contains("`period` must be non-zero"), "{message}");
    });
}

#[test]
fn expirations_are_those_of_1_0() {
    on_every_runtime(async || {
        let period = ms(2);
        let before = Instant::now();
        let mut interval = PeriodicInterval::new(period).unwrap();
        let created = Instant::now();
        let mut total: Expirations = signatures::tick(&mut interval).await.unwrap();
        assert!(before.elapsed() >= period, "early");
        std::thread::sleep(5 * period);
        let missed = interval.tick().await.unwrap();
        assert!(missed >= 5, "{missed}");
        total += missed;
        for _ in 0..5 {
            let asked = created.elapsed();
            let expirations = interval.tick().await.unwrap();
            assert!(expirations >= 1);
            total += expirations;
            let expected = asked.as_nanos() / period.as_nanos()
                ..=before.elapsed().as_nanos() / period.as_nanos();
            assert!(
                expected.contains(&total.into()),
                "{total}, not {expected:?}"
            );
        }
    });
}
