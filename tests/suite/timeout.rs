//! A `Timeout` polls its future before it looks at the deadline. `FutureExt` has timeouts as methods.

use std::future::{pending, ready};
use std::io;
use std::time::Duration;

use crate::support::{NO_RUNTIME, assert_panics_here, ms, on_current_thread, on_every_runtime, us};
use tokio::time::Instant;
use tokio_osinterval::error::Elapsed;
use tokio_osinterval::{FutureExt, Timeout, timeout, timeout_at};

#[test]
fn ready_future_wins_over_a_past_deadline() {
    on_current_thread(async {
        let past = Instant::now();
        assert_eq!(timeout_at(past, ready(7)).await, Ok(7));
        assert_eq!(timeout(Duration::ZERO, ready(7)).await, Ok(7));
        assert!(timeout_at(past, pending::<()>()).await.is_err());
    });
}

#[test]
fn elapsed_is_a_timed_out_io_error() {
    on_current_thread(async {
        let elapsed: Elapsed = timeout(us(1), pending::<()>()).await.unwrap_err();
        assert_eq!(elapsed.to_string(), "deadline has elapsed");
        assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn timeout_methods_do_what_the_functions_do() {
    on_every_runtime(async || {
        for limit in [us(100), us(700), ms(2)] {
            let began = Instant::now();
            assert!(pending::<()>().timeout(limit).await.is_err());
            assert!(began.elapsed() >= limit);
            let deadline = Instant::now() + limit;
            assert!(pending::<()>().timeout_at(deadline).await.is_err());
            assert!(Instant::now() >= deadline);
        }
        assert_eq!(ready(7).timeout(Duration::ZERO).await, Ok(7));
        assert_eq!(ready(7).timeout_at(Instant::now() - ms(1)).await, Ok(7));
        let wrapped: Timeout<_> = ready(7).timeout(Duration::MAX);
        assert_eq!(wrapped.into_inner().await, 7);
        assert_eq!(ready(7).timeout(ms(1)).timeout(ms(1)).await, Ok(Ok(7)));
    });
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn timeout_methods_panic_at_the_caller() {
    let deadline = Instant::now() + ms(1);
    assert_panics_here(NO_RUNTIME, || drop(ready(7).timeout(ms(1))));
    assert_panics_here(NO_RUNTIME, || drop(ready(7).timeout_at(deadline)));
}
