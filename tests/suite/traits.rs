//! Types have the auto traits of tokio's, which the compiler checks, and show their state when debugged.

use std::future::Ready;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::support::{ms, on_current_thread};
use tokio_osinterval::error::Elapsed;
use tokio_osinterval::{IntervalBuilder, OsInterval, PeriodicInterval, Sleep, Timeout};

fn is_send_sync<T: Send + Sync>() {}
fn is_send_sync_unpin<T: Send + Sync + Unpin>() {}
fn is_unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}

/// Does not compile if a type implements the trait, because a call is ambiguous then.
macro_rules! assert_not_implemented {
    ($trait:path: $($type:ty),+) => {
        trait Ambiguous<Marker> {
            fn check() {}
        }
        impl<T> Ambiguous<()> for T {}
        struct Implements;
        impl<T: $trait> Ambiguous<Implements> for T {}
        $(<$type as Ambiguous<_>>::check();)+
    };
}

#[test]
fn intervals_are_send_sync_unpin() {
    is_send_sync_unpin::<tokio::time::Interval>();
    is_send_sync_unpin::<OsInterval>();
    is_send_sync_unpin::<tokio_osinterval::time::Interval>();
    is_send_sync_unpin::<IntervalBuilder>();
    is_unwind_safe::<IntervalBuilder>();
    is_send_sync_unpin::<PeriodicInterval>();
}

#[test]
fn intervals_are_not_unwind_safe_as_in_tokio() {
    assert_not_implemented!(UnwindSafe: tokio::time::Interval, OsInterval);
}

/// An executor may send the future of a tick to another thread.
#[test]
fn ticks_are_send_sync() {
    fn check<T: Send + Sync>(_: &T) {}
    fn tick(interval: &mut OsInterval) {
        check(&interval.tick());
    }
    fn periodic(interval: &mut PeriodicInterval) {
        check(&interval.tick());
    }
    let _ = tick;
    let _ = periodic;
}

#[test]
fn sleeps_and_timeouts_are_send_sync_but_not_unpin_as_in_tokio() {
    is_send_sync::<Sleep>();
    is_send_sync::<Elapsed>();
    is_send_sync::<Timeout<Ready<()>>>();
    assert_not_implemented!(Unpin: Sleep, Timeout<Ready<()>>);
}

#[cfg(feature = "delay-queue")]
#[test]
fn delay_queues_are_send_sync_unpin_as_in_tokio_util() {
    use std::marker::PhantomPinned;
    use tokio_osinterval::delay_queue::{DelayQueue, Expired, Key};
    use tokio_util::time::DelayQueue as PeerQueue;

    fn is_unpin<T: Unpin>() {}
    is_send_sync_unpin::<PeerQueue<u32>>();
    is_send_sync_unpin::<DelayQueue<u32>>();
    is_send_sync_unpin::<Expired<u32>>();
    is_send_sync_unpin::<Key>();
    is_unpin::<PeerQueue<PhantomPinned>>();
    is_unpin::<DelayQueue<PhantomPinned>>();
}

#[cfg(feature = "stream")]
#[test]
fn stream_adapters_are_send_sync() {
    use futures::stream::Pending;
    use tokio_osinterval::stream::{ChunksTimeout, Throttle, Timeout, TimeoutRepeating};

    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<Throttle<Pending<u32>>>();
    check::<Timeout<Pending<u32>>>();
    check::<TimeoutRepeating<Pending<u32>>>();
    check::<ChunksTimeout<Pending<u32>>>();
}

#[test]
fn debug_shows_the_state_of_an_interval() {
    on_current_thread(async {
        let debug = format!("{:?}", tokio_osinterval::interval(ms(7)));
        for part in ["OsInterval", "deadline", "7ms", "Burst", "missed_ticks: 0"] {
            assert!(debug.contains(part), "{debug}");
        }
    });
}

#[test]
fn debug_shows_the_period_and_clock_of_a_periodic_interval() {
    on_current_thread(async {
        let interval = PeriodicInterval::new(ms(7)).unwrap();
        assert_eq!(
            format!("{interval:?}"),
            "PeriodicInterval { period: 7ms, clock: Monotonic, .. }"
        );
    });
}

#[cfg(feature = "delay-queue")]
#[test]
fn debug_shows_the_state_of_a_delay_queue() {
    let queue = tokio_osinterval::delay_queue::DelayQueue::<u32>::with_capacity(3);
    let debug = format!("{queue:?}");
    for part in [
        "DelayQueue",
        "len: 0",
        "capacity: 3",
        "deadline: None",
        "Kernel",
        "200µs",
    ] {
        assert!(debug.contains(part), "{debug}");
    }
}
