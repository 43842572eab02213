//! Timeouts as methods.

use std::future::{pending, ready};
use std::time::Duration;

use crate::support::{ms, on_every_runtime, panic_of, us};
use tokio::time::Instant;
use tokio_osinterval::{FutureExt, Timeout};

#[test]
fn methods_are_the_functions() {
    on_every_runtime("methods_are_the_functions", || async {
        for limit in [us(100), us(700), ms(2)] {
            let began = Instant::now();
            assert!(pending::<()>().timeout(limit).await.is_err());
            assert!(began.elapsed() >= limit);
            let deadline = Instant::now() + limit;
            assert!(pending::<()>().timeout_at(deadline).await.is_err());
            assert!(Instant::now() >= deadline);
        }
        // The future comes first, in no time and after a deadline, too.
        assert_eq!(ready(7).timeout(Duration::ZERO).await, Ok(7));
        assert_eq!(ready(7).timeout_at(Instant::now() - ms(1)).await, Ok(7));
        let wrapped: Timeout<_> = ready(7).timeout(Duration::MAX);
        assert_eq!(wrapped.into_inner().await, 7);
        assert_eq!(ready(7).timeout(ms(1)).timeout(ms(1)).await, Ok(Ok(7)));
    });
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn methods_panic_at_the_caller() {
    let far = Instant::now() + ms(1);
    let in_time = || drop(ready(7).timeout(ms(1)));
    let until = || drop(ready(7).timeout_at(far));
    for caught in [panic_of(in_time), panic_of(until)] {
        let (message, file) = caught.expect("no runtime, and no panic");
        assert!(message.contains("Tokio 1.x runtime"), "{message}");
        assert_eq!(file, file!(), "{message}");
    }
}
