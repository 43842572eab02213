//! A page for a browser. The page is self-contained and loads nothing.

mod data;
mod facts;
#[cfg(test)]
pub mod sample;

use anyhow::{Context, Result};
use askama::Template;

use super::columns::{ABSENT, COLUMNS, Column};
use super::{Report, Timer, quote};
use crate::units::{self, nanos};
use facts::Fact;

/// The template's values. Facts and figures are already text here, so that the page shows them without its
/// scripts.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    began: String,
    took: String,
    period: String,
    command: String,
    columns: &'static [Column],
    rows: Vec<Row<'a>>,
    /// `true` if one of the timers is a floor.
    floors: bool,
    settings: Vec<Fact>,
    machine: Vec<Fact>,
    plots: String,
    assets: Assets,
}

/// A row of the table.
struct Row<'a> {
    timer: &'a Timer,
    /// One cell for each column; none without figures.
    cells: Vec<String>,
}

/// Files that are embedded unchanged.
struct Assets {
    plot_style: &'static str,
    plot_script: &'static str,
    plot_licence: &'static str,
    style: &'static str,
    script: &'static str,
}

const ASSETS: Assets = Assets {
    plot_style: include_str!("../../assets/uPlot.min.css"),
    plot_script: include_str!("../../assets/uPlot.iife.min.js"),
    plot_licence: include_str!("../../assets/uPlot-LICENSE"),
    style: include_str!("../../assets/report.css"),
    script: include_str!("../../assets/report.js"),
};

/// Renders the page.
///
/// # Errors
///
/// Returns an error if the plots' data cannot be written as JSON.
pub fn page(report: &Report) -> Result<String> {
    let page = Page {
        report,
        began: units::date(&report.began),
        took: nanos(report.took_ns),
        period: units::given(report.settings.period_ns),
        command: quote::command(&report.command),
        columns: &COLUMNS,
        rows: report.timers.iter().map(row).collect(),
        floors: report.timers.iter().any(|timer| timer.floor),
        settings: facts::settings(&report.settings),
        machine: facts::machine(&report.machine),
        plots: data::of(report).context("the plots' data")?,
        assets: ASSETS,
    };
    page.render().context("the page")
}

fn row(timer: &Timer) -> Row<'_> {
    let text = |figures, column: &Column| (column.text)(figures).unwrap_or(ABSENT.to_owned());
    let cells = |figures| COLUMNS.iter().map(|column| text(figures, column)).collect();
    Row {
        timer,
        cells: timer.total.as_ref().map(cells).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(report: &Report) -> String {
        page(report).unwrap()
    }

    /// Writes the pages for `tests/page`, which checks them in a browser.
    #[test]
    fn pages_for_the_browser_test() {
        let all = sample::report();
        let only = |name: &str| {
            let mut report = all.clone();
            report.timers.retain(|timer| timer.name == name);
            report
        };
        for (name, report) in [
            ("all", &all),
            ("one", &only("os-spin")),
            ("none", &only("thread")),
        ] {
            let page = shown(report);
            if let Some(folder) = std::env::var_os("OUT") {
                let path = std::path::Path::new(&folder).join(format!("{name}.html"));
                std::fs::write(path, page).unwrap();
            }
        }
    }

    #[test]
    fn input_is_escaped_in_the_page() {
        let mut report = sample::report();
        let evil = "</script><script>alert('\"&')</script><!--";
        report.command.push(evil.to_owned());
        report.machine.cpu = Some(evil.to_owned());
        report.timers[2].name = evil.to_owned();
        report.timers[2].about = evil.to_owned();
        report.timers[3].failure = Some(evil.to_owned());
        let page = shown(&report);
        assert!(!page.contains("<script>alert") && !page.contains("</script><script>a"));
        let count = |text| page.matches(text).count();
        // The data, the library and the page's own script.
        assert_eq!((count("<script"), count("</script")), (3, 3));
        assert_eq!((count("<style"), count("</style")), (2, 2));
        assert!(page.contains("\\u003c/script>\\u003cscript>alert"));
    }

    #[test]
    fn absent_figures_are_not_shown_as_zero() {
        let mut report = sample::report();
        report.timers.truncate(1);
        let figures = report.timers[0].total.as_mut().unwrap();
        figures.descriptors = None;
        figures.syscalls_per_tick = Some(0.0);
        report.machine.governor = None;
        let page = shown(&report);
        assert!(page.contains("<td>–</td>\n<td>0.00</td>"));
        assert!(page.contains("<dd>–</dd>"));
    }

    #[test]
    fn page_loads_nothing() {
        let page = shown(&sample::report());
        assert!(page.contains("content=\"default-src 'none';"));
        for reference in [
            "src=", "<link", "@import", "url(", "<iframe", "<img", "fetch(", "import(",
        ] {
            assert!(!page.contains(reference), "{reference}");
        }
        let addresses = ["http://", "https://"].map(|scheme| page.matches(scheme).count());
        // The library names its origin, and SVG's namespace looks like an address.
        assert_eq!(addresses, [1, 1]);
        assert!(page.contains("/*! https://github.com/leeoniya/uPlot"));
        assert!(page.contains("\"http://www.w3.org/2000/svg\""));
    }

    #[test]
    fn page_names_every_timer_and_failure() {
        let report = sample::report();
        let page = shown(&report);
        for timer in &report.timers {
            assert!(
                page.contains(&format!("<tr data-timer=\"{}\"", timer.name)),
                "{}",
                timer.name
            );
            assert!(page.contains(&timer.about));
        }
        assert!(page.contains("in round 4: the kernel refused another timer"));
        assert_eq!(page.matches("class=\"failure\"").count(), 2);
    }

    #[test]
    fn page_shows_the_runtime_and_its_load() {
        let mut report = sample::report();
        let settings = &mut report.settings;
        (settings.event_interval, settings.load_percent) = (7, 40);
        (settings.load_kind, settings.load_poll_ns) = ("pairs".to_owned(), 20_000);
        let page = shown(&report);
        for (name, value) in [
            ("Event interval", "7 polls"),
            ("Load in the runtime", "40 % of each thread"),
            ("Kind of that load", "pairs"),
            ("Each poll of that load", "20 µs"),
        ] {
            let fact = format!("<dt>{name}</dt><dd>{value}</dd>");
            assert!(page.contains(&fact), "{fact}");
        }
    }

    #[test]
    fn page_shows_an_interruption() {
        let mut report = sample::report();
        report.interrupted = false;
        assert!(!shown(&report).contains("Interrupted."));
        report.interrupted = true;
        assert!(shown(&report).contains("Interrupted."));
    }

    #[test]
    fn page_without_ticks_is_valid() {
        let mut report = sample::report();
        report.timers.retain(|timer| timer.total.is_none());
        assert_eq!(report.timers.len(), 1);
        assert!(shown(&report).contains("No tick"));
    }

    #[test]
    fn page_contains_the_licence_of_the_library() {
        assert!(shown(&sample::report()).contains("Copyright (c) 2022 Leon Sorokin"));
    }
}
