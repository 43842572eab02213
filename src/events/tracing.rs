//! Events of `tracing`.

use crate::schedule::Missed;
use crate::sys::AlarmEvent;

/// A tick was missed.
pub(crate) fn missed(missed: Missed) {
    tracing::debug!(
        target: "tokio_osinterval",
        period = ?missed.period,
        lateness = ?missed.lateness,
        behind = missed.ticks,
        "missed tick",
    );
}

/// Something has become of a runtime's kernel timer.
pub(crate) fn alarm(news: &AlarmEvent) {
    match news {
        AlarmEvent::Refused(error) => tracing::warn!(
            target: "tokio_osinterval",
            %error,
            errno = error.raw_os_error(),
            "the operating system refused a timer: tokio's serves",
        ),
        AlarmEvent::Clock => tracing::debug!(
            target: "tokio_osinterval",
            "the runtime's clock was paused or moved: tokio's timer serves",
        ),
        AlarmEvent::Late(lateness) => tracing::warn!(
            target: "tokio_osinterval",
            ?lateness,
            "timers were fired late, most often since the runtime is busy: let its tasks yield more often, or have it \
             look for events more often (`event_interval` of tokio's runtime builder)",
        ),
        AlarmEvent::Accepted => tracing::info!(
            target: "tokio_osinterval",
            "the operating system's timer serves again",
        ),
    }
}
