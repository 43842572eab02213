//! The clock that timers follow: tokio's.

#[cfg(model)]
mod model;
#[cfg(not(model))]
mod pausable;
#[cfg(not(model))]
mod runtime;
#[cfg(not(model))]
mod tokio_clock;

#[cfg(model)]
pub(crate) use model::TokioClock;
#[cfg(not(model))]
pub(crate) use tokio_clock::TokioClock;

#[cfg(not(model))]
pub(super) use {pausable::PAUSABLE, runtime::RuntimeClock};
