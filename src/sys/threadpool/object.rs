//! A timer's kernel objects: a waitable timer and the thread pool's wait for it or, before Windows 10 1803, the
//! thread pool's own timer.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, FILETIME};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows_sys::Win32::System::Threading::{
    CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, CREATE_WAITABLE_TIMER_MANUAL_RESET,
    CloseThreadpoolTimer, CloseThreadpoolWait, CreateThreadpoolTimer, CreateThreadpoolWait,
    CreateWaitableTimerExW, PTP_CALLBACK_INSTANCE, PTP_TIMER, PTP_WAIT,
    SYNCHRONIZATION_SYNCHRONIZE, SetThreadpoolTimer, SetThreadpoolWait, SetWaitableTimer,
    TIMER_MODIFY_STATE,
};

use crate::sys::units::filetime;

/// Some 2,900 years: a tenth of the range of the system's clock, which counts 100 ns from 1601.
const MAX_WAIT: i64 = i64::MAX / 10;

static CALLBACK: OnceLock<fn(usize)> = OnceLock::new();

#[derive(Debug)]
pub(super) enum Object {
    /// Fields are dropped in this order: the wait must be dropped before the timer.
    Waitable {
        wait: Wait,
        timer: OwnedHandle,
    },
    Pool(PoolTimer),
}

impl Object {
    /// Creates an object that calls `callback` with `id` when it expires. It is not set yet. The callback is the
    /// same for all objects.
    pub(super) fn new(id: usize, callback: fn(usize)) -> io::Result<Self> {
        stay_loaded()?;
        CALLBACK.get_or_init(|| callback);
        match waitable_timer()? {
            Some(timer) => Ok(Self::Waitable {
                wait: Wait::new(id)?,
                timer,
            }),
            None => PoolTimer::new(id).map(Self::Pool),
        }
    }

    /// Sets the object to call back after `wait`, in place of its previous setting. A callback that has begun still
    /// arrives.
    pub(super) fn set(&self, wait: Duration) -> io::Result<()> {
        // Relative, so setting the system's clock does not move it.
        let due = filetime(wait, MAX_WAIT);
        match self {
            Self::Waitable { timer, wait } => {
                // SAFETY: an open handle of a timer that may be modified, and a time to be read; no
                // completion routine. High resolution asks that there be no period.
                let set = unsafe {
                    SetWaitableTimer(
                        timer.as_raw_handle(),
                        &raw const due,
                        0,
                        None,
                        ptr::null(),
                        0,
                    )
                };
                if set == 0 {
                    return Err(io::Error::last_os_error());
                }
                // After the timer is set: it is not signaled by its previous setting any more. It will be signaled
                // from its expiration until it is set again.
                wait.set(timer);
            }
            Self::Pool(timer) => timer.set(due),
        }
        Ok(())
    }
}

/// Pins the library that contains this code. If it were unloaded, the pool would call into unmapped memory.
fn stay_loaded() -> io::Result<()> {
    static PINNED: OnceLock<()> = OnceLock::new();

    if PINNED.get().is_some() {
        return Ok(());
    }
    let mut module = ptr::null_mut();
    let here = &raw const PINNED;
    // SAFETY: with these flags, any address inside the module, and a place for its handle, which need
    // not be closed.
    let found = unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            here.cast(),
            &raw mut module,
        )
    };
    if found == 0 {
        return Err(io::Error::last_os_error());
    }
    PINNED.get_or_init(|| ());
    Ok(())
}

/// Returns `None` if the system has no high-resolution timers. Its other waitable timers are no better than the
/// thread pool's.
fn waitable_timer() -> io::Result<Option<OwnedHandle>> {
    static SUPPORTED: OnceLock<bool> = OnceLock::new();

    if cfg!(tokio_osinterval_threadpool_timer) || SUPPORTED.get() == Some(&false) {
        return Ok(None);
    }
    // SAFETY: neither security attributes nor a name; flags and rights that are this function's.
    let timer = unsafe {
        CreateWaitableTimerExW(
            ptr::null(),
            ptr::null(),
            CREATE_WAITABLE_TIMER_HIGH_RESOLUTION | CREATE_WAITABLE_TIMER_MANUAL_RESET,
            TIMER_MODIFY_STATE | SYNCHRONIZATION_SYNCHRONIZE,
        )
    };
    if timer.is_null() {
        let error = io::Error::last_os_error();
        let unknown = i32::try_from(ERROR_INVALID_PARAMETER).ok();
        if error.raw_os_error() == unknown && !SUPPORTED.get_or_init(|| false) {
            return Ok(None);
        }
        return Err(error);
    }
    SUPPORTED.get_or_init(|| true);
    // SAFETY: the handle is open, and nothing else owns it.
    Ok(Some(unsafe { OwnedHandle::from_raw_handle(timer) }))
}

/// The thread pool's wait for one handle.
#[derive(Debug)]
pub(super) struct Wait(PTP_WAIT);

impl Wait {
    fn new(id: usize) -> io::Result<Self> {
        // SAFETY: a callback of the right type, in a library that stays loaded; its context is a
        // number, which no callback takes for a place in memory; the default pool.
        let wait = unsafe {
            CreateThreadpoolWait(
                Some(wait_over),
                ptr::without_provenance_mut(id),
                ptr::null(),
            )
        };
        if wait == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(wait))
    }

    /// Starts to wait for `timer`, once.
    fn set(&self, timer: &OwnedHandle) {
        // SAFETY: a wait that is not closed; a handle that stays open until the wait is unset, see
        // `Drop`; no timeout.
        unsafe { SetThreadpoolWait(self.0, timer.as_raw_handle(), ptr::null()) };
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // SAFETY: a wait that is not closed, and no handle: the pool lets go of the one it had.
        unsafe { SetThreadpoolWait(self.0, ptr::null_mut(), ptr::null()) };
        // SAFETY: the same; it is not used any more. A callback that is on its way or running keeps
        // the pool's own hold of it, so that this may be called from one.
        unsafe { CloseThreadpoolWait(self.0) };
    }
}

/// The thread pool's own timer.
#[derive(Debug)]
pub(super) struct PoolTimer(PTP_TIMER);

impl PoolTimer {
    fn new(id: usize) -> io::Result<Self> {
        // SAFETY: as of `CreateThreadpoolWait` above.
        let timer = unsafe {
            CreateThreadpoolTimer(
                Some(timer_over),
                ptr::without_provenance_mut(id),
                ptr::null(),
            )
        };
        if timer == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(timer))
    }

    fn set(&self, due: i64) {
        let [low, high] = halves(due);
        let due = FILETIME {
            dwLowDateTime: low,
            dwHighDateTime: high,
        };
        // SAFETY: a timer that is not closed, and a time to be read; no period, and no window.
        unsafe { SetThreadpoolTimer(self.0, &raw const due, 0, 0) };
    }
}

impl Drop for PoolTimer {
    fn drop(&mut self) {
        // SAFETY: a timer that is not closed, and no time: it is unset.
        unsafe { SetThreadpoolTimer(self.0, ptr::null(), 0, 0) };
        // SAFETY: as of `CloseThreadpoolWait` above.
        unsafe { CloseThreadpoolTimer(self.0) };
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the halves of 64 bits, whatever they mean"
)]
fn halves(due: i64) -> [u32; 2] {
    [due as u32, (due >> 32) as u32]
}

unsafe extern "system" fn wait_over(
    _instance: PTP_CALLBACK_INSTANCE,
    context: *mut c_void,
    _wait: PTP_WAIT,
    _result: u32,
) {
    call_back(context);
}

unsafe extern "system" fn timer_over(
    _instance: PTP_CALLBACK_INSTANCE,
    context: *mut c_void,
    _timer: PTP_TIMER,
) {
    call_back(context);
}

fn call_back(context: *mut c_void) {
    if let Some(callback) = CALLBACK.get() {
        callback(context.addr());
    }
}
