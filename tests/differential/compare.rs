//! The two worlds that a program runs in.

use super::program::{self, Op};

#[path = "."]
mod theirs {
    use super::program;
    use tokio::time::{self, interval_at};
    #[path = "world.rs"]
    pub(crate) mod world;
}

#[path = "."]
#[allow(clippy::duplicate_mod, reason = "that is the point")]
mod ours {
    use super::program;
    use std::time::Duration;
    use tokio_osinterval::time::{self, Instant, Interval};
    #[path = "world.rs"]
    pub(crate) mod world;

    /// Every other one as a rate, which is the same.
    fn interval_at(start: Instant, period: Duration) -> Interval {
        let ticks = u32::try_from(period.as_millis() % 3 + 1).unwrap();
        let builder = Interval::builder(period * ticks).ticks(ticks.into());
        builder.start(start).build().unwrap()
    }
}

/// # Errors
///
/// Says where the two part, if they do.
pub(crate) fn same(program: Vec<Op>) -> Result<(), String> {
    let theirs = theirs::world::run(program.clone());
    let ours = ours::world::run(program);
    if ours == theirs {
        return Ok(());
    }
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    Err(format!(
        "from event {same} on:\n theirs {:?}\n ours   {:?}",
        &theirs[same.saturating_sub(8)..theirs.len().min(same + 5)],
        &ours[same.saturating_sub(8)..ours.len().min(same + 5)]
    ))
}
