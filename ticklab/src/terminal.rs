//! Widths of the terminals on standard output and standard error.

use std::io;

use terminal_size::{Height, Width, terminal_size_of};

/// Returns the width of standard output in characters.
pub fn width() -> Option<usize> {
    letters(terminal_size_of(io::stdout()))
}

/// Returns the width of standard error in characters.
pub fn width_of_error() -> Option<usize> {
    letters(terminal_size_of(io::stderr()))
}

fn letters(size: Option<(Width, Height)>) -> Option<usize> {
    let (Width(width), _) = size?;
    // A terminal without a known size reports zero.
    (width > 0).then_some(width.into())
}
