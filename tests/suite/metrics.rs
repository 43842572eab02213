//! Metrics report what the timers of a runtime have done.

use std::time::Duration;

use crate::support::{NO_RUNTIME, Watchdog, assert_panics_here, current_thread, ms, poll_once};
use tokio_osinterval::{TimerSource, interval, metrics, sleep};

#[test]
fn metrics_outside_a_runtime_panic_at_the_caller() {
    assert_panics_here(NO_RUNTIME, || drop(metrics()));
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "the driver also has the timers of other tests"
)]
fn metrics_report_the_timers_of_their_runtime() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let metrics = runtime.block_on(async {
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
        // A tick that is due when it is polled does not fire.
        assert!((1..=19).contains(&metrics.fired()), "{metrics:?}");
        assert!(metrics.wakeups() >= 1, "{metrics:?}");
        assert!(metrics.median_lateness() <= metrics.p99_lateness());
        assert!(metrics.p99_lateness() > Duration::ZERO);
        assert_eq!(metrics.waiting(), 1);
        drop(far);
        assert_eq!(metrics.waiting(), 0);
        let _max_so_far = metrics.take_max_lateness();
        assert_eq!(metrics.take_max_lateness(), Duration::ZERO);
        metrics
    });
    // They are available outside the runtime, and after its end.
    let fired = metrics.fired();
    drop({
        let _context = runtime.enter();
        interval(ms(1))
    });
    assert!(metrics.fired() >= fired || !cfg!(descriptor));
    drop(runtime);
    assert_eq!((metrics.fired(), metrics.source()), (0, None));
}
