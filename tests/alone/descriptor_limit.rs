//! Any number of timers on two kernel timers; and what happens when there is no descriptor for it.
#![cfg(all(unix, feature = "interval"))]

use crate::alone;
use crate::support::{Watchdog, current_thread, ms, open_descriptors, panic_of};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio_osinterval::{OsInterval, interval};

const INTERVALS: usize = 50_000;

/// Of a runtime, and each a descriptor. Under a clock that can be paused there is none to arm ahead.
const KERNEL_TIMERS: usize = match (cfg!(descriptor), cfg!(feature = "test-util")) {
    (true, false) => 2,
    (true, true) => 1,
    (false, _) => 0,
};

fn limit_descriptors(limit: u64) {
    let before = getrlimit(Resource::Nofile);
    let now = Rlimit {
        current: Some(limit),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, now).unwrap();
}

#[test]
fn fifty_thousand_intervals_and_no_descriptor_left() {
    let _alone = alone();
    let _watchdog = Watchdog::new("fifty_thousand_intervals_and_no_descriptor_left");
    let before = getrlimit(Resource::Nofile);
    limit_descriptors(64);
    current_thread().block_on(fifty_thousand_intervals_tick());
    one_descriptor_is_left();
    no_descriptor_is_left();
    setrlimit(Resource::Nofile, before).unwrap();
}

async fn fifty_thousand_intervals_tick() {
    let before = open_descriptors();
    let mut tasks = JoinSet::new();
    for _ in 0..INTERVALS {
        let mut interval = interval(ms(20));
        tasks.spawn(async move {
            for _ in 0..3 {
                interval.tick().await;
            }
        });
    }
    if let (Some(before), Some(now)) = (before, open_descriptors()) {
        assert_eq!(now, before + KERNEL_TIMERS);
    }
    let mut ticked = 0;
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
        ticked += 1;
    }
    assert_eq!(ticked, INTERVALS);
}

/// It is enough: what it takes to arm ahead can be done without.
fn one_descriptor_is_left() {
    let runtime = current_thread();
    let mut hoard = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
    }
    hoard.pop();
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..10 {
            let deadline = interval.tick().await;
            assert!(deadline <= tokio::time::Instant::now(), "early");
        }
    });
}

/// A runtime that exists, and not one descriptor more.
fn no_descriptor_is_left() {
    let has_timers = current_thread();
    let kept = has_timers.block_on(async { interval(ms(1)) });
    let runtime = current_thread();
    let _context = runtime.enter();
    let mut hoard = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
    }

    // A timer of a runtime that has one needs none.
    has_timers.block_on(async { drop(interval(ms(1))) });
    drop(kept);

    let built = OsInterval::builder(ms(1)).build();
    let panic = panic_of(|| drop(interval(ms(1))));
    #[cfg(all(feature = "periodic", not(feature = "test-util")))]
    let periodic = tokio_osinterval::PeriodicInterval::new(ms(1));
    hoard.clear();

    if cfg!(descriptor) {
        const EMFILE: i32 = 24;
        assert_eq!(built.unwrap_err().raw_os_error(), Some(EMFILE));
        let (message, file) = panic.expect("`interval` did not panic");
        assert!(message.contains("os error 24"), "{message}");
        assert!(
            message.contains("the operating system refused"),
            "{message}"
        );
        assert_eq!(file, file!());
        #[cfg(all(feature = "periodic", not(feature = "test-util")))]
        assert_eq!(periodic.unwrap_err().raw_os_error(), Some(EMFILE));
    } else {
        built.unwrap();
        assert_eq!(panic, None);
    }

    // The runtime is none the worse for it.
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..3 {
            interval.tick().await;
        }
    });
}
