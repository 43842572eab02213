//! The measured timers. Each fires for the deadlines of the same schedule in its own way.

mod course;
mod load;
mod tally;
mod tasks;
mod threads;

use std::io;

pub use course::Course;
pub use load::Threads as Load;
pub use tally::Tally;

use crate::choice::Kind;

/// Runs a timer until its course is over. Blocks the calling thread.
///
/// # Errors
///
/// Returns an error if the operating system refuses a resource of the timer.
pub fn run(kind: Kind, course: &Course) -> io::Result<()> {
    match kind {
        Kind::Os | Kind::OsSpin | Kind::Tokio | Kind::Periodic | Kind::AsyncIo => {
            tasks::run(kind, course)
        }
        Kind::Floor(_) | Kind::Thread | Kind::SpinSleep => threads::run(kind, course),
    }
}
