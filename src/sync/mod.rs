//! The one door through which the driver gets its locks and shared pointers, so that a model
//! checker's can stand in for them.

#[cfg(all(test, not(model)))]
pub(crate) mod counted;
#[cfg(model)]
mod model;
#[cfg(not(model))]
mod real;

#[cfg(model)]
pub(crate) use model::*;
#[cfg(not(model))]
pub(crate) use real::*;

pub(crate) use std::sync::{Arc, Weak};
