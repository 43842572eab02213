//! `Sleep` and `Timeout` on a real clock.

use std::future::{Future, pending, poll_fn, ready};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{
    Count, Watchdog, current_thread, ms, multi_thread, on_every_runtime, panic_of, us,
};
use tokio::task::coop::{consume_budget, has_budget_remaining};
use tokio::task::yield_now;
use tokio::time::Instant;
use tokio_osinterval::error::Elapsed;
use tokio_osinterval::{Sleep, Timeout, sleep, sleep_until, timeout, timeout_at};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn sleep_is_never_early_on_every_sample() {
    on_every_runtime("sleep_is_never_early_on_every_sample", || async {
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                tokio::spawn(async move {
                    for k in 0..20 {
                        let deadline = Instant::now() + us(50 + 37 * n + 211 * k);
                        sleep_until(deadline).await;
                        assert!(Instant::now() >= deadline);
                        let before = Instant::now();
                        sleep(us(k * 20)).await;
                        assert!(before.elapsed() >= us(k * 20));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// As in `never_early`: where there is a native timer, and not tokio's wheel.
#[test]
#[cfg(any(timerfd, kqueue_mach, kqueue_nanos))]
fn sleep_can_be_far_more_precise_than_a_millisecond() {
    let _watchdog = Watchdog::new("sleep_can_be_far_more_precise_than_a_millisecond");
    current_thread().block_on(async {
        let mut least = Duration::MAX;
        for _ in 0..500 {
            let deadline = Instant::now() + us(300);
            sleep_until(deadline).await;
            least = least.min(deadline.elapsed());
        }
        assert!(least < us(300), "{least:?}");
    });
}

#[test]
fn reset_wakes_a_waiting_task() {
    on_every_runtime("reset_wakes_a_waiting_task", || async {
        let mut asleep = pin!(sleep(HOUR));
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            let polled = asleep.as_mut().poll(cx);
            if polls == 1 {
                assert!(polled.is_pending());
                // Registered with this task's waker, which only the new deadline can wake.
                asleep.as_mut().reset(Instant::now() + ms(1));
            }
            polled
        })
        .await;
        assert!(asleep.is_elapsed());
    });
}

#[test]
fn nothing_is_registered_before_the_first_pending() {
    let _watchdog = Watchdog::new("nothing_is_registered_before_the_first_pending");
    current_thread().block_on(async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let past = pin!(sleep_until(Instant::now()));
        assert!(past.poll(&mut cx).is_ready());
        let value = pin!(timeout(HOUR, ready(7)));
        assert_eq!(value.poll(&mut cx), Poll::Ready(Ok(7)));
        assert_eq!(Arc::strong_count(&count), 2, "`count` and `waker`");
    });
}

#[test]
fn dropping_a_sleep_lets_go_of_its_waker() {
    on_every_runtime("dropping_a_sleep_lets_go_of_its_waker", || async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut waiting = Box::pin(sleep(HOUR));
        let mut cx = Context::from_waker(&waker);
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        assert_eq!(Arc::strong_count(&count), 3);
        drop(waiting);
        assert_eq!(Arc::strong_count(&count), 2, "`count` and `waker`");
    });
}

#[test]
fn the_wrapped_future_comes_first() {
    let _watchdog = Watchdog::new("the_wrapped_future_comes_first");
    current_thread().block_on(async {
        let past = Instant::now();
        assert_eq!(timeout_at(past, ready(7)).await, Ok(7));
        assert_eq!(timeout(Duration::ZERO, ready(7)).await, Ok(7));
        assert!(timeout_at(past, pending::<()>()).await.is_err());
    });
}

#[test]
fn elapsed_is_a_timed_out_io_error() {
    current_thread().block_on(async {
        let elapsed: Elapsed = timeout(us(1), pending::<()>()).await.unwrap_err();
        assert_eq!(elapsed.to_string(), "deadline has elapsed");
        assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn the_longest_waits_do_not_overflow() {
    let _watchdog = Watchdog::new("the_longest_waits_do_not_overflow");
    current_thread().block_on(async {
        let mut asleep = Box::pin(sleep(Duration::MAX));
        assert!(crate::support::poll_once(&mut asleep).await.is_pending());
        let mut never = Box::pin(timeout(Duration::MAX, pending::<()>()));
        assert!(crate::support::poll_once(&mut never).await.is_pending());
        assert_eq!(timeout(Duration::MAX, sleep(us(1))).await, Ok(()));
    });
}

/// Spends the whole budget at every poll and is never ready.
#[test]
fn a_future_that_spends_the_budget_does_not_hide_its_deadline() {
    let _watchdog = Watchdog::new("a_future_that_spends_the_budget_does_not_hide_its_deadline");
    for runtime in [current_thread(), multi_thread(1)] {
        runtime.block_on(async {
            let greedy = async {
                loop {
                    tokio::task::coop::consume_budget().await;
                }
            };
            assert!(timeout(ms(5), greedy).await.is_err());
        });
    }
}

#[test]
fn a_panic_inside_a_timeout_goes_through_and_harms_nobody() {
    let _watchdog = Watchdog::new("a_panic_inside_a_timeout_goes_through_and_harms_nobody");
    let runtime = multi_thread(1);
    runtime.block_on(async {
        let beside = tokio::spawn(sleep(ms(5)));
        // While the timeout itself waits in the driver.
        let panics = tokio::spawn(timeout(HOUR, async {
            sleep(ms(1)).await;
            std::panic::resume_unwind(Box::new("the future's own"));
        }));
        let panic = panics.await.unwrap_err().into_panic();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "the future's own");
        beside.await.unwrap();
        sleep(ms(1)).await;
    });
}

#[test]
fn constructors_panic_at_the_caller() {
    let here = |make: &dyn Fn()| {
        let (message, file) = panic_of(make).expect("no panic");
        assert!(message.contains("Tokio 1.x runtime"), "{message}");
        assert_eq!(file, file!());
    };
    here(&|| drop(sleep(ms(1))));
    here(&|| drop(sleep_until(Instant::now())));
    here(&|| drop(timeout(ms(1), pending::<()>())));
    here(&|| drop(timeout_at(Instant::now(), pending::<()>())));
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn a_sleep_that_outlives_its_runtime_panics() {
    let _watchdog = Watchdog::new("a_sleep_that_outlives_its_runtime_panics");
    let runtime = current_thread();
    let mut asleep = Box::pin({
        let _context = runtime.enter();
        sleep(HOUR)
    });
    drop(runtime);
    let (message, _) = panic_of(|| {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = asleep.as_mut().poll(&mut cx);
    })
    .expect("no panic");
    assert_eq!(
        message,
        "A Tokio 1.x context was found, but it is being shutdown."
    );
}

#[test]
fn auto_traits_are_those_of_tokio() {
    trait NotUnpin<Marker> {
        fn check() {}
    }
    impl<T> NotUnpin<()> for T {}
    struct IsUnpin;
    impl<T: Unpin> NotUnpin<IsUnpin> for T {}
    fn send_sync<T: Send + Sync>() {}
    send_sync::<Sleep>();
    send_sync::<Elapsed>();
    send_sync::<Timeout<std::future::Ready<()>>>();
    // Ambiguous, and so no longer compiled, if they were `Unpin`.
    <Sleep as NotUnpin<_>>::check();
    <Timeout<std::future::Ready<()>> as NotUnpin<_>>::check();
}

/// It never yields, and has no budget left: nobody but the timer itself tells it (tokio-rs/tokio#7883).
#[test]
fn one_that_polls_again_at_once_sees_its_deadline_pass() {
    let _watchdog = Watchdog::new("one_that_polls_again_at_once_sees_its_deadline_pass");
    for runtime in [current_thread(), multi_thread(1)] {
        runtime.block_on(async {
            for wait in [Duration::from_micros(50), ms(1), ms(5)] {
                let mut sleep = pin!(tokio_osinterval::sleep(wait));
                let deadline = sleep.deadline();
                yield_now().await;
                let polls = poll_fn(|cx| {
                    // It may be that the deadline has passed already.
                    let mut is_ready = sleep.as_mut().poll(cx).is_ready();
                    while has_budget_remaining() {
                        assert!(pin!(consume_budget()).poll(cx).is_ready());
                    }
                    let mut polls = 0;
                    while !is_ready {
                        polls += u32::from(Instant::now() >= deadline);
                        is_ready = sleep.as_mut().poll(cx).is_ready();
                    }
                    assert!(!has_budget_remaining(), "all in one poll");
                    Poll::Ready(polls)
                });
                let polls = polls.await;
                assert!(Instant::now() >= deadline, "early");
                assert!(polls <= 16, "{polls} polls after its deadline");
            }
        });
    }
}

/// Whoever else is late: nobody has asked the reactor for long.
#[test]
fn one_that_was_ready_is_ready_again() {
    let _watchdog = Watchdog::new("one_that_was_ready_is_ready_again");
    current_thread().block_on(async {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut earlier = pin!(sleep(ms(1)));
        let _ = earlier.as_mut().poll(cx);
        let mut later = pin!(sleep(ms(15)));
        let _ = later.as_mut().poll(cx);
        std::thread::sleep(ms(20));
        for _ in 0..8 {
            assert!(later.as_mut().poll(cx).is_ready());
        }
    });
}

/// Though it reads no clock when it first waits: by the time at which it was made.
#[test]
#[cfg(all(descriptor, not(feature = "test-util")))]
fn one_of_a_few_that_are_made_fires_an_overdue_driver() {
    let _watchdog = Watchdog::new("one_of_a_few_that_are_made_fires_an_overdue_driver");
    current_thread().block_on(async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let cx = &mut Context::from_waker(&waker);
        let make_another = || {
            let far = pin!(sleep(HOUR));
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(far.poll(cx).is_pending());
        };
        // This thread may be preempted until it has passed.
        let mut overdue = loop {
            let mut overdue = Box::pin(sleep(ms(50)));
            if overdue.as_mut().poll(cx).is_pending() {
                break overdue;
            }
        };
        make_another();
        std::thread::sleep(ms(60));
        (0..8).for_each(|_| make_another());
        assert_eq!(count.get(), 1);
        assert!(overdue.as_mut().poll(cx).is_ready());
    });
}
