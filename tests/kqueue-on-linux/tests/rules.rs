//! Each rule of KERNELS.md by a test that fails without it.

#![allow(
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "types differ from system to system"
)]

mod support;

use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kqueue_on_linux::*;
use libc::{EINTR, EINVAL, EIO, ENOENT, ENOMEM, ENOTSUP};
use support::*;

/// Adds it again, as something else; whether that restarts it.
const RESTARTS: bool = !DRAGONFLY;

#[test]
fn it_expires_once_and_is_gone() {
    let queue = Queue::new();
    queue.set(ONCE, 20);
    assert!(queue.expired_once());
    assert!(queue.is_silent(100 * MS));
    assert_eq!(queue.outcome(delete()), errno(ENOENT));
}

#[test]
fn one_that_is_read_late_still_expired_once_but_on_apple() {
    let queue = Queue::new();
    queue.set(ONCE, 10);
    sleep(105 * MS);
    let count = queue.count();
    assert!(if APPLE { count >= 10 } else { count == 1 });
}

#[test]
fn it_is_never_early() {
    let queue = Queue::new();
    for millis in [1, 2, 3, 7, 9, 10, 11, 19, 20, 21, 30] {
        for _ in 0..3 {
            let (_, took) = elapsed(|| {
                queue.set(ONCE, millis);
                queue.count()
            });
            assert!(took >= Duration::from_millis(millis.try_into().unwrap()));
        }
    }
}

#[test]
fn deleted_it_forgets() {
    let queue = Queue::new();
    assert_eq!(queue.outcome(delete()), errno(ENOENT));
    queue.set(PERIODIC, 1);
    sleep(60 * MS);
    assert_eq!(queue.outcome(delete()), 0);
    assert!(queue.is_silent(60 * MS));
    assert_eq!(queue.outcome(delete()), errno(ENOENT));
}

#[test]
fn an_event_says_of_which_timer_it_is() {
    let queue = Queue::new();
    let mut add = change(ONCE, 0, 1);
    add.ident = 42;
    add.udata = 77 as _;
    assert_eq!(queue.outcome(add), 0);
    let event = queue.next(AGES).unwrap();
    assert_eq!((event.ident as u64, event.udata as u64), (42, 77));
    assert_eq!(event.filter, EVFILT_TIMER);
    let kept = EV_ONESHOT | EV_CLEAR;
    assert_eq!(event.flags & (kept | EV_ERROR), kept);
    assert_eq!(event.flags & EV_ADD == 0, FREEBSD);
}

/// How long a periodic timer of that many milliseconds really takes.
fn real_period(millis: u64) -> u64 {
    let ticks = millis.div_ceil(10);
    match () {
        () if APPLE || FREEBSD => millis,
        () if OPENBSD => ticks * 10,
        () => (ticks + 1) * 10,
    }
}

#[test]
fn a_periodic_timer_counts_as_its_kernel_does() {
    for millis in [1, 10, 15] {
        let queue = Queue::new();
        let began = Instant::now();
        queue.set(PERIODIC, millis);
        let mut total = 0;
        for wait in [37, 120, 3, 64, 200] {
            sleep(wait * MS);
            total += queue.count();
            let real = i64::try_from(real_period(millis.try_into().unwrap())).unwrap();
            let passed = i64::try_from(began.elapsed().as_millis()).unwrap() / real;
            // Nobody knows when exactly within this it was that it was counted.
            assert!(total <= passed + 1, "{millis} ms: {total} in {passed}");
            // It was looked at just now, so that not much can be missing.
            assert!(
                total + 400 / real >= passed,
                "{millis} ms: {total} in {passed}"
            );
        }
    }
}

#[test]
fn in_phase_or_not() {
    let queue = Queue::new();
    let began = Instant::now();
    queue.set(PERIODIC, 15);
    let mut total = 0;
    while began.elapsed() < 600 * MS {
        sleep(7 * MS);
        total += queue.count();
    }
    let passed = i64::try_from(began.elapsed().as_millis()).unwrap() / 15;
    // At the latest by the time of the last look; the machine may be slow after it.
    let in_phase = total <= passed && total >= 600 / 15 - 1;
    assert_eq!(in_phase, APPLE || FREEBSD, "{total} of {passed}");
}

#[test]
fn added_again_it_restarts_or_goes_on() {
    let queue = Queue::new();
    queue.set(ONCE, 60_000);
    queue.set(ONCE, 20);
    assert_eq!(queue.next(200 * MS).is_some(), RESTARTS);
}

#[test]
fn added_again_it_forgets_or_not() {
    let queue = Queue::new();
    queue.set(ONCE, 1);
    sleep(60 * MS);
    queue.set(ONCE, 60_000);
    assert_eq!(queue.is_silent(60 * MS), RESTARTS);
}

#[test]
fn added_again_it_counts_on_from_its_old_expirations() {
    let queue = Queue::new();
    queue.set(PERIODIC, 10);
    sleep(150 * MS);
    queue.set(PERIODIC, 60_000);
    if RESTARTS {
        assert!(queue.is_silent(60 * MS));
    } else {
        assert!(queue.count() >= 5);
        // One more was under way.
        assert!(queue.is_silent(MS) || queue.is_silent(200 * MS));
    }
}

#[test]
fn added_again_it_stays_periodic_or_not() {
    let queue = Queue::new();
    queue.set(PERIODIC, 10);
    queue.set(ONCE, 10);
    queue.count();
    assert_eq!(queue.is_silent(200 * MS), NETBSD);
}

#[test]
fn added_again_with_nonsense() {
    let queue = Queue::new();
    queue.set(ONCE, 60);
    let nonsense = change(ONCE, 0x4000_0000, 20);
    let outcome = queue.outcome(nonsense);
    if FREEBSD {
        assert_eq!(outcome, 0);
        let event = queue.next(AGES).unwrap();
        assert_ne!(event.flags & EV_ERROR, 0);
        assert_eq!(event.data as i64, errno(EINVAL));
        return;
    }
    let refusal = if APPLE { ENOTSUP } else { EINVAL };
    assert_eq!(outcome, errno(refusal));
    assert_eq!(queue.is_silent(AGES.min(200 * MS)), NETBSD);
}

#[test]
fn receipts_come_first_and_alone() {
    let queue = Queue::new();
    queue.set(ONCE, 1);
    sleep(60 * MS);
    let mut bad = change(ONCE, 0, 1);
    bad.ident = 7;
    // It has expired, and there is room, but there is something to say of a change.
    let events = queue.call(&[bad], 2, None).unwrap();
    let [error] = events[..] else {
        panic!("one event");
    };
    assert_ne!(error.flags & EV_ERROR, 0);
    assert_eq!(error.data as i64, errno(ENOMEM));
    assert_eq!(error.ident as u64, 7);
    assert_eq!(error.flags & EV_ONESHOT != 0, APPLE);
    assert!(queue.expired_once());
}

#[test]
fn changes_are_made_in_order_and_each_has_its_receipt() {
    let queue = Queue::new();
    let mut changes = [delete(), change(ONCE, 0, 1), delete(), change(ONCE, 0, 20)];
    for change in &mut changes {
        change.flags |= EV_RECEIPT;
    }
    let receipts = queue.call(&changes, 4, None).unwrap();
    let errnos: Vec<_> = receipts.iter().map(|event| event.data as i64).collect();
    assert_eq!(errnos, [errno(ENOENT), 0, 0, 0]);
    assert!(queue.expired_once());
}

#[test]
fn without_room_an_error_is_the_calls() {
    let queue = Queue::new();
    let changes = [delete(), change(ONCE, 0, 1)];
    assert_eq!(queue.call(&changes, 0, None).unwrap_err(), ENOENT);
    // And what follows it is not made.
    assert!(queue.is_silent(60 * MS));
}

#[test]
fn without_room_a_receipt_ends_it_or_not() {
    let queue = Queue::new();
    let mut first = change(ONCE, 0, 60_000);
    first.flags |= EV_RECEIPT;
    let result = queue.call(&[first, delete()], 0, None);
    let deleted = queue.outcome(delete()) != 0;
    assert_eq!(deleted, APPLE);
    match result {
        Ok(events) => assert!(events.is_empty() && !DRAGONFLY),
        Err(errno) => assert!(errno == libc::EFAULT && DRAGONFLY),
    }
}

#[test]
fn what_is_not_offered_is_refused() {
    let queue = Queue::new();
    let mut other = change(ONCE, 0, 1);
    other.filter = EVFILT_TIMER + 1;
    assert_eq!(queue.outcome(other), errno(EINVAL));
    assert_eq!(queue.outcome(change(0, 0, 1)), errno(EINVAL));
    for flag in [EV_ENABLE, EV_DISABLE, EV_DISPATCH] {
        let disabled = change(ONCE | flag as u32, 0, 1);
        assert_eq!(queue.outcome(disabled), errno(ENOTSUP));
    }
    let unknown = queue.outcome(change(ONCE, 0x4000_0000, 1));
    assert_eq!(unknown, errno(if APPLE { ENOTSUP } else { EINVAL }));
    assert_eq!(queue.outcome(change(ONCE | EV_CLEAR as u32, 0, 1)), 0);
}

#[test]
fn a_number_that_is_no_kqueues() {
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
fn no_time_and_less() {
    let queue = Queue::new();
    let none = queue.outcome(change(ONCE, PRECISE, 0));
    if NETBSD {
        assert_eq!(none, errno(EINVAL));
    } else {
        assert_eq!(none, 0);
        assert!(queue.expired_once());
    }
    let began = Instant::now();
    let negative = queue.outcome(change(PERIODIC, PRECISE, -5));
    if FREEBSD {
        assert_eq!(negative, errno(EINVAL));
    } else {
        assert_eq!(negative, 0);
        // Once a tick of 10 ms, of which more than one may have passed.
        let count = queue.count();
        let ticks = i64::try_from(began.elapsed().as_millis() / 10).unwrap() + 1;
        assert!(
            count >= 1 && (APPLE || count <= ticks),
            "{count} in {ticks} ticks"
        );
        // XNU: and not again.
        assert_eq!(queue.is_silent(100 * MS), APPLE);
    }
}

#[test]
fn no_time_again_and_again() {
    if NETBSD {
        return;
    }
    let queue = Queue::new();
    queue.set(PERIODIC, 0);
    queue.count();
    // FreeBSD takes it for one millisecond, and the others for a tick.
    assert_eq!(queue.is_silent(100 * MS), APPLE);
}

#[test]
fn a_day_is_not_too_long_and_all_time_is_refused_or_clamped() {
    let queue = Queue::new();
    queue.set(ONCE, 86_400_000);
    assert_eq!(queue.outcome(delete()), 0);
    let outcome = queue.outcome(change(ONCE, PRECISE, i64::MAX));
    let expected = match () {
        () if APPLE => libc::ERANGE,
        () if FREEBSD => EINVAL,
        () => 0,
    };
    assert_eq!(outcome, errno(expected));
    assert!(queue.is_silent(20 * MS));
}

#[test]
fn every_unit() {
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
            assert_eq!(queue.outcome(change(ONCE, unit, data)), 0);
            queue.count()
        });
        let least = if data == 1 { 1_000 * MS } else { 50 * MS };
        assert!(took >= least, "{unit:#x}");
    }
    if DRAGONFLY {
        assert_eq!(queue.outcome(change(ONCE, 1, 1)), errno(EINVAL));
    }
}

#[test]
#[cfg(not(any(
    tokio_osinterval_kqueue = "apple",
    tokio_osinterval_kqueue = "dragonfly"
)))]
fn a_moment_of_the_calendar() {
    const NOTE_ABSTIME: u32 = 0x10;
    let queue = Queue::new();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let millis = i64::try_from(now.as_millis()).unwrap() + 50;
    let ((), took) = elapsed(|| {
        assert_eq!(queue.outcome(change(ONCE, NOTE_ABSTIME, millis)), 0);
        assert!(queue.expired_once());
    });
    assert!(took >= 45 * MS);
    // What is past is at once.
    assert_eq!(queue.outcome(change(ONCE, NOTE_ABSTIME, 1)), 0);
    assert!(queue.expired_once());
    let repeating = queue.outcome(change(PERIODIC, NOTE_ABSTIME, millis));
    assert_eq!(repeating, errno(ENOTSUP));
}

#[test]
fn a_look_waits_for_its_timeout_or_for_ever() {
    let queue = Queue::new();
    let ((), took) = elapsed(|| assert!(queue.is_silent(30 * MS)));
    assert!(took >= 30 * MS);
    queue.set(ONCE, 30);
    let events = queue.call(&[], 1, None).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn an_interruption_comes_after_the_changes() {
    let queue = Queue::new();
    interrupt_next();
    let result = queue.call(&[change(ONCE, 0, 1)], 1, None);
    assert_eq!(result.unwrap_err(), EINTR);
    assert!(queue.expired_once());
    fail_next_with(EINTR);
    assert_eq!(queue.call(&[], 1, None).unwrap_err(), EINTR);
}

#[test]
fn a_failure_is_an_event_and_no_count() {
    let queue = Queue::new();
    queue.set(ONCE, 1);
    sleep(60 * MS);
    fail_next_with(EIO);
    let event = queue.next(AGES).unwrap();
    assert_ne!(event.flags & EV_ERROR, 0);
    assert_eq!(event.data as i64, errno(EIO));
    assert!(queue.expired_once());
}

#[test]
fn close_on_exec_on_apple_only() {
    let queue = Queue::new();
    // SAFETY: asks for an open descriptor.
    let flags = unsafe { libc::fcntl(queue.0.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags == libc::FD_CLOEXEC, APPLE);
}

/// Edge-triggered.
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
        // SAFETY: it is ours.
        unsafe { libc::close(self.0) };
    }
}

#[test]
fn each_expiry_after_a_delete_is_an_edge_though_none_is_read() {
    let queue = Queue::new();
    let outer = Outer::of(&queue);
    for _ in 0..20 {
        let mut changes = [delete(), change(ONCE, PRECISE, 1)];
        for change in &mut changes {
            change.flags |= EV_RECEIPT;
        }
        assert_eq!(queue.call(&changes, 2, None).unwrap().len(), 2);
        assert!(outer.sees(AGES));
        assert!(!outer.sees(Duration::ZERO));
    }
    assert!(queue.expired_once());
}

#[test]
fn added_again_without_a_delete_it_is_an_edge_but_not_on_apple() {
    let queue = Queue::new();
    let outer = Outer::of(&queue);
    queue.set(ONCE, 1);
    assert!(outer.sees(AGES));
    queue.set(ONCE, 20);
    assert_eq!(outer.sees(200 * MS), RESTARTS && !APPLE);
    assert!(queue.expired_once());
}

#[test]
fn what_was_restarted_is_not_told_before_it_is_due() {
    let queue = Queue::new();
    queue.set(ONCE, 1);
    sleep(60 * MS);
    let (once, took) = elapsed(|| {
        queue.set(ONCE, 50);
        queue.expired_once()
    });
    assert!(once);
    assert_eq!(took >= 50 * MS, RESTARTS);
}

#[test]
fn a_periodic_timer_is_one_edge_until_it_is_read() {
    let queue = Queue::new();
    let outer = Outer::of(&queue);
    queue.set(PERIODIC, 5);
    for _ in 0..5 {
        assert!(outer.sees(AGES));
        // It is on the queue already.
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
    fn ticks_are_of_125_thirds_of_a_nanosecond() {
        let mut info = mach_timebase_info { numer: 0, denom: 0 };
        // SAFETY: there is room for it.
        assert_eq!(unsafe { mach_timebase_info(&raw mut info) }, 0);
        assert_eq!((info.numer, info.denom), (125, 3));
        let before = (Instant::now(), ticks());
        sleep(50 * MS);
        let passed = ticks() - before.1;
        assert!(passed >= in_ticks(49));
        assert!(passed <= in_ticks(i64::try_from(before.0.elapsed().as_millis()).unwrap() + 1));
    }

    #[test]
    fn an_absolute_moment_is_once_whatever_the_flags() {
        let queue = Queue::new();
        let due = ticks() + in_ticks(20);
        let fflags = NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL;
        assert_eq!(queue.outcome(change(PERIODIC, fflags, due)), 0);
        assert!(queue.expired_once());
        assert!(ticks() >= due);
        assert_eq!(queue.outcome(delete()), errno(ENOENT));
        // What is past is at once, and what is negative never.
        assert_eq!(queue.outcome(change(ONCE, fflags, 1)), 0);
        assert!(queue.expired_once());
        assert_eq!(queue.outcome(change(ONCE, fflags, -1)), 0);
        assert!(queue.is_silent(30 * MS));
    }

    #[test]
    fn absolute_alone_is_the_calendar() {
        let queue = Queue::new();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let at = i64::try_from(now.as_millis()).unwrap() + 50;
        let (_, took) = elapsed(|| {
            let fflags = NOTE_ABSOLUTE | NOTE_CRITICAL;
            assert_eq!(queue.outcome(change(ONCE, fflags, at)), 0);
            queue.count()
        });
        assert!(took >= 45 * MS);
    }

    #[test]
    fn absolute_does_not_become_relative() {
        let queue = Queue::new();
        queue.set(ONCE, 20);
        let fflags = NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL;
        let absolute = change(ONCE, fflags, ticks());
        assert_eq!(queue.outcome(absolute), errno(EINVAL));
        // The old one goes on.
        assert!(queue.expired_once());
    }

    #[test]
    fn one_that_is_not_critical_is_late() {
        let queue = Queue::new();
        let late = |fflags, least: Duration| {
            let (_, took) = elapsed(|| {
                assert_eq!(queue.outcome(change(ONCE, fflags, 16)), 0);
                queue.count()
            });
            assert!(took >= 16 * MS + least, "{took:?}");
            took
        };
        late(0, MS);
        late(NOTE_BACKGROUND, 100 * MS);
        // The best of many: the machine may be slow.
        let best = (0..20).map(|_| late(NOTE_CRITICAL, Duration::ZERO)).min();
        assert!(best.unwrap() < 17 * MS, "{best:?}");
    }

    #[test]
    fn a_leeway_is_used_but_not_exceeded() {
        let queue = Queue::new();
        let mut best = Duration::MAX;
        for _ in 0..10 {
            let mut add = change(ONCE, NOTE_CRITICAL | NOTE_LEEWAY, 10);
            add.ext[1] = 20;
            let (_, took) = elapsed(|| {
                assert_eq!(queue.outcome(add), 0);
                queue.count()
            });
            assert!(took >= 15 * MS);
            best = best.min(took);
        }
        assert!(best <= 30 * MS);
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        let queue = Queue::new();
        for fflags in [
            NOTE_MACH_CONTINUOUS_TIME,
            NOTE_SECONDS | NOTE_NSECONDS,
            NOTE_MACHTIME | NOTE_USECONDS,
        ] {
            assert_ne!(queue.outcome(change(ONCE, fflags, 1)), 0);
        }
    }

    fn plain(queue: &Queue, fflags: u32) -> Result<(), i32> {
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
    fn a_kqueue_is_for_one_structure() {
        let queue = Queue::new();
        assert_eq!(plain(&queue, 0), Ok(()));
        assert_eq!(queue.call(&[], 1, None).unwrap_err(), EINVAL);
        let queue = Queue::new();
        assert_eq!(plain(&queue, NOTE_LEEWAY), Err(ENOTSUP));
        let queue = Queue::new();
        queue.set(ONCE, 1);
        assert_eq!(plain(&queue, 0), Err(EINVAL));
    }

    #[test]
    fn flags_of_the_call() {
        let queue = Queue::new();
        queue.set(ONCE, 1);
        sleep(30 * MS);
        let look = |flags| {
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
        assert_eq!(look(KEVENT_FLAG_ERROR_EVENTS), 0);
        assert_eq!(look(KEVENT_FLAG_IMMEDIATE), 1);
        assert_eq!(look(KEVENT_FLAG_IMMEDIATE), 0);
    }
}
