//! The calls.

use std::collections::HashMap;
use std::ptr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use libc::{EINVAL, ENOENT, ENOMEM, ENOTSUP, c_int, timespec};

use super::event::{Event, Fields};
use super::hooks;
use super::knote::{Knote, flag};
use super::rules;
use super::timer;
use super::ways::NoRoom;

#[derive(Debug, Default)]
struct Queue {
    knote: Option<Knote>,
    /// Which of two structures it was first used with.
    wide: Option<bool>,
}

/// By their descriptors. One that was closed stays until its number is given to the next.
static QUEUES: LazyLock<Mutex<HashMap<c_int, Queue>>> = LazyLock::new(Mutex::default);

fn queues() -> MutexGuard<'static, HashMap<c_int, Queue>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
///
/// None: it is unsafe since the system's is.
#[must_use]
pub unsafe fn kqueue() -> c_int {
    // Under the lock, so that nobody else is given the number of one that is closed meanwhile.
    let mut queues = queues();
    let kq = timer::create(rules::CLOSE_ON_EXEC);
    if let Ok(kq) = kq {
        queues.insert(kq, Queue::default());
    }
    drop(queues);
    returned(kq)
}

/// How to look for what has expired.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "not every system can say so")]
pub(super) enum Look {
    Never,
    AtOnce,
    /// For so many nanoseconds, or without end.
    For(Option<u64>),
}

impl Look {
    /// # Safety
    ///
    /// `timeout` is null or points to one.
    pub(super) unsafe fn until(timeout: *const timespec) -> Self {
        // SAFETY: the caller's contract.
        let timeout = unsafe { timeout.as_ref() };
        Self::For(timeout.map(timer::nanos))
    }
}

/// `kevent`, of whatever structure.
///
/// # Safety
///
/// As of the system's: there are as many changes to be read and events to be written as is said.
pub(super) unsafe fn call<E: Event>(
    kq: c_int,
    changes: (*const E, usize),
    events: (*mut E, usize),
    look: Look,
) -> c_int {
    let (events, room) = events;
    let mut answered = 0;
    // SAFETY: there is room for as many, by the caller's contract.
    let put = |index: usize, event: E| unsafe { events.wrapping_add(index).write(event) };
    if let Err(errno) = enter(kq, E::WIDE) {
        return returned(Err(errno));
    }
    for index in 0..changes.1 {
        // SAFETY: there are more changes than this, by the caller's contract.
        let change = unsafe { changes.0.wrapping_add(index).read() };
        let fields = change.fields();
        let errno = make(kq, &fields).err();
        if errno.is_none() && fields.flags & flag::RECEIPT == 0 {
            continue;
        }
        if answered < room {
            let flags = rules::receipt_flags(fields.flags);
            put(answered, change.with(flags, errno.unwrap_or(0).into()));
            answered += 1;
            continue;
        }
        if let Some(errno) = errno {
            return returned(Err(errno));
        }
        match rules::NO_ROOM {
            NoRoom::GoesOn => {}
            NoRoom::Stops => return returned(Ok(0)),
            NoRoom::Overruns => return returned(Err(libc::EFAULT)),
        }
    }
    if hooks::interrupted() {
        return returned(Err(libc::EINTR));
    }
    if answered == 0 && room > 0 && !matches!(look, Look::Never) {
        match scan(kq, look) {
            Ok(None) => {}
            Ok(Some(event)) => {
                put(0, E::of_timer(event));
                answered = 1;
            }
            Err(errno) => return returned(Err(errno)),
        }
    }
    returned(Ok(c_int::try_from(answered).unwrap_or(c_int::MAX)))
}

fn enter(kq: c_int, wide: bool) -> Result<(), c_int> {
    let mut queues = queues();
    let queue = queues.get_mut(&kq).ok_or(libc::EBADF)?;
    if *queue.wide.get_or_insert(wide) == wide {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

fn make(kq: c_int, change: &Fields) -> Result<(), c_int> {
    let has = |flag| change.flags & flag != 0;
    if !change.is_timer || has(flag::ADD) == has(flag::DELETE) {
        return Err(EINVAL);
    }
    if has(!flag::KNOWN) {
        return Err(ENOTSUP);
    }
    let mut queues = queues();
    let place = &mut queues.get_mut(&kq).ok_or(libc::EBADF)?.knote;
    match place {
        Some(knote) if knote.ident == change.ident && has(flag::DELETE) => {
            knote.stop(kq)?;
            *place = None;
        }
        Some(knote) if knote.ident == change.ident => knote.add_again(kq, change)?,
        _ if has(flag::DELETE) => return Err(ENOENT),
        // There is room for one.
        Some(_) => return Err(ENOMEM),
        None => *place = Some(Knote::add(kq, change)?),
    }
    Ok(())
}

/// The event of the timer, if it has expired or does so in time.
fn scan(kq: c_int, look: Look) -> Result<Option<Fields>, c_int> {
    if let Some(errno) = hooks::failed() {
        return Ok(Some(Fields {
            ident: 0,
            is_timer: true,
            flags: flag::ERROR,
            fflags: 0,
            data: errno.into(),
            udata: 0,
            leeway: None,
        }));
    }
    let began = timer::now();
    loop {
        if let Some(event) = take(kq)? {
            return Ok(Some(event));
        }
        let rest = match look {
            Look::Never | Look::AtOnce => return Ok(None),
            Look::For(None) => None,
            Look::For(Some(timeout)) => {
                match timeout.saturating_sub(timer::now().saturating_sub(began)) {
                    0 => return Ok(None),
                    rest => Some(rest),
                }
            }
        };
        timer::wait(kq, rest)?;
    }
}

fn take(kq: c_int) -> Result<Option<Fields>, c_int> {
    let mut queues = queues();
    let place = &mut queues.get_mut(&kq).ok_or(libc::EBADF)?.knote;
    let Some(knote) = place else {
        return Ok(None);
    };
    let event = knote.take(kq)?;
    if event.is_some() && knote.is_once() {
        *place = None;
    }
    Ok(event)
}

/// As system calls return.
fn returned(result: Result<c_int, c_int>) -> c_int {
    match result {
        Ok(value) => value,
        Err(errno) => {
            // SAFETY: takes nothing, and returns a place of this thread's.
            let place = unsafe { libc::__errno_location() };
            // SAFETY: it is valid for as long as the thread is there.
            unsafe { ptr::write(place, errno) };
            -1
        }
    }
}
