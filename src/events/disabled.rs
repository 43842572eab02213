//! The events of a build without the feature `tracing`: none.

use crate::schedule::Missed;
use crate::sys::AlarmEvent;

#[inline]
pub(crate) fn missed(_missed: Missed) {}

#[inline]
pub(crate) fn alarm(_event: &AlarmEvent) {}
