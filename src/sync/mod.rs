//! The locks, atomics and shared pointers of the driver: the standard library's, or the model checker's.

#[cfg(model)]
mod model;
#[cfg(not(model))]
mod real;
#[cfg(all(test, not(model)))]
pub(crate) mod recording;

#[cfg(model)]
pub(crate) use model::*;
#[cfg(not(model))]
pub(crate) use real::*;

pub(crate) use std::sync::{Arc, Weak};
