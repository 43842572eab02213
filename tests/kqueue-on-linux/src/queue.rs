//! `kqueue` and `kevent`.

use std::collections::HashMap;
use std::ptr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use libc::{EINVAL, ENOENT, ENOMEM, ENOTSUP, c_int, timespec};

use super::behavior::NoRoom;
use super::event::{Event, Fields};
use super::faults;
use super::knote::{Knote, flag};
use super::rules;
use super::timer;

#[derive(Debug, Default)]
struct Queue {
    knote: Option<Knote>,
    /// The structure that the queue was first used with, if there are two.
    wide: Option<bool>,
}

/// The queues by descriptor. A closed queue stays until its number is reused.
static QUEUES: LazyLock<Mutex<HashMap<c_int, Queue>>> = LazyLock::new(Mutex::default);

fn queues() -> MutexGuard<'static, HashMap<c_int, Queue>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
///
/// No requirements. The function is unsafe because the system's is.
#[must_use]
pub unsafe fn kqueue() -> c_int {
    // Under the lock, so that no other thread gets the number of a queue that is closed meanwhile.
    let mut queues = queues();
    let kq = timer::create(rules::CLOSE_ON_EXEC);
    if let Ok(kq) = kq {
        queues.insert(kq, Queue::default());
    }
    drop(queues);
    returned(kq)
}

/// Whether to collect expirations, and how long to wait for one.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "only Apple's `kevent64` has flags for it")]
pub(super) enum Collect {
    Never,
    Now,
    /// Waits for that many nanoseconds, or without a limit.
    Within(Option<u64>),
}

impl Collect {
    /// # Safety
    ///
    /// `timeout` is null or points to a `timespec`.
    pub(super) unsafe fn within(timeout: *const timespec) -> Self {
        // SAFETY: the caller's contract.
        let timeout = unsafe { timeout.as_ref() };
        Self::Within(timeout.map(timer::nanos))
    }
}

/// Implements `kevent` for a structure.
///
/// # Safety
///
/// As for the system's: the pointers are valid for as many changes to be read and events to be written as is said.
pub(super) unsafe fn call<E: Event>(
    kq: c_int,
    changes: (*const E, usize),
    events: (*mut E, usize),
    collect: Collect,
) -> c_int {
    let (events, room) = events;
    let mut written = 0;
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
        if written < room {
            let flags = rules::receipt_flags(fields.flags);
            put(written, change.with(flags, errno.unwrap_or(0).into()));
            written += 1;
            continue;
        }
        if let Some(errno) = errno {
            return returned(Err(errno));
        }
        match rules::NO_ROOM {
            NoRoom::Continues => {}
            NoRoom::Stops => return returned(Ok(0)),
            NoRoom::Overruns => return returned(Err(libc::EFAULT)),
        }
    }
    if faults::interrupted() {
        return returned(Err(libc::EINTR));
    }
    if written == 0 && room > 0 && !matches!(collect, Collect::Never) {
        match scan(kq, collect) {
            Ok(None) => {}
            Ok(Some(event)) => {
                put(0, E::of_timer(event));
                written = 1;
            }
            Err(errno) => return returned(Err(errno)),
        }
    }
    returned(Ok(c_int::try_from(written).unwrap_or(c_int::MAX)))
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
    let slot = &mut queues.get_mut(&kq).ok_or(libc::EBADF)?.knote;
    match slot {
        Some(knote) if knote.ident == change.ident && has(flag::DELETE) => {
            knote.stop(kq)?;
            *slot = None;
        }
        Some(knote) if knote.ident == change.ident => knote.readd(kq, change)?,
        _ if has(flag::DELETE) => return Err(ENOENT),
        // There is room for one timer.
        Some(_) => return Err(ENOMEM),
        None => *slot = Some(Knote::add(kq, change)?),
    }
    Ok(())
}

/// Returns the timer's event if it has expired or expires in time.
fn scan(kq: c_int, collect: Collect) -> Result<Option<Fields>, c_int> {
    if let Some(errno) = faults::failed() {
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
    let start = timer::now();
    loop {
        if let Some(event) = take(kq)? {
            return Ok(Some(event));
        }
        let rest = match collect {
            Collect::Never | Collect::Now => return Ok(None),
            Collect::Within(None) => None,
            Collect::Within(Some(timeout)) => {
                match timeout.saturating_sub(timer::now().saturating_sub(start)) {
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
    let slot = &mut queues.get_mut(&kq).ok_or(libc::EBADF)?.knote;
    let Some(knote) = slot else {
        return Ok(None);
    };
    let event = knote.take(kq)?;
    if event.is_some() && knote.is_one_shot() {
        *slot = None;
    }
    Ok(event)
}

/// Returns the result as a system call does: sets `errno` and returns −1 for an error.
fn returned(result: Result<c_int, c_int>) -> c_int {
    match result {
        Ok(value) => value,
        Err(errno) => {
            // SAFETY: takes nothing, and returns a place of this thread's.
            let errno_place = unsafe { libc::__errno_location() };
            // SAFETY: it is valid for as long as the thread lives.
            unsafe { ptr::write(errno_place, errno) };
            -1
        }
    }
}
