//! `struct kevent`, whatever its fields' types.

/// A change to make, or an event to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) ident: u64,
    pub(super) is_timer: bool,
    pub(super) flags: u32,
    pub(super) fflags: u32,
    pub(super) data: i64,
    pub(super) udata: u64,
    /// `ext[1]`, in a structure that has it.
    pub(super) leeway: Option<u64>,
}

pub(super) trait Event: Copy {
    /// Whether it is the wider of two structures that one system has.
    const WIDE: bool = false;

    fn fields(self) -> Fields;

    /// Itself, but for the flags and the data.
    fn with(self, flags: u32, data: i64) -> Self;

    fn of_timer(fields: Fields) -> Self;
}

/// `Event` for a structure that has these fields, whatever their types.
macro_rules! event {
    ($name:ident) => {
        #[allow(
            clippy::cast_lossless,
            clippy::cast_possible_truncation,
            clippy::unnecessary_cast,
            reason = "the types differ from system to system, and the values fit them"
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
