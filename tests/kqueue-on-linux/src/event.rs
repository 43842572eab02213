//! `struct kevent`, independent of the types of its fields.

/// A change or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) ident: u64,
    pub(super) is_timer: bool,
    pub(super) flags: u32,
    pub(super) fflags: u32,
    pub(super) data: i64,
    pub(super) udata: u64,
    /// `ext[1]`, if the structure has it.
    pub(super) leeway: Option<u64>,
}

pub(super) trait Event: Copy {
    /// `true` for the wider structure of a system that has two.
    const WIDE: bool = false;

    fn fields(self) -> Fields;

    /// Returns a copy with other flags and data.
    fn with(self, flags: u32, data: i64) -> Self;

    fn of_timer(fields: Fields) -> Self;
}

/// Implements `Event` for a structure with the fields of `kevent`.
macro_rules! event {
    ($name:ident) => {
        #[allow(
            clippy::cast_lossless,
            clippy::cast_possible_truncation,
            clippy::unnecessary_cast,
            reason = "the types differ between systems, and the values fit"
        )]
        impl super::event::Event for $name {
            fn fields(self) -> super::event::Fields {
                super::event::Fields {
                    ident: self.ident as u64,
                    is_timer: self.filter == EVFILT_TIMER,
                    flags: self.flags.into(),
                    fflags: self.fflags,
                    data: self.data as i64,
                    udata: self.udata as u64,
                    leeway: None,
                }
            }

            fn with(self, flags: u32, data: i64) -> Self {
                Self {
                    flags: flags as _,
                    data: data as _,
                    ..self
                }
            }

            fn of_timer(fields: super::event::Fields) -> Self {
                // SAFETY: numbers and a pointer that is not followed: all may be zero.
                let mut event: Self = unsafe { std::mem::zeroed() };
                event.ident = fields.ident as _;
                event.filter = EVFILT_TIMER;
                event.flags = fields.flags as _;
                event.fflags = fields.fflags;
                event.data = fields.data as _;
                event.udata = fields.udata as _;
                event
            }
        }
    };
}

pub(super) use event;
