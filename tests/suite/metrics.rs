//! What timers tell of themselves.

use std::time::Duration;

use crate::support::{Watchdog, current_thread, ms, panic_of, poll_once};
use tokio_osinterval::{TimerSource, interval, metrics, sleep};

#[test]
fn outside_a_runtime_metrics_panic_at_the_caller() {
    let (message, file) = panic_of(|| drop(metrics())).expect("it did not panic");
    assert!(message.contains("Tokio 1.x runtime"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn metrics_are_those_of_the_runtime() {
    let _watchdog = Watchdog::new("metrics_are_those_of_the_runtime");
    // On Windows other tests have theirs in the same driver.
    if cfg!(all(threadpool, not(feature = "test-util"))) {
        return;
    }
    let runtime = current_thread();
    let outside = runtime.block_on(async {
        let metrics = metrics();
        assert_eq!((metrics.wakeups(), metrics.fired()), (0, 0));
        assert_eq!((metrics.waiting(), metrics.source()), (0, None));

        let mut far = Box::pin(sleep(ms(60_000)));
        assert!(poll_once(&mut far).await.is_pending());
        assert_eq!(metrics.waiting(), 1);
        let source = match (cfg!(descriptor), cfg!(feature = "test-util")) {
            (true, false) => TimerSource::OperatingSystem,
            (true, true) => TimerSource::TestUtil,
            (false, _) if cfg!(threadpool) => TimerSource::TestUtil,
            (false, _) => TimerSource::Tokio,
        };
        assert_eq!(metrics.source(), Some(source));

        let mut interval = interval(ms(2));
        for _ in 0..20 {
            interval.tick().await;
        }
        // Some may have been due when they were polled.
        assert!((1..=19).contains(&metrics.fired()), "{metrics:?}");
        assert!(metrics.wakeups() >= 1, "{metrics:?}");
        assert!(metrics.median_lateness() <= metrics.p99_lateness());
        assert!(metrics.p99_lateness() > Duration::ZERO);
        assert_eq!(metrics.waiting(), 1);
        drop(far);
        assert_eq!(metrics.waiting(), 0);
        let _since_the_beginning = metrics.take_max_lateness();
        assert_eq!(metrics.take_max_lateness(), Duration::ZERO);
        metrics
    });
    // They can be asked for from anywhere, and after the end.
    let fired = outside.fired();
    drop(interval_of(&runtime));
    assert!(outside.fired() >= fired || !cfg!(descriptor));
    drop(runtime);
    assert_eq!((outside.fired(), outside.source()), (0, None));
}

fn interval_of(runtime: &tokio::runtime::Runtime) -> tokio_osinterval::OsInterval {
    let _context = runtime.enter();
    interval(ms(1))
}
