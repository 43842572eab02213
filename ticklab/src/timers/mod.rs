//! The timers that are measured. Each fires for deadlines of the same schedule, in its own way.

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

/// Lets a timer tick until its course is over. Takes the thread that calls it.
///
/// # Errors
///
/// If the operating system refuses what the timer is made of.
pub fn run(kind: Kind, course: &Course) -> io::Result<()> {
    match kind {
        Kind::Os | Kind::OsSpin | Kind::Tokio | Kind::Periodic | Kind::AsyncIo => {
            tasks::run(kind, course)
        }
        Kind::Floor(_) | Kind::Thread | Kind::SpinSleep => threads::run(kind, course),
    }
}
