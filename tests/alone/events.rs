//! Missed ticks, refused timers and late wake-ups are events of `tracing`.
#![cfg(feature = "tracing")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::alone;
use crate::support::{current_thread, ms, us};
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

/// Logs the events of this thread until the guard is dropped.
fn subscribe(level: LevelFilter) -> (Log, DefaultGuard) {
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

/// Returns the events of an interval that is blocked for three and a half periods.
fn events_of_missed_ticks(behavior: MissedTickBehavior, level: LevelFilter) -> Vec<String> {
    loop {
        let (log, _subscribed) = subscribe(level);
        let in_time = current_thread().block_on(async {
            let mut interval = interval(ms(20));
            interval.set_missed_tick_behavior(behavior);
            let first = interval.tick().await;
            // On a busy machine the first tick may be missed as well.
            let in_time = log.lines().is_empty();
            assert!(in_time || first.elapsed() > ms(5), "missed but in time");
            std::thread::sleep(us(70_500));
            // The tick that was due after 20 ms. Those after 40 and 60 ms are missed as well.
            interval.tick().await;
            if behavior == MissedTickBehavior::Burst {
                interval.tick().await;
                interval.tick().await;
            }
            in_time
        });
        if in_time {
            return log.lines();
        }
    }
}

#[test]
fn missed_tick_event_has_period_lateness_and_count() {
    let _alone = alone();
    for behavior in [
        MissedTickBehavior::Burst,
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ] {
        let events = events_of_missed_ticks(behavior, LevelFilter::DEBUG);
        // A burst of three ticks is one event.
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

#[test]
fn disabled_level_has_no_event() {
    let _alone = alone();
    let events = events_of_missed_ticks(MissedTickBehavior::Skip, LevelFilter::INFO);
    assert!(events.is_empty(), "{events:?}");
}

/// Under `test-util` each driver ends with its last timer, and each new one has an event.
#[cfg(all(descriptor, production))]
#[test]
fn refusal_and_recovery_are_one_event_each() {
    use crate::descriptor_limit::{take_all_descriptors, with_descriptor_limit};

    let _alone = alone();
    let (log, _subscribed) = subscribe(LevelFilter::INFO);
    with_descriptor_limit(64, || {
        let runtime = current_thread();
        let taken = take_all_descriptors();
        runtime.block_on(async {
            let mut interval = interval(ms(1));
            for _ in 0..30 {
                interval.tick().await;
            }
        });
        let events = || {
            let mut lines = log.lines();
            // On a busy machine a wake-up may be late.
            lines.retain(|line| !line.contains("fired late"));
            lines
        };
        let [refusal] = &events()[..] else {
            panic!("{:?}", events());
        };
        assert!(refusal.contains("WARN tokio_osinterval: "), "{refusal}");
        assert!(refusal.contains("errno=24"), "{refusal}");

        drop(taken);
        runtime.block_on(async {
            while events().len() < 2 {
                tokio_osinterval::sleep(ms(1)).await;
            }
            for _ in 0..30 {
                tokio_osinterval::sleep(ms(1)).await;
            }
        });
        let [_, recovery] = &events()[..] else {
            panic!("{:?}", events());
        };
        assert!(recovery.contains("INFO tokio_osinterval: "), "{recovery}");
        assert!(recovery.contains("serves again"), "{recovery}");
    });
}

/// The event advises what to change. Under a clock that can be paused no wake-up counts as late.
#[cfg(all(descriptor, production))]
#[test]
fn late_wake_ups_are_one_event_per_second() {
    let _alone = alone();
    let (log, _subscribed) = subscribe(LevelFilter::WARN);
    current_thread().block_on(async {
        let began = std::time::Instant::now();
        while log.lines().is_empty() || began.elapsed() < ms(100) {
            let mut sleep = Box::pin(tokio_osinterval::sleep(ms(5)));
            let _armed = crate::support::poll_once(&mut sleep).await;
            std::thread::sleep(ms(20));
            // The reactor must fire the driver before the poll does.
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
