//! The terminals that standard output and standard error are, if they are any.

use std::io;

use terminal_size::{Height, Width, terminal_size_of};

/// Letters in a line of standard output.
pub fn width() -> Option<usize> {
    letters(terminal_size_of(io::stdout()))
}

/// Letters in a line of standard error.
pub fn width_of_error() -> Option<usize> {
    letters(terminal_size_of(io::stderr()))
}

fn letters(size: Option<(Width, Height)>) -> Option<usize> {
    let (Width(width), _) = size?;
    // A terminal that has not been told its size says zero.
    (width > 0).then_some(width.into())
}
