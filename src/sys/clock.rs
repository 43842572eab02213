//! The clock that timers go by: of one runtime where it can be paused, and else of the system.

#[cfg(model)]
pub(crate) use super::model::TokioClock;
#[cfg(not(model))]
pub(crate) type TokioClock = <Pausable<{ super::pausable::PAUSABLE }> as Clock>::Its;

/// Whether the clock of a runtime can be paused.
#[cfg(not(model))]
pub(crate) struct Pausable<const IT_CAN: bool>;

/// Which is known only once names are resolved, so that no `cfg` can tell.
#[cfg(not(model))]
pub(crate) trait Clock {
    type Its;
}

#[cfg(not(model))]
impl Clock for Pausable<true> {
    type Its = super::runtime_clock::RuntimeClock;
}

#[cfg(not(model))]
impl Clock for Pausable<false> {
    type Its = super::system_clock::SystemClock;
}
