//! What is an event of `tracing`: a missed tick, and a timer that the operating system refuses.
#![cfg(feature = "tracing")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::alone;
use crate::support::{Watchdog, current_thread, ms, us};
use tokio_osinterval::{MissedTickBehavior, interval};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is told on this thread, until the guard is dropped.
fn listen(level: LevelFilter) -> (Log, DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

fn events_of(behavior: MissedTickBehavior, level: LevelFilter) -> Vec<String> {
    let (log, _default) = listen(level);
    let in_time = current_thread().block_on(async {
        let mut interval = interval(ms(20));
        interval.set_missed_tick_behavior(behavior);
        let first = interval.tick().await;
        // On a busy machine this one may be missed already.
        let in_time = log.lines().is_empty();
        assert!(in_time || first.elapsed() > ms(5), "missed in time");
        std::thread::sleep(us(70_500));
        // The one of 20 ms: those of 40 and 60 ms have passed as well.
        interval.tick().await;
        if behavior == MissedTickBehavior::Burst {
            interval.tick().await;
            interval.tick().await;
        }
        in_time
    });
    if in_time {
        log.lines()
    } else {
        events_of(behavior, level)
    }
}

#[test]
fn a_missed_tick_is_told_with_its_period_lateness_and_number() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_missed_tick_is_told_with_its_period_lateness_and_number");
    for behavior in [
        MissedTickBehavior::Burst,
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ] {
        let events = events_of(behavior, LevelFilter::DEBUG);
        // A burst of three is told once.
        let [event] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(
            event.contains("DEBUG tokio_osinterval: missed tick"),
            "{event}"
        );
        assert!(event.contains("period=20ms"), "{event}");
        assert!(event.contains("lateness="), "{event}");
        let behind = event.split("behind=").nth(1).unwrap();
        let behind: u64 = behind.split_whitespace().next().unwrap().parse().unwrap();
        assert!(behind >= 2, "{event}");
    }
}

/// With its error, and by whom timers are served: once, however often it is asked again. Under `test-util` it
/// is told for each driver, which ends with its last timer then.
#[cfg(all(descriptor, not(feature = "test-util")))]
#[test]
fn a_refused_timer_is_told_once_and_so_is_that_it_serves_again() {
    use crate::descriptor_limit::{hoard, with_descriptors};

    let _alone = alone();
    let _watchdog = Watchdog::new("a_refused_timer_is_told_once_and_so_is_that_it_serves_again");
    let (log, _default) = listen(LevelFilter::INFO);
    with_descriptors(64, || {
        let runtime = current_thread();
        let hoard = hoard();
        runtime.block_on(async {
            let mut interval = interval(ms(1));
            for _ in 0..30 {
                interval.tick().await;
            }
        });
        let told = || {
            let mut lines = log.lines();
            // A busy machine.
            lines.retain(|line| !line.contains("fired late"));
            lines
        };
        let [refused] = &told()[..] else {
            panic!("{:?}", told());
        };
        assert!(refused.contains("WARN tokio_osinterval: "), "{refused}");
        assert!(refused.contains("errno=24"), "{refused}");

        drop(hoard);
        runtime.block_on(async {
            while told().len() < 2 {
                tokio_osinterval::sleep(ms(1)).await;
            }
            for _ in 0..30 {
                tokio_osinterval::sleep(ms(1)).await;
            }
        });
        let [_, serves] = &told()[..] else {
            panic!("{:?}", told());
        };
        assert!(serves.contains("INFO tokio_osinterval: "), "{serves}");
        assert!(serves.contains("serves again"), "{serves}");
    });
}

/// With what to do about it, and no more than once in a second. Under a clock that can be paused nothing is late.
#[cfg(all(descriptor, not(feature = "test-util")))]
#[test]
fn a_busy_runtime_is_told_that_its_timers_are_late() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_busy_runtime_is_told_that_its_timers_are_late");
    let (log, _default) = listen(LevelFilter::WARN);
    current_thread().block_on(async {
        let began = std::time::Instant::now();
        while log.lines().is_empty() || began.elapsed() < ms(100) {
            let mut sleep = Box::pin(tokio_osinterval::sleep(ms(5)));
            let _armed = crate::support::poll_once(&mut sleep).await;
            std::thread::sleep(ms(20));
            // The reactor comes first.
            tokio::task::yield_now().await;
            sleep.await;
        }
        let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
        let lines = log.lines();
        assert!(lines.len() <= seconds + 1, "{lines:?}");
        for line in lines {
            assert!(line.contains("fired late"), "{line}");
            assert!(line.contains("lateness="), "{line}");
            assert!(line.contains("event_interval"), "{line}");
        }
    });
}

#[test]
fn nobody_hears_of_it_who_does_not_listen() {
    let _alone = alone();
    let _watchdog = Watchdog::new("nobody_hears_of_it_who_does_not_listen");
    let events = events_of(MissedTickBehavior::Skip, LevelFilter::INFO);
    assert!(events.is_empty(), "{events:?}");
}
