//! Nobody listens.

#[cfg(feature = "interval")]
use crate::schedule::Missed;
use crate::sys::News;

#[cfg(feature = "interval")]
#[inline]
pub(crate) fn missed(_missed: Missed) {}

#[inline]
pub(crate) fn alarm(_news: &News) {}
