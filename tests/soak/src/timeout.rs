//! Timeouts: those that are reached, around a future that is never ready; and those that are not, around
//! one that is.

use std::future::{Future, pending};
use std::pin::Pin;

use crate::books::duration;
use crate::keeper::Keeper;
use crate::once::Once;
use crate::tally::Kind;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) async fn live(keeper: Keeper) {
    let mut next = Some(keeper);
    while let Some(mut keeper) = next.take_if(|keeper| keeper.has_time()) {
        let length = keeper.period();
        let due = keeper.now() + length;
        let at = keeper.books.instant(due);
        let is_reached = keeper.kind == Kind::TimeoutReached;
        let work: Work = if is_reached {
            Box::pin(pending())
        } else {
            Box::pin(tokio_osinterval::sleep_until(at))
        };
        // The work is due before: a poll that comes late for both finds it ready.
        let longer = if is_reached { 0 } else { 1 + length };
        let timeout = if keeper.chance(50) {
            tokio_osinterval::timeout_at(at + duration(longer), work)
        } else {
            tokio_osinterval::timeout(duration(length + longer), work)
        };
        let (keeper, outcome) = Once::new(keeper, timeout, due).run().await;
        if let (Some(keeper), Some(outcome)) = (&keeper, outcome) {
            if outcome.is_err() != is_reached {
                keeper.fail(&format!("a timeout came out as {outcome:?}"));
            }
        }
        next = keeper;
    }
}
