//! Lines over two logarithmic axes, as a picture: SVG that needs neither scripts nor anything else, and that
//! is light or dark as its reader has chosen.

mod axis;
mod colours;
mod labels;
mod picture;
mod wrap;

use anyhow::Result;

pub use axis::Axis;

/// What is drawn.
#[derive(Debug)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// For who does not see it: what its lines say.
    pub description: String,
    /// From left to right.
    pub x: Axis,
    /// From below to above.
    pub y: Axis,
    /// Of what is compared.
    pub lines: Vec<Line>,
    /// Below it, each a paragraph.
    pub notes: Vec<String>,
}

/// Of one of those that are compared.
#[derive(Debug)]
pub struct Line {
    /// Stands beside its end.
    pub name: String,
    /// What it is, in a few words, or nothing.
    pub about: String,
    /// Whether it is what the others are held against, and not one of them.
    pub floor: bool,
    /// From left to right, at least one.
    pub points: Vec<(f64, f64)>,
}

impl Plot {
    /// The same text for the same plot.
    ///
    /// # Errors
    ///
    /// If the template cannot be filled in.
    pub fn svg(&self) -> Result<String> {
        let svg = picture::of(self)?;
        // XML has no way to say the others, not even escaped.
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
