//! Lays out a picture.

use std::fmt::Write;

use anyhow::{Context, Result};
use askama::Template;

use super::colours::{self, Colour};
use super::wrap::wrap;
use super::{Line, Plot, labels};

/// The width at which a README is shown.
const WIDTH: f64 = 700.0;
const MARGIN: f64 = 14.0;
/// The area of the lines. The labels are to the right of it.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 480.0;
const TOP: f64 = 60.0;
const LEAST_HEIGHT: f64 = 280.0;
/// From the area of the lines to the labels.
const LEADER: f64 = 22.0;
/// The length of a line's sample, and the gap between that and the name.
const SAMPLE: f64 = 24.0;
const SAMPLE_GAP: f64 = 6.0;
/// The height of a line of text.
const STEP: f64 = 14.0;
/// The gap between two labels.
const GAP: f64 = 5.0;
/// The width of a letter at an axis, in the widest of the usual fonts, and the gap between two labels there.
const LETTER: f64 = 7.2;
const ROOM: f64 = 3.0;
/// The number of letters that fit in a line of a label.
const LETTERS_OF_LABEL: usize = 30;
const LETTERS_OF_NOTE: usize = 110;
/// Up to this number of points, each was measured on its own.
const FEW: usize = 12;
/// Points closer together than this cannot be told apart.
const NEAR: f64 = 0.7;

/// Lines differ in more than colour. The numbers of colours and of dashes have no common divisor, so each
/// pair occurs once.
const DASHES: [&str; 5] = ["none", "9 4", "2 3", "14 4 2 4", "5 3 5 9"];

#[derive(Template)]
#[template(path = "plot.svg")]
struct Picture<'a> {
    plot: &'a Plot,
    width: f64,
    height: f64,
    colours: Vec<Colour>,
    grid: String,
    frame: String,
    title: Text,
    x_name: Text,
    y_name: Text,
    x_marks: Vec<Text>,
    y_marks: Vec<Text>,
    lines: Vec<Drawn>,
    notes: Vec<Text>,
}

struct Text {
    x: f64,
    y: f64,
    words: String,
}

struct Drawn {
    colour: String,
    dash: &'static str,
    path: String,
    dots: Vec<(f64, f64)>,
    /// The path from the line's end to its label.
    leader: String,
    /// A piece of the line in front of its name: its two ends, and its height.
    sample: (f64, f64, f64),
    name: Text,
    about: Vec<Text>,
}

/// The area of the lines in the picture.
struct Field<'a> {
    plot: &'a Plot,
    bottom: f64,
}

pub fn of(plot: &Plot) -> Result<String> {
    let abouts = plot
        .lines
        .iter()
        .map(|line| wrap(&line.about, LETTERS_OF_LABEL));
    let abouts: Vec<_> = abouts.collect();
    let heights: Vec<_> = abouts.iter().map(|about| height(about)).collect();
    let field = Field {
        plot,
        bottom: TOP + LEAST_HEIGHT.max(heights.iter().sum()),
    };
    let x_marks = field.x_marks();
    let below = x_marks
        .iter()
        .map(|mark| mark.y)
        .fold(field.bottom, f64::max)
        + STEP * 1.5;
    let notes = plot
        .notes
        .iter()
        .flat_map(|note| wrap(note, LETTERS_OF_NOTE));
    let notes = column(MARGIN, below + STEP * 1.8, notes);
    let lines = field.lines(&heights, abouts);
    let picture = Picture {
        plot,
        width: WIDTH,
        height: round(notes.last().map_or(below, |note| note.y) + MARGIN),
        colours: colours::used(lines.iter().map(|line| line.colour.as_str())),
        grid: field.grid(),
        frame: format!("M{LEFT} {TOP}V{}H{RIGHT}", round(field.bottom)),
        title: text(MARGIN, 24.0, &plot.title),
        x_name: text(RIGHT, below, &plot.x.name),
        y_name: text(MARGIN, 44.0, &plot.y.name),
        x_marks,
        y_marks: field.y_marks(),
        lines,
        notes,
    };
    picture.render().context("the picture")
}

/// Returns the height of a label and the gap below it.
fn height(about: &[String]) -> f64 {
    let lines = about.iter().fold(STEP, |height, _| height + STEP);
    lines + GAP
}

impl Field<'_> {
    fn x(&self, value: f64) -> f64 {
        round(LEFT + self.plot.x.place(value) * (RIGHT - LEFT))
    }

    fn y(&self, value: f64) -> f64 {
        round(self.bottom - self.plot.y.place(value) * (self.bottom - TOP))
    }

    /// Omits labels that would overlap the previous one.
    #[allow(clippy::cast_precision_loss, reason = "no name is that long")]
    fn x_marks(&self) -> Vec<Text> {
        let mut marks = Vec::new();
        let mut free = f64::NEG_INFINITY;
        for (value, name) in &self.plot.x.marks {
            let x = self.x(*value);
            let letters = name.lines().map(|line| line.chars().count()).max();
            let half = letters.unwrap_or(0) as f64 * LETTER / 2.0;
            if x - half >= free {
                marks.extend(column(
                    x,
                    self.bottom + 17.0,
                    name.lines().map(str::to_owned),
                ));
                free = x + half + ROOM;
            }
        }
        marks
    }

    fn y_marks(&self) -> Vec<Text> {
        let marks = self.plot.y.marks.iter();
        marks
            .map(|(value, name)| text(LEFT - 8.0, self.y(*value) + 4.0, name))
            .collect()
    }

    fn grid(&self) -> String {
        let mut path = String::new();
        for (value, _) in &self.plot.x.marks {
            let _ = write!(path, "M{} {TOP}V{}", self.x(*value), round(self.bottom));
        }
        for (value, _) in &self.plot.y.marks {
            let _ = write!(path, "M{LEFT} {}H{RIGHT}", self.y(*value));
        }
        path
    }

    fn lines(&self, heights: &[f64], abouts: Vec<Vec<String>>) -> Vec<Drawn> {
        let lines = &self.plot.lines;
        let all: Vec<_> = lines.iter().map(|line| self.points(line)).collect();
        let ends: Vec<_> = all
            .iter()
            .map(|points| points[points.len() - 1].1)
            .collect();
        let tops = labels::place(&ends, heights, (TOP, self.bottom));
        let (mut series, mut floors) = (0, 0);
        let mut drawn = Vec::new();
        for (((line, points), top), about) in lines.iter().zip(all).zip(tops).zip(abouts) {
            let place = if line.floor { &mut floors } else { &mut series };
            let (end, x, baseline) = (points[points.len() - 1], RIGHT + LEADER, top + STEP);
            let middle = round(baseline - 4.0);
            drawn.push(Drawn {
                colour: colours::of_line(line.floor, *place),
                dash: DASHES[*place % DASHES.len()],
                path: path(&points),
                leader: format!("M{} {}H{RIGHT}L{} {}", end.0, end.1, x - 4.0, middle),
                sample: (x, x + SAMPLE, middle),
                dots: if points.len() <= FEW {
                    points
                } else {
                    vec![end]
                },
                name: text(x + SAMPLE + SAMPLE_GAP, baseline, &line.name),
                about: column(x, baseline + STEP, about),
            });
            *place += 1;
        }
        drawn
    }

    /// Returns the points in the picture, without those that cannot be seen.
    fn points(&self, line: &Line) -> Vec<(f64, f64)> {
        let mut seen: Vec<(f64, f64)> = Vec::new();
        for (index, (x, y)) in line.points.iter().enumerate() {
            let point = (self.x(*x), self.y(*y));
            let is_last = index + 1 == line.points.len();
            let is_near =
                |(x, y): &(f64, f64)| (x - point.0).abs() < NEAR && (y - point.1).abs() < NEAR;
            if is_last && seen.last().is_some_and(is_near) {
                seen.pop();
            }
            if is_last || !seen.last().is_some_and(is_near) {
                seen.push(point);
            }
        }
        seen
    }
}

fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let _ = write!(path, "{}{x} {y}", if index == 0 { 'M' } else { ' ' });
    }
    path
}

fn text(x: f64, y: f64, words: &str) -> Text {
    Text {
        x: round(x),
        y: round(y),
        words: words.to_owned(),
    }
}

/// Places lines of text one below the other.
fn column(x: f64, y: f64, lines: impl IntoIterator<Item = String>) -> Vec<Text> {
    let mut y = y;
    let mut column = Vec::new();
    for line in lines {
        column.push(text(x, y, &line));
        y += STEP;
    }
    column
}

/// Rounds to a tenth of a pixel.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
