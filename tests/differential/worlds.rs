//! The two worlds that a program runs in.

use super::program::{self, Op};

#[path = "."]
mod theirs {
    use super::program;
    use tokio::time;
    #[path = "world.rs"]
    pub(crate) mod world;
}

#[path = "."]
#[allow(clippy::duplicate_mod, reason = "that is the point")]
mod ours {
    use super::program;
    use tokio_osinterval::time;
    #[path = "world.rs"]
    pub(crate) mod world;
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
