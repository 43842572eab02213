//! The auto traits of tokio's types are ours too: checked by the compiler.

use std::panic::{RefUnwindSafe, UnwindSafe};

use tokio_osinterval::{IntervalBuilder, OsInterval};

fn same_as_tokio<T: Send + Sync + Unpin>() {}
fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}

#[test]
fn intervals_are_send_sync_unpin() {
    same_as_tokio::<tokio::time::Interval>();
    same_as_tokio::<OsInterval>();
    same_as_tokio::<tokio_osinterval::time::Interval>();
    same_as_tokio::<IntervalBuilder>();
    unwind_safe::<IntervalBuilder>();
    same_as_tokio::<tokio_osinterval::PeriodicInterval>();
}

/// As little unwind safe as tokio's.
#[test]
fn intervals_are_not_unwind_safe() {
    trait Ambiguous<Marker> {
        fn check() {}
    }
    impl<T> Ambiguous<()> for T {}
    struct IsUnwindSafe;
    impl<T: UnwindSafe> Ambiguous<IsUnwindSafe> for T {}
    // No longer compiled if they were.
    <tokio::time::Interval as Ambiguous<_>>::check();
    <OsInterval as Ambiguous<_>>::check();
}

/// `tick()` is a future that any executor can send to another thread.
#[test]
fn ticks_are_send_sync() {
    fn check<T: Send + Sync>(_: &T) {}
    fn tick(interval: &mut OsInterval) {
        check(&interval.tick());
    }
    fn periodic(interval: &mut tokio_osinterval::PeriodicInterval) {
        check(&interval.tick());
    }
    let _ = tick;
    let _ = periodic;
}

#[tokio::test]
async fn debug_shows_the_public_state() {
    let interval = tokio_osinterval::interval(std::time::Duration::from_millis(7));
    let debug = format!("{interval:?}");
    for part in ["OsInterval", "deadline", "7ms", "Burst", "missed_ticks: 0"] {
        assert!(debug.contains(part), "{debug}");
    }
}
