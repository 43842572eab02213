//! Emits events of `tracing`.

use crate::schedule::Missed;
use crate::sys::AlarmEvent;

/// Reports a missed tick.
pub(crate) fn missed(missed: Missed) {
    tracing::debug!(
        target: "tokio_osinterval",
        period = ?missed.period,
        lateness = ?missed.lateness,
        behind = missed.ticks_behind,
        "missed tick",
    );
}

/// Reports a change of a runtime's kernel timer.
pub(crate) fn alarm(event: &AlarmEvent) {
    match event {
        AlarmEvent::Refused(error) => tracing::warn!(
            target: "tokio_osinterval",
            %error,
            errno = error.raw_os_error(),
            "the operating system refused a timer; tokio's timer serves in its place",
        ),
        AlarmEvent::Clock => tracing::debug!(
            target: "tokio_osinterval",
            "the runtime's clock was paused or advanced; tokio's timer serves",
        ),
        AlarmEvent::Late(lateness) => tracing::warn!(
            target: "tokio_osinterval",
            ?lateness,
            "timers fired late, most likely because the runtime is busy: let its tasks yield more often, or make it \
             check for events more often (`event_interval` of tokio's runtime builder)",
        ),
        AlarmEvent::Accepted => tracing::info!(
            target: "tokio_osinterval",
            "the operating system's timer serves again",
        ),
    }
}
