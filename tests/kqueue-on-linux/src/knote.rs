//! The timer of a kqueue.

use libc::c_int;

use super::behavior::{InvalidReadd, Readd};
use super::event::Fields;
use super::names::{EV_ADD, EV_CLEAR, EV_DELETE, EV_ERROR, EV_ONESHOT, EV_RECEIPT};
use super::plan::Plan;
use super::rules;
use super::timer;

/// The flags that are implemented.
#[allow(
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    reason = "on some systems the flags have this type already"
)]
pub(super) mod flag {
    pub(crate) const ADD: u32 = super::EV_ADD as u32;
    pub(crate) const DELETE: u32 = super::EV_DELETE as u32;
    pub(crate) const ONESHOT: u32 = super::EV_ONESHOT as u32;
    pub(crate) const CLEAR: u32 = super::EV_CLEAR as u32;
    pub(crate) const RECEIPT: u32 = super::EV_RECEIPT as u32;
    pub(crate) const ERROR: u32 = super::EV_ERROR as u32;
    pub(crate) const KNOWN: u32 = ADD | DELETE | ONESHOT | CLEAR | RECEIPT;
}

#[derive(Debug)]
pub(super) struct Knote {
    pub(super) ident: u64,
    flags: u32,
    udata: u64,
    plan: Plan,
    /// Unread expirations of an earlier plan.
    unread: u64,
    /// The error of the last change, if the kernel reports it in place of a count.
    error: Option<c_int>,
}

impl Knote {
    pub(super) fn add(kq: c_int, change: &Fields) -> Result<Self, c_int> {
        let plan = rules::plan(change, timer::now(), timer::calendar())?;
        let mut knote = Self {
            ident: change.ident,
            flags: rules::flags(change),
            udata: change.udata,
            plan,
            unread: 0,
            error: None,
        };
        knote.arm(kq)?;
        Ok(knote)
    }

    /// Adds the timer again.
    pub(super) fn readd(&mut self, kq: c_int, change: &Fields) -> Result<(), c_int> {
        let readd = rules::readd(&self.plan, change);
        if readd == Readd::Refused {
            return Err(libc::EINVAL);
        }
        let now = timer::now();
        let flags = if readd == Readd::RestartsWithFlags {
            rules::flags(change)
        } else {
            self.flags
        };
        // The kept flags decide whether the timer is periodic.
        let kept_flags = Fields { flags, ..*change };
        let plan = match rules::plan(&kept_flags, now, timer::calendar()) {
            Ok(plan) => plan,
            Err(errno) => return self.readd_invalid(kq, errno),
        };
        self.udata = change.udata;
        match readd {
            Readd::Refused => {}
            Readd::Continues => {
                self.unread += self.plan.expirations(now);
                self.plan.every = plan.every;
            }
            Readd::Restarts | Readd::RestartsInPlace | Readd::RestartsWithFlags => {
                self.flags = flags;
                self.plan = plan;
                self.unread = 0;
                self.error = None;
                if readd != Readd::RestartsInPlace || !timer::is_expired(kq)? {
                    self.arm(kq)?;
                }
            }
        }
        Ok(())
    }

    fn readd_invalid(&mut self, kq: c_int, errno: c_int) -> Result<(), c_int> {
        match rules::INVALID_READD {
            InvalidReadd::Continues => Err(errno),
            InvalidReadd::Stops => {
                self.stop(kq)?;
                Err(errno)
            }
            InvalidReadd::FailsLater => {
                self.stop(kq)?;
                self.error = Some(errno);
                timer::set(kq, Some(timer::now()))
            }
        }
    }

    /// Stops the timer and discards its expirations.
    pub(super) fn stop(&mut self, kq: c_int) -> Result<(), c_int> {
        self.plan = Plan::new(u64::MAX, 0);
        self.unread = 0;
        timer::set(kq, None)
    }

    /// Returns an event if the timer has expired since the last one.
    pub(super) fn take(&mut self, kq: c_int) -> Result<Option<Fields>, c_int> {
        if !timer::expired(kq)? {
            return Ok(None);
        }
        let now = timer::now();
        let count = self.unread + self.plan.expirations(now);
        self.unread = 0;
        if count == 0 && self.error.is_none() {
            // It was on the queue already when it was restarted.
            self.arm(kq)?;
            return Ok(None);
        }
        let event = Fields {
            ident: self.ident,
            is_timer: true,
            flags: self.flags,
            fflags: 0,
            data: i64::try_from(count).unwrap_or(i64::MAX),
            udata: self.udata,
            leeway: None,
        };
        if let Some(errno) = self.error.take() {
            return Ok(Some(Fields {
                flags: self.flags | flag::ERROR,
                data: errno.into(),
                ..event
            }));
        }
        if !self.is_one_shot() && self.plan.every != 0 {
            self.arm(kq)?;
        }
        Ok(Some(event))
    }

    /// Returns `true` if the timer is deleted when its event is delivered.
    pub(super) fn is_one_shot(&self) -> bool {
        self.flags & flag::ONESHOT != 0
    }

    /// Arms the timerfd for one expiration. It expires again only after it was read, as a knote is put on its queue.
    fn arm(&mut self, kq: c_int) -> Result<(), c_int> {
        timer::set(kq, Some(self.plan.fires(timer::now())))
    }
}
