//! The picture of the timers' lateness by percentile.

use std::fmt::Write;

use anyhow::Result;

use super::percentiles::percentiles;
use super::{Report, Timer, quote, table};
use crate::plot::{Axis, Line, Plot};
use crate::units::{day, given, nanos};

/// Renders the picture.
///
/// # Errors
///
/// Returns an error if the picture cannot be rendered.
pub fn picture(report: &Report) -> Result<String> {
    plot(report).svg()
}

fn plot(report: &Report) -> Plot {
    let ticked = report.timers.iter().filter(|timer| timer.total.is_some());
    let lines: Vec<_> = ticked.map(line).collect();
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let y = Axis::of_times("lateness", points().map(|(_, late)| *late));
    let x = of_shares(points().map(|(share, _)| *share));
    let period = given(report.settings.period_ns);
    Plot {
        title: format!("Lateness of ticks with a period of {period}"),
        description: description(report),
        x,
        y,
        lines,
        notes: notes(report),
    }
}

fn description(report: &Report) -> String {
    let mut text = "Lateness: median, 99th percentile and maximum.".to_owned();
    for timer in &report.timers {
        let _ = match &timer.total {
            Some(total) => {
                let late = &total.lateness;
                let [p50, p99, most] = [late.p50_ns, late.p99_ns, late.max_ns].map(nanos);
                write!(
                    text,
                    " {}, {}: {p50}, {p99}, {most}.",
                    timer.name, timer.about
                )
            }
            None => write!(text, " {}, {}: no ticks.", timer.name, timer.about),
        };
    }
    text
}

fn notes(report: &Report) -> Vec<String> {
    let deadlines = report
        .timers
        .iter()
        .filter_map(|timer| timer.total.as_ref());
    let deadlines = deadlines.map(|total| total.deadlines).max().unwrap_or(0);
    let asked = table::describe_settings(&report.settings);
    let mut notes = vec![
        format!("{asked}; {deadlines} deadlines per timer"),
        format!("{}; {}", report.machine.describe(), day(&report.began)),
        quote::command(&report.command),
    ];
    notes.extend(table::remarks(report).lines().map(str::to_owned));
    notes
}

/// From left to right the share of later deadlines shrinks, to a tenth with each nine. The line ends where
/// that share is less than one deadline.
#[allow(clippy::cast_precision_loss, reason = "a picture has three digits")]
fn line(timer: &Timer) -> Line {
    let deadlines = timer.total.as_ref().map_or(1, |total| total.deadlines) as f64;
    let points = percentiles(timer).into_iter();
    let points = points.map(|(at, late)| ((100.0 / (100.0 - at)).min(deadlines), late as f64));
    Line {
        name: timer.name.clone(),
        about: timer.about.clone(),
        floor: timer.floor,
        points: points.collect(),
    }
}

/// Marks the nines. Each value is a number of deadlines, one of which is later.
fn of_shares(shares: impl Iterator<Item = f64>) -> Axis {
    let most = shares.fold(10.0, f64::max);
    let mut marks = vec![(1.0, "0".to_owned()), (2.0, "50".to_owned())];
    let (mut one_in, mut digits) = (10.0, 0);
    while one_in <= most * (1.0 + 1e-9) {
        marks.push((one_in, format!("{:.*}", digits, 100.0 - 100.0 / one_in)));
        one_in *= 10.0;
        digits += usize::from(one_in > 100.0);
    }
    Axis {
        name: "percentile of deadlines".to_owned(),
        range: (1.0, most),
        marks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::sample;
    use roxmltree::{Document, Node};

    fn shown(report: &Report) -> String {
        picture(report).unwrap()
    }

    fn all<'a>(document: &'a Document, name: &str) -> Vec<Node<'a, 'a>> {
        let of_this_name = |node: &Node| node.has_tag_name(("http://www.w3.org/2000/svg", name));
        document.descendants().filter(of_this_name).collect()
    }

    /// Returns the texts in the picture.
    fn texts(document: &Document) -> Vec<String> {
        let texts = all(document, "text").into_iter();
        texts
            .map(|text| text.text().unwrap_or_default().to_owned())
            .collect()
    }

    fn number(node: Node, name: &str) -> f64 {
        node.attribute(name).unwrap().parse().unwrap()
    }

    /// Writes the picture for `tests/page`, which checks it in a browser.
    #[test]
    fn picture_for_the_browser_test() {
        let svg = shown(&sample::report());
        assert!(svg.len() < 30_000, "{}", svg.len());
        if let Some(folder) = std::env::var_os("OUT") {
            std::fs::write(std::path::Path::new(&folder).join("lateness.svg"), svg).unwrap();
        }
    }

    #[test]
    fn every_timer_with_ticks_has_a_labelled_line() {
        let report = sample::report();
        let svg = shown(&report);
        let document = Document::parse(&svg).unwrap();
        let texts = texts(&document);
        let ticked = |timer: &&Timer| timer.total.is_some();
        for timer in &report.timers {
            assert_eq!(
                texts.contains(&timer.name),
                ticked(&timer),
                "{}",
                timer.name
            );
        }
        let lines = all(&document, "path").into_iter();
        let lines: Vec<_> = lines
            .filter(|path| path.has_attribute("stroke-dasharray"))
            .collect();
        assert_eq!(lines.len(), report.timers.iter().filter(ticked).count());
        let look = |line: &Node| {
            let colour = line.parent().and_then(|group| group.attribute("class"));
            (
                colour.unwrap().to_owned(),
                line.attribute("stroke-dasharray").unwrap().to_owned(),
            )
        };
        let mut looks: Vec<_> = lines.iter().map(look).collect();
        let samples = all(&document, "line");
        assert!(samples.iter().map(look).eq(looks.iter().cloned()));
        looks.sort();
        looks.dedup();
        assert_eq!(looks.len(), lines.len(), "no two look the same");
    }

    /// Measures against the marks of the axes, as a reader does.
    #[test]
    fn lines_lie_where_the_table_says() {
        let report = sample::report();
        let svg = shown(&report);
        let document = Document::parse(&svg).unwrap();
        let mark = |name: &str, place: &str| {
            let texts = all(&document, "text").into_iter();
            let mut named = texts.filter(|text| text.text() == Some(name));
            number(named.next().unwrap(), place)
        };
        // The text of a mark on the left lies slightly lower than the mark.
        let [low, high] = ["10 µs", "1 ms"].map(|name| mark(name, "y") - 4.0);
        let lines = all(&document, "path").into_iter();
        let lines = lines.filter(|path| path.has_attribute("stroke-dasharray"));
        let ticked = report.timers.iter().filter(|timer| timer.total.is_some());
        for (line, timer) in lines.zip(ticked) {
            let points = line.attribute("d").unwrap()[1..].split(' ');
            let points: Vec<f64> = points.map(|number| number.parse().unwrap()).collect();
            let late = timer.total.as_ref().unwrap().lateness;
            for (percentile, late) in [
                ("50", late.p50_ns),
                ("99", late.p99_ns),
                ("99.9", late.p999_ns),
            ] {
                let x = mark(percentile, "x");
                let points = points.chunks(2).filter(|point| (point[0] - x).abs() < 1.5);
                let seen = points.map(|point| 1e4 * 100_f64.powf((low - point[1]) / (low - high)));
                #[allow(clippy::cast_precision_loss, reason = "the number is small")]
                let ratios: Vec<_> = seen.map(|seen| seen / late as f64).collect();
                let is_there = ratios.iter().any(|ratio| (0.95..1.05).contains(ratio));
                assert!(is_there, "{}, {percentile}: {ratios:?}", timer.name);
            }
        }
    }

    #[test]
    fn input_appears_as_text_only() {
        let mut report = sample::report();
        let evil = "</text></svg><script>alert('\"&')</script><!-- ]]> &amp; <![CDATA[";
        report.command.push(evil.to_owned());
        report.machine.cpu = Some(evil.to_owned());
        report.timers[2].name = evil.to_owned();
        report.timers[2].about = evil.to_owned();
        report.timers[3].failure = Some(evil.to_owned());
        // Characters that XML cannot represent.
        report.timers[4].name = "\u{0}os\u{1b}[31m\u{ffff}\u{85}".to_owned();
        let svg = shown(&report);
        let document = Document::parse(&svg).unwrap();
        let texts = texts(&document);
        assert!(texts.contains(&evil.to_owned()), "{texts:?}");
        assert!(
            texts.contains(&"\u{fffd}os\u{fffd}[31m\u{fffd}\u{fffd}".to_owned()),
            "{texts:?}"
        );
        let known = [
            "svg", "title", "desc", "style", "rect", "path", "line", "g", "text", "circle",
        ];
        let elements = document.descendants().filter(Node::is_element);
        for element in elements {
            assert!(known.contains(&element.tag_name().name()), "{element:?}");
            for attribute in element.attributes() {
                let name = attribute.name();
                assert!(
                    !name.starts_with("on") && name != "href" && name != "style",
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn picture_has_no_references() {
        let svg = shown(&sample::report());
        for reference in [
            "href",
            "@import",
            "url(",
            "<image",
            "<use",
            "<script",
            "<foreignObject",
            "<!",
            "<?",
        ] {
            assert!(!svg.contains(reference), "{reference}");
        }
        // The namespace of SVG.
        assert_eq!(svg.matches("://").count(), 1);
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    }

    #[test]
    fn picture_has_a_text_description() {
        let report = sample::report();
        let svg = shown(&report);
        let document = Document::parse(&svg).unwrap();
        let root = document.root_element();
        let named = root
            .attribute("aria-labelledby")
            .unwrap()
            .split(' ')
            .map(|id| {
                let mut elements = root
                    .children()
                    .filter(|node| node.attribute("id") == Some(id));
                elements.next().unwrap().text().unwrap()
            });
        let named: Vec<_> = named.collect();
        assert_eq!(named[0], "Lateness of ticks with a period of 1 ms");
        for timer in &report.timers {
            let said = timer
                .total
                .as_ref()
                .map_or("no ticks".to_owned(), |total| nanos(total.lateness.p99_ns));
            let shown_lateness = named[1]
                .split(". ")
                .find(|said| said.starts_with(&timer.name));
            assert!(shown_lateness.unwrap().contains(&said), "{named:?}");
        }
    }

    #[test]
    fn conditions_are_below_the_picture() {
        let mut report = sample::report();
        report.interrupted = true;
        let svg = shown(&report);
        let document = Document::parse(&svg).unwrap();
        let text = texts(&document).join(" ");
        for said in [
            "Period: 1.00 ms; 10.0 s per timer, in 5 rounds",
            "10000 deadlines per timer",
            "6.1.0-18-amd64, Imaginary Processor <X> & Co. @ 2.10GHz, 2 processors, a virtual machine (kvm); 2026-11-23",
            "ticklab run --timer=os,tokio --html 'it'\\''s <b>&\"1\".html'",
            "thread failed",
            "Interrupted:",
        ] {
            assert!(text.contains(said), "{said} in {text}");
        }
    }

    #[test]
    fn equal_reports_give_equal_pictures() {
        let report = sample::report();
        let read: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert!(shown(&report) == shown(&read));
    }

    #[test]
    fn picture_without_ticks_is_valid() {
        let mut report = sample::report();
        report.timers.retain(|timer| timer.total.is_none());
        let svg = shown(&report);
        let document = Document::parse(&svg).unwrap();
        assert!(
            texts(&document)
                .iter()
                .any(|text| text.contains("thread failed"))
        );
    }

    #[test]
    fn nines_are_labelled_where_there_is_room() {
        let mut report = sample::report();
        let marks = |report: &Report| {
            let svg = shown(report);
            let document = Document::parse(&svg).unwrap();
            let texts = all(&document, "text").into_iter();
            let marks =
                texts.filter(|text| text.text().is_some_and(|text| text.parse::<f64>().is_ok()));
            let marks = marks.map(|mark| (mark.text().unwrap().to_owned(), number(mark, "x")));
            marks.collect::<Vec<_>>()
        };
        let few: Vec<_> = marks(&report).into_iter().map(|(name, _)| name).collect();
        assert_eq!(few, ["0", "50", "90", "99", "99.9", "99.99"]);
        for timer in &mut report.timers {
            if let Some(total) = &mut timer.total {
                total.deadlines = 10_000_000_000;
            }
        }
        let many = marks(&report);
        assert!((4..12).contains(&many.len()), "{many:?}");
        #[allow(clippy::cast_precision_loss, reason = "no name is that long")]
        let half = |name: &str| name.chars().count() as f64 * 3.4;
        for pair in many.windows(2) {
            let [(one, left), (next, right)] = pair else {
                unreachable!("windows of two")
            };
            assert!(left + half(one) < right - half(next), "{many:?}");
        }
    }

    #[test]
    fn axis_marks_each_nine() {
        let axis = of_shares([1.0, 1_234_567.0].into_iter());
        let marks: Vec<_> = axis.marks.iter().map(|(_, name)| name.as_str()).collect();
        let expected = ["0", "50", "90", "99", "99.9", "99.99", "99.999", "99.9999"];
        assert_eq!(marks, expected);
        assert_eq!(of_shares([1.0].into_iter()).marks.len(), 3);
    }
}
