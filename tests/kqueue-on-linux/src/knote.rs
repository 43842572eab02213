//! One timer.

use libc::c_int;

use super::event::Fields;
use super::names::{EV_ADD, EV_CLEAR, EV_DELETE, EV_ERROR, EV_ONESHOT, EV_RECEIPT};
use super::plan::Plan;
use super::rules;
use super::timer;
use super::ways::{Again, Refused};

/// The flags that mean something here.
#[allow(
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    reason = "some systems' are as wide already"
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
    /// Expirations that the plan no longer counts.
    kept: u64,
    /// What was wrong with its last change, where the kernel says so in place of a count.
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
            kept: 0,
            error: None,
        };
        knote.arm(kq)?;
        Ok(knote)
    }

    /// It is added, and there already.
    pub(super) fn add_again(&mut self, kq: c_int, change: &Fields) -> Result<(), c_int> {
        let again = rules::again(&self.plan, change);
        if again == Again::Refused {
            return Err(libc::EINVAL);
        }
        let now = timer::now();
        let flags = if again == Again::RestartsWithFlags {
            rules::flags(change)
        } else {
            self.flags
        };
        // Whether it is periodic is up to the flags that it keeps.
        let kept_flags = Fields { flags, ..*change };
        let plan = match rules::plan(&kept_flags, now, timer::calendar()) {
            Ok(plan) => plan,
            Err(errno) => return self.refuse(kq, errno),
        };
        self.udata = change.udata;
        match again {
            Again::Refused => {}
            Again::GoesOn => {
                // The new period is from the next expiration on.
                self.kept += self.plan.expirations(now);
                self.plan.every = plan.every;
            }
            Again::Restarts | Again::RestartsInPlace | Again::RestartsWithFlags => {
                self.flags = flags;
                self.plan = plan;
                self.kept = 0;
                self.error = None;
                if again != Again::RestartsInPlace || !timer::is_expired(kq)? {
                    self.arm(kq)?;
                }
            }
        }
        Ok(())
    }

    fn refuse(&mut self, kq: c_int, errno: c_int) -> Result<(), c_int> {
        match rules::REFUSED {
            Refused::GoesOn => Err(errno),
            Refused::Stops => {
                self.stop(kq)?;
                Err(errno)
            }
            Refused::SaysSoLater => {
                self.stop(kq)?;
                self.error = Some(errno);
                timer::set(kq, Some(timer::now()))
            }
        }
    }

    /// It will not expire, and has not.
    pub(super) fn stop(&mut self, kq: c_int) -> Result<(), c_int> {
        self.plan = Plan::new(u64::MAX, 0);
        self.kept = 0;
        timer::set(kq, None)
    }

    /// The event, if it has expired since the last one.
    pub(super) fn take(&mut self, kq: c_int) -> Result<Option<Fields>, c_int> {
        if !timer::expired(kq)? {
            return Ok(None);
        }
        let now = timer::now();
        let count = self.kept + self.plan.expirations(now);
        self.kept = 0;
        if count == 0 && self.error.is_none() {
            // It was on the queue from before it was restarted.
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
        if !self.is_once() && self.plan.every != 0 {
            self.arm(kq)?;
        }
        Ok(Some(event))
    }

    /// Whether it is deleted when it is delivered.
    pub(super) fn is_once(&self) -> bool {
        self.flags & flag::ONESHOT != 0
    }

    /// The timerfd expires once, and again only after it was read: so does a knote go onto its queue.
    fn arm(&mut self, kq: c_int) -> Result<(), c_int> {
        timer::set(kq, Some(self.plan.fires(timer::now())))
    }
}
