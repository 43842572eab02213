//! Timeouts: around a future that is never ready, and around one that is ready before.

use std::future::{Future, pending};
use std::pin::Pin;

use crate::one_shot::OneShot;
use crate::owner::Owner;
use crate::shared::duration;
use crate::stats::Kind;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs one timeout after the other until the end of the soak.
pub(crate) async fn run(owner: Owner) {
    let mut next = Some(owner);
    while let Some(mut owner) = next.take_if(|owner| owner.has_time()) {
        let length = owner.period();
        let due = owner.now() + length;
        let deadline = owner.shared.instant(due);
        let is_reached = owner.kind == Kind::TimeoutReached;
        let work: Work = if is_reached {
            Box::pin(pending())
        } else {
            Box::pin(tokio_osinterval::sleep_until(deadline))
        };
        // The work is due before the timeout. A poll that is late for both finds the work ready.
        let more = if is_reached { 0 } else { 1 + length };
        let timeout = if owner.chance(50) {
            tokio_osinterval::timeout_at(deadline + duration(more), work)
        } else {
            tokio_osinterval::timeout(duration(length + more), work)
        };
        let (owner, outcome) = OneShot::new(owner, timeout, due).run().await;
        if let (Some(owner), Some(outcome)) = (&owner, outcome) {
            if outcome.is_err() != is_reached {
                owner.fail(&format!("a timeout returned {outcome:?}"));
            }
        }
        next = owner;
    }
}
