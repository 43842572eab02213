//! Each rule of KERNELS.md has a test that fails without it.

#![allow(
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "types differ between systems"
)]

mod support;

use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kqueue_on_linux::*;
use libc::{EINTR, EINVAL, EIO, ENOENT, ENOMEM, ENOTSUP};
use support::*;

/// `true` if a timer restarts when it is added again.
const RESTARTS: bool = !DRAGONFLY;

#[test]
fn one_shot_timer_expires_once_and_is_deleted() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 20);
    assert!(queue.expires_once());
    assert!(queue.has_no_event(100 * MS));
    assert_eq!(queue.make(delete()), errno(ENOENT));
}

#[test]
fn one_shot_timer_read_late_counts_once_except_on_apple() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 10);
    sleep(105 * MS);
    let count = queue.count();
    assert!(if APPLE { count >= 10 } else { count == 1 });
}

#[test]
fn timer_is_never_early() {
    let queue = Queue::new();
    for millis in [1, 2, 3, 7, 9, 10, 11, 19, 20, 21, 30] {
        for _ in 0..3 {
            let (_, took) = elapsed(|| {
                queue.set(ONE_SHOT, millis);
                queue.count()
            });
            assert!(took >= Duration::from_millis(millis.try_into().unwrap()));
        }
    }
}

#[test]
fn delete_discards_expirations() {
    let queue = Queue::new();
    assert_eq!(queue.make(delete()), errno(ENOENT));
    queue.set(PERIODIC, 1);
    sleep(60 * MS);
    assert_eq!(queue.make(delete()), 0);
    assert!(queue.has_no_event(60 * MS));
    assert_eq!(queue.make(delete()), errno(ENOENT));
}

#[test]
fn event_identifies_its_timer() {
    let queue = Queue::new();
    let mut add = change(ONE_SHOT, 0, 1);
    add.ident = 42;
    add.udata = 77 as _;
    assert_eq!(queue.make(add), 0);
    let event = queue.next(LONG).unwrap();
    assert_eq!((event.ident as u64, event.udata as u64), (42, 77));
    assert_eq!(event.filter, EVFILT_TIMER);
    let kept = EV_ONESHOT | EV_CLEAR;
    assert_eq!(event.flags & (kept | EV_ERROR), kept);
    assert_eq!(event.flags & EV_ADD == 0, FREEBSD);
}

/// Returns the real period of a periodic timer of that many milliseconds.
fn real_period(millis: u64) -> u64 {
    let ticks = millis.div_ceil(10);
    match () {
        () if APPLE || FREEBSD => millis,
        () if OPENBSD => ticks * 10,
        () => (ticks + 1) * 10,
    }
}

#[test]
fn periodic_timer_counts_as_its_kernel_does() {
    for millis in [1, 10, 15] {
        let queue = Queue::new();
        let start = Instant::now();
        queue.set(PERIODIC, millis);
        let mut total = 0;
        for wait in [37, 120, 3, 64, 200] {
            sleep(wait * MS);
            total += queue.count();
            let real = i64::try_from(real_period(millis.try_into().unwrap())).unwrap();
            let passed = i64::try_from(start.elapsed().as_millis()).unwrap() / real;
            // The count was taken at an unknown time within the current period.
            assert!(total <= passed + 1, "{millis} ms: {total} in {passed}");
            // The timer was read a moment ago, so few expirations can be missing.
            assert!(
                total + 400 / real >= passed,
                "{millis} ms: {total} in {passed}"
            );
        }
    }
}

#[test]
fn periodic_timer_stays_in_phase_on_apple_and_freebsd() {
    let queue = Queue::new();
    let start = Instant::now();
    queue.set(PERIODIC, 15);
    let mut total = 0;
    while start.elapsed() < 600 * MS {
        sleep(7 * MS);
        total += queue.count();
    }
    let passed = i64::try_from(start.elapsed().as_millis()).unwrap() / 15;
    // Counted up to the last read. The machine may be slow after it.
    let in_phase = total <= passed && total >= 600 / 15 - 1;
    assert_eq!(in_phase, APPLE || FREEBSD, "{total} of {passed}");
}

#[test]
fn readd_restarts_the_timer_except_on_dragonfly() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 60_000);
    queue.set(ONE_SHOT, 20);
    assert_eq!(queue.next(200 * MS).is_some(), RESTARTS);
}

#[test]
fn readd_discards_expirations_except_on_dragonfly() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 1);
    sleep(60 * MS);
    queue.set(ONE_SHOT, 60_000);
    assert_eq!(queue.has_no_event(60 * MS), RESTARTS);
}

#[test]
fn readd_keeps_the_count_on_dragonfly() {
    let queue = Queue::new();
    queue.set(PERIODIC, 10);
    sleep(150 * MS);
    queue.set(PERIODIC, 60_000);
    if RESTARTS {
        assert!(queue.has_no_event(60 * MS));
    } else {
        assert!(queue.count() >= 5);
        // The old period may end once more.
        assert!(queue.has_no_event(MS) || queue.has_no_event(200 * MS));
    }
}

#[test]
fn readd_as_one_shot_stays_periodic_except_on_netbsd() {
    let queue = Queue::new();
    queue.set(PERIODIC, 10);
    queue.set(ONE_SHOT, 10);
    queue.count();
    assert_eq!(queue.has_no_event(200 * MS), NETBSD);
}

#[test]
fn invalid_readd_fails_as_its_kernel_does() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 60);
    let invalid = change(ONE_SHOT, 0x4000_0000, 20);
    let outcome = queue.make(invalid);
    if FREEBSD {
        assert_eq!(outcome, 0);
        let event = queue.next(LONG).unwrap();
        assert_ne!(event.flags & EV_ERROR, 0);
        assert_eq!(event.data as i64, errno(EINVAL));
        return;
    }
    let refusal = if APPLE { ENOTSUP } else { EINVAL };
    assert_eq!(outcome, errno(refusal));
    assert_eq!(queue.has_no_event(LONG.min(200 * MS)), NETBSD);
}

#[test]
fn receipts_exclude_expirations() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 1);
    sleep(60 * MS);
    let mut bad = change(ONE_SHOT, 0, 1);
    bad.ident = 7;
    // The timer has expired and there is room, but the change has an error to report.
    let events = queue.call(&[bad], 2, None).unwrap();
    let [error] = events[..] else {
        panic!("one event");
    };
    assert_ne!(error.flags & EV_ERROR, 0);
    assert_eq!(error.data as i64, errno(ENOMEM));
    assert_eq!(error.ident as u64, 7);
    assert_eq!(error.flags & EV_ONESHOT != 0, APPLE);
    assert!(queue.expires_once());
}

#[test]
fn changes_are_made_in_order_and_have_receipts() {
    let queue = Queue::new();
    let mut changes = [
        delete(),
        change(ONE_SHOT, 0, 1),
        delete(),
        change(ONE_SHOT, 0, 20),
    ];
    for change in &mut changes {
        change.flags |= EV_RECEIPT;
    }
    let receipts = queue.call(&changes, 4, None).unwrap();
    let errnos: Vec<_> = receipts.iter().map(|event| event.data as i64).collect();
    assert_eq!(errnos, [errno(ENOENT), 0, 0, 0]);
    assert!(queue.expires_once());
}

#[test]
fn error_without_room_is_the_result_of_the_call() {
    let queue = Queue::new();
    let changes = [delete(), change(ONE_SHOT, 0, 1)];
    assert_eq!(queue.call(&changes, 0, None).unwrap_err(), ENOENT);
    // The next change is not made.
    assert!(queue.has_no_event(60 * MS));
}

#[test]
fn receipt_without_room_ends_the_call_except_on_apple() {
    let queue = Queue::new();
    let mut first = change(ONE_SHOT, 0, 60_000);
    first.flags |= EV_RECEIPT;
    let result = queue.call(&[first, delete()], 0, None);
    let deleted = queue.make(delete()) != 0;
    assert_eq!(deleted, APPLE);
    match result {
        Ok(events) => assert!(events.is_empty() && !DRAGONFLY),
        Err(errno) => assert!(errno == libc::EFAULT && DRAGONFLY),
    }
}

#[test]
fn unsupported_changes_are_refused() {
    let queue = Queue::new();
    let mut other = change(ONE_SHOT, 0, 1);
    other.filter = EVFILT_TIMER + 1;
    assert_eq!(queue.make(other), errno(EINVAL));
    assert_eq!(queue.make(change(0, 0, 1)), errno(EINVAL));
    for flag in [EV_ENABLE, EV_DISABLE, EV_DISPATCH] {
        let disabled = change(ONE_SHOT | flag as u32, 0, 1);
        assert_eq!(queue.make(disabled), errno(ENOTSUP));
    }
    let unknown = queue.make(change(ONE_SHOT, 0x4000_0000, 1));
    assert_eq!(unknown, errno(if APPLE { ENOTSUP } else { EINVAL }));
    assert_eq!(queue.make(change(ONE_SHOT | EV_CLEAR as u32, 0, 1)), 0);
}

#[test]
fn unknown_descriptor_is_ebadf() {
    // SAFETY: nothing is read or written.
    let count = unsafe {
        kevent(
            -1,
            std::ptr::null(),
            0,
            std::ptr::null_mut(),
            0,
            std::ptr::null(),
        )
    };
    assert_eq!(count, -1);
    let error = std::io::Error::last_os_error();
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
}

#[test]
fn zero_and_negative_times() {
    let queue = Queue::new();
    let none = queue.make(change(ONE_SHOT, PRECISE, 0));
    if NETBSD {
        assert_eq!(none, errno(EINVAL));
    } else {
        assert_eq!(none, 0);
        assert!(queue.expires_once());
    }
    let start = Instant::now();
    let negative = queue.make(change(PERIODIC, PRECISE, -5));
    if FREEBSD {
        assert_eq!(negative, errno(EINVAL));
    } else {
        assert_eq!(negative, 0);
        // The timer expires once per tick of 10 ms, and more than one may have passed.
        let count = queue.count();
        let ticks = i64::try_from(start.elapsed().as_millis() / 10).unwrap() + 1;
        assert!(
            count >= 1 && (APPLE || count <= ticks),
            "{count} in {ticks} ticks"
        );
        // On XNU it does not expire again.
        assert_eq!(queue.has_no_event(100 * MS), APPLE);
    }
}

#[test]
fn periodic_timer_of_zero() {
    if NETBSD {
        return;
    }
    let queue = Queue::new();
    queue.set(PERIODIC, 0);
    queue.count();
    // FreeBSD takes zero for a millisecond, and the others for a tick.
    assert_eq!(queue.has_no_event(100 * MS), APPLE);
}

#[test]
fn a_day_is_accepted_and_the_maximum_refused_or_clamped() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 86_400_000);
    assert_eq!(queue.make(delete()), 0);
    let outcome = queue.make(change(ONE_SHOT, PRECISE, i64::MAX));
    let expected = match () {
        () if APPLE => libc::ERANGE,
        () if FREEBSD => EINVAL,
        () => 0,
    };
    assert_eq!(outcome, errno(expected));
    assert!(queue.has_no_event(20 * MS));
}

#[test]
fn all_units() {
    #[cfg(tokio_osinterval_kqueue = "apple")]
    let units = [
        (0, 50),
        (NOTE_SECONDS, 1),
        (NOTE_USECONDS, 50_000),
        (NOTE_NSECONDS, 50_000_000),
        (NOTE_MACHTIME, 50_000_000 * 3 / 125),
    ];
    #[cfg(tokio_osinterval_kqueue = "freebsd")]
    let units = [
        (0, 50),
        (NOTE_SECONDS, 1),
        (NOTE_MSECONDS, 50),
        (NOTE_USECONDS, 50_000),
        (NOTE_NSECONDS, 50_000_000),
    ];
    #[cfg(tokio_osinterval_kqueue = "netbsd")]
    let units = [
        (NOTE_MSECONDS, 50),
        (NOTE_SECONDS, 1),
        (NOTE_USECONDS, 50_000),
        (NOTE_NSECONDS, 50_000_000),
    ];
    #[cfg(tokio_osinterval_kqueue = "openbsd")]
    let units = [(0, 50), (1, 1), (2, 50_000), (3, 50_000_000)];
    #[cfg(tokio_osinterval_kqueue = "dragonfly")]
    let units = [(0, 50)];
    let queue = Queue::new();
    for (unit, data) in units {
        let (_, took) = elapsed(|| {
            assert_eq!(queue.make(change(ONE_SHOT, unit, data)), 0);
            queue.count()
        });
        let least = if data == 1 { 1_000 * MS } else { 50 * MS };
        assert!(took >= least, "{unit:#x}");
    }
    if DRAGONFLY {
        assert_eq!(queue.make(change(ONE_SHOT, 1, 1)), errno(EINVAL));
    }
}

#[test]
#[cfg(not(any(
    tokio_osinterval_kqueue = "apple",
    tokio_osinterval_kqueue = "dragonfly"
)))]
fn calendar_time() {
    const NOTE_ABSTIME: u32 = 0x10;
    let queue = Queue::new();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let millis = i64::try_from(now.as_millis()).unwrap() + 50;
    let ((), took) = elapsed(|| {
        assert_eq!(queue.make(change(ONE_SHOT, NOTE_ABSTIME, millis)), 0);
        assert!(queue.expires_once());
    });
    assert!(took >= 45 * MS);
    // A past time expires at once.
    assert_eq!(queue.make(change(ONE_SHOT, NOTE_ABSTIME, 1)), 0);
    assert!(queue.expires_once());
    let repeating = queue.make(change(PERIODIC, NOTE_ABSTIME, millis));
    assert_eq!(repeating, errno(ENOTSUP));
}

#[test]
fn kevent_waits_for_its_timeout_or_without_limit() {
    let queue = Queue::new();
    let ((), took) = elapsed(|| assert!(queue.has_no_event(30 * MS)));
    assert!(took >= 30 * MS);
    queue.set(ONE_SHOT, 30);
    let events = queue.call(&[], 1, None).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn interrupted_call_has_made_its_changes() {
    let queue = Queue::new();
    interrupt_next();
    let result = queue.call(&[change(ONE_SHOT, 0, 1)], 1, None);
    assert_eq!(result.unwrap_err(), EINTR);
    assert!(queue.expires_once());
    fail_next_with(EINTR);
    assert_eq!(queue.call(&[], 1, None).unwrap_err(), EINTR);
}

#[test]
fn failure_is_an_error_event() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 1);
    sleep(60 * MS);
    fail_next_with(EIO);
    let event = queue.next(LONG).unwrap();
    assert_ne!(event.flags & EV_ERROR, 0);
    assert_eq!(event.data as i64, errno(EIO));
    assert!(queue.expires_once());
}

#[test]
fn close_on_exec_is_set_on_apple_only() {
    let queue = Queue::new();
    // SAFETY: takes an open descriptor.
    let flags = unsafe { libc::fcntl(queue.0.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags == libc::FD_CLOEXEC, APPLE);
}

/// An edge-triggered epoll instance that watches a kqueue.
struct Outer(i32);

impl Outer {
    fn of(inner: &Queue) -> Self {
        // SAFETY: takes flags.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(epoll >= 0);
        let mut interest = libc::epoll_event {
            events: u32::from_ne_bytes((libc::EPOLLIN | libc::EPOLLET).to_ne_bytes()),
            u64: 0,
        };
        let fd = inner.0.as_raw_fd();
        // SAFETY: two open descriptors and an event to be read.
        let added = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut interest) };
        assert_eq!(added, 0);
        Self(epoll)
    }

    fn sees(&self, within: Duration) -> bool {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        let millis = i32::try_from(within.as_millis()).unwrap();
        // SAFETY: an open descriptor, and room for one event.
        let count = unsafe { libc::epoll_wait(self.0, &raw mut event, 1, millis) };
        assert!(count >= 0);
        count == 1
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        // SAFETY: the descriptor is open, and nothing else owns it.
        unsafe { libc::close(self.0) };
    }
}

#[test]
fn each_expiration_after_a_delete_is_an_edge() {
    let queue = Queue::new();
    let outer = Outer::of(&queue);
    for _ in 0..20 {
        let mut changes = [delete(), change(ONE_SHOT, PRECISE, 1)];
        for change in &mut changes {
            change.flags |= EV_RECEIPT;
        }
        assert_eq!(queue.call(&changes, 2, None).unwrap().len(), 2);
        assert!(outer.sees(LONG));
        assert!(!outer.sees(Duration::ZERO));
    }
    assert!(queue.expires_once());
}

#[test]
fn expiration_after_a_readd_is_an_edge_except_on_apple() {
    let queue = Queue::new();
    let outer = Outer::of(&queue);
    queue.set(ONE_SHOT, 1);
    assert!(outer.sees(LONG));
    queue.set(ONE_SHOT, 20);
    assert_eq!(outer.sees(200 * MS), RESTARTS && !APPLE);
    assert!(queue.expires_once());
}

#[test]
fn restarted_timer_has_no_event_before_it_is_due() {
    let queue = Queue::new();
    queue.set(ONE_SHOT, 1);
    sleep(60 * MS);
    let (expired, took) = elapsed(|| {
        queue.set(ONE_SHOT, 50);
        queue.expires_once()
    });
    assert!(expired);
    assert_eq!(took >= 50 * MS, RESTARTS);
}

#[test]
fn unread_periodic_timer_is_one_edge() {
    let queue = Queue::new();
    let outer = Outer::of(&queue);
    queue.set(PERIODIC, 5);
    for _ in 0..5 {
        assert!(outer.sees(LONG));
        // The timer is on the queue already.
        assert!(!outer.sees(100 * MS));
        assert!(queue.count() > 1);
    }
}

#[cfg(tokio_osinterval_kqueue = "apple")]
mod apple {
    use super::*;

    fn ticks() -> i64 {
        // SAFETY: only reads a clock.
        i64::try_from(unsafe { mach_absolute_time() }).unwrap()
    }

    fn in_ticks(millis: i64) -> i64 {
        millis * 1_000_000 * 3 / 125
    }

    #[test]
    fn tick_is_125_thirds_of_a_nanosecond() {
        let mut info = mach_timebase_info { numer: 0, denom: 0 };
        // SAFETY: the pointer is valid for writes.
        assert_eq!(unsafe { mach_timebase_info(&raw mut info) }, 0);
        assert_eq!((info.numer, info.denom), (125, 3));
        let before = (Instant::now(), ticks());
        sleep(50 * MS);
        let passed = ticks() - before.1;
        assert!(passed >= in_ticks(49));
        assert!(passed <= in_ticks(i64::try_from(before.0.elapsed().as_millis()).unwrap() + 1));
    }

    #[test]
    fn absolute_timer_is_one_shot_with_any_flags() {
        let queue = Queue::new();
        let due = ticks() + in_ticks(20);
        let fflags = NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL;
        assert_eq!(queue.make(change(PERIODIC, fflags, due)), 0);
        assert!(queue.expires_once());
        assert!(ticks() >= due);
        assert_eq!(queue.make(delete()), errno(ENOENT));
        // A past time expires at once, and a negative one never.
        assert_eq!(queue.make(change(ONE_SHOT, fflags, 1)), 0);
        assert!(queue.expires_once());
        assert_eq!(queue.make(change(ONE_SHOT, fflags, -1)), 0);
        assert!(queue.has_no_event(30 * MS));
    }

    #[test]
    fn absolute_without_machtime_is_on_the_calendar() {
        let queue = Queue::new();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let at = i64::try_from(now.as_millis()).unwrap() + 50;
        let (_, took) = elapsed(|| {
            let fflags = NOTE_ABSOLUTE | NOTE_CRITICAL;
            assert_eq!(queue.make(change(ONE_SHOT, fflags, at)), 0);
            queue.count()
        });
        assert!(took >= 45 * MS);
    }

    #[test]
    fn readd_does_not_change_relative_to_absolute() {
        let queue = Queue::new();
        queue.set(ONE_SHOT, 20);
        let fflags = NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL;
        let absolute = change(ONE_SHOT, fflags, ticks());
        assert_eq!(queue.make(absolute), errno(EINVAL));
        // The old timer continues.
        assert!(queue.expires_once());
    }

    #[test]
    fn noncritical_timer_is_delayed() {
        let queue = Queue::new();
        let late = |fflags, least: Duration| {
            let (_, took) = elapsed(|| {
                assert_eq!(queue.make(change(ONE_SHOT, fflags, 16)), 0);
                queue.count()
            });
            assert!(took >= 16 * MS + least, "{took:?}");
            took
        };
        late(0, MS);
        late(NOTE_BACKGROUND, 100 * MS);
        // Only the best of many: the machine may be slow.
        let best = (0..20).map(|_| late(NOTE_CRITICAL, Duration::ZERO)).min();
        assert!(best.unwrap() < 17 * MS, "{best:?}");
    }

    #[test]
    fn leeway_is_used_and_not_exceeded() {
        let queue = Queue::new();
        let mut best = Duration::MAX;
        for _ in 0..10 {
            let mut add = change(ONE_SHOT, NOTE_CRITICAL | NOTE_LEEWAY, 10);
            add.ext[1] = 20;
            let (_, took) = elapsed(|| {
                assert_eq!(queue.make(add), 0);
                queue.count()
            });
            assert!(took >= 15 * MS);
            best = best.min(took);
        }
        assert!(best <= 30 * MS);
    }

    #[test]
    fn unsupported_flags_are_refused() {
        let queue = Queue::new();
        for fflags in [
            NOTE_MACH_CONTINUOUS_TIME,
            NOTE_SECONDS | NOTE_NSECONDS,
            NOTE_MACHTIME | NOTE_USECONDS,
        ] {
            assert_ne!(queue.make(change(ONE_SHOT, fflags, 1)), 0);
        }
    }

    fn add_by_kevent(queue: &Queue, fflags: u32) -> Result<(), i32> {
        // SAFETY: numbers and a pointer that is not followed: all may be zero.
        let mut add: kevent = unsafe { std::mem::zeroed() };
        add.filter = EVFILT_TIMER;
        add.flags = EV_ADD | EV_ONESHOT;
        add.fflags = fflags;
        add.data = 1;
        let fd = queue.0.as_raw_fd();
        // SAFETY: one change, and no room for an event.
        let made = unsafe {
            kevent(
                fd,
                &raw const add,
                1,
                std::ptr::null_mut(),
                0,
                std::ptr::null(),
            )
        };
        if made == 0 {
            return Ok(());
        }
        Err(std::io::Error::last_os_error().raw_os_error().unwrap())
    }

    #[test]
    fn queue_accepts_one_structure() {
        let queue = Queue::new();
        assert_eq!(add_by_kevent(&queue, 0), Ok(()));
        assert_eq!(queue.call(&[], 1, None).unwrap_err(), EINVAL);
        let queue = Queue::new();
        assert_eq!(add_by_kevent(&queue, NOTE_LEEWAY), Err(ENOTSUP));
        let queue = Queue::new();
        queue.set(ONE_SHOT, 1);
        assert_eq!(add_by_kevent(&queue, 0), Err(EINVAL));
    }

    #[test]
    fn kevent64_flags() {
        let queue = Queue::new();
        queue.set(ONE_SHOT, 1);
        sleep(30 * MS);
        let collect = |flags| {
            let mut event = change(0, 0, 0);
            let fd = queue.0.as_raw_fd();
            // SAFETY: no change, and room for one event.
            unsafe {
                kevent64(
                    fd,
                    std::ptr::null(),
                    0,
                    &raw mut event,
                    1,
                    flags,
                    std::ptr::null(),
                )
            }
        };
        assert_eq!(collect(KEVENT_FLAG_ERROR_EVENTS), 0);
        assert_eq!(collect(KEVENT_FLAG_IMMEDIATE), 1);
        assert_eq!(collect(KEVENT_FLAG_IMMEDIATE), 0);
    }
}
