//! Draws lines over two logarithmic axes as SVG. The picture has no scripts or references and follows the
//! reader's light or dark scheme.

mod axis;
mod colours;
mod labels;
mod picture;
mod wrap;

use anyhow::Result;

pub use axis::Axis;

/// A plot.
#[derive(Debug)]
pub struct Plot {
    /// The text above the plot.
    pub title: String,
    /// A description of the lines, for readers who cannot see them.
    pub description: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines to compare.
    pub lines: Vec<Line>,
    /// The paragraphs below the plot.
    pub notes: Vec<String>,
}

/// A line.
#[derive(Debug)]
pub struct Line {
    /// The label beside the line's end.
    pub name: String,
    /// A short description, or nothing.
    pub about: String,
    /// `true` for a reference line, which is not itself compared.
    pub floor: bool,
    /// The points from left to right, at least one.
    pub points: Vec<(f64, f64)>,
}

impl Plot {
    /// Renders the plot. Equal plots give equal text.
    ///
    /// # Errors
    ///
    /// Returns an error if the template cannot be rendered.
    pub fn svg(&self) -> Result<String> {
        let svg = picture::of(self)?;
        // XML cannot represent the other characters, not even escaped.
        let letters = svg.chars().map(|letter| {
            if is_of_xml(letter) {
                letter
            } else {
                '\u{fffd}'
            }
        });
        Ok(letters.collect())
    }
}

fn is_of_xml(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}')
        || matches!(letter, '\n' | '\t' | '\r')
}
