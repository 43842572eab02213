//! Runs the program as a user does.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use support::{files, text};
use tempfile::{TempDir, tempdir};

fn ticklab(folder: &TempDir, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticklab"));
    command.current_dir(folder).args(line.split_whitespace());
    command.timeout(Duration::from_secs(120)).output().unwrap()
}

fn json(folder: &TempDir, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.path().join(name)).unwrap()).unwrap()
}

const ALL: &str = "os,os-spin,tokio,periodic,async-io,thread,spin-sleep";

#[test]
fn every_timer_is_measured() {
    let folder = tempdir().unwrap();
    let line = format!("run --timer {ALL} --period 2ms --duration 200ms --rounds 2 --json a.json");
    let output = ticklab(&folder, &line);
    assert_eq!(output.status.code(), Some(0));
    // Standard error is not a terminal here, so it has one line and no bars.
    let said = text(&output.stderr);
    assert!(said.contains("; rounds: 2; about "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let table = text(&output.stdout);
    let report = json(&folder, "a.json");
    let timers = report["timers"].as_array().unwrap();
    assert!(timers.len() >= 7);
    for timer in timers {
        let name = timer["name"].as_str().unwrap();
        assert!(
            table.lines().any(|line| line.starts_with(name)),
            "{name} in {table}"
        );
        assert_eq!(timer["rounds"].as_array().unwrap().len(), 2, "{name}");
        let total = &timer["total"];
        assert_eq!(total["deadlines"], 100, "{name}");
        assert_eq!(total["early"], 0, "{name}");
        assert_eq!(
            total["ticks"].as_u64().unwrap() + total["missed"].as_u64().unwrap(),
            100,
            "{name}"
        );
    }
    assert!(
        ALL.split(',')
            .all(|name| timers.iter().any(|timer| timer["name"] == name))
    );
    // The order of `--timer`, after the floor.
    let asked: Vec<_> = timers
        .iter()
        .filter(|timer| timer["floor"] == false)
        .collect();
    assert!(
        asked
            .iter()
            .map(|timer| timer["name"].as_str().unwrap())
            .eq(ALL.split(','))
    );
}

#[test]
fn a_stalled_consumer_is_not_hidden() {
    // The consumer needs three periods for each tick, and the timer skips missed deadlines.
    let folder = tempdir().unwrap();
    let line = "run --timer os,tokio,periodic,thread --period 5ms --work 15ms --missed skip \
                --duration 600ms --rounds 1 --warm-up 0s --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    for timer in json(&folder, "a.json")["timers"].as_array().unwrap() {
        let total = &timer["total"];
        let number = |name: &str| total[name].as_u64().unwrap();
        assert_eq!(number("deadlines"), 120, "{timer}");
        assert_eq!(total["drift_ns"], 0, "{timer}");
        assert!(number("ticks") <= 41, "{timer}");
        assert_eq!(number("ticks") + number("missed"), 120, "{timer}");
        // Two of three deadlines pass while the consumer is busy.
        assert!(
            total["lateness"]["p50_ns"].as_u64().unwrap() >= 1_000_000,
            "{timer}"
        );
    }
}

#[test]
fn event_interval_and_load_reach_the_report() {
    let folder = tempdir().unwrap();
    for (more, interval, percent, kind, poll, told) in [
        ("", 61, 0, "yield", 100_000, "event interval: 61"),
        (
            "--event-interval 4294967295 --load 20 --load-kind pairs --load-poll 50us",
            u32::MAX,
            20,
            "pairs",
            50_000,
            "event interval: 4294967295; load: 20 %, pairs",
        ),
        (
            "--event-interval 1 --load 20 --runtime multi:2",
            1,
            20,
            "yield",
            100_000,
            "event interval: 1; load: 20 %, yield",
        ),
    ] {
        let line = format!("run --timer os --duration 20ms --rounds 1 {more} --json a.json");
        let output = ticklab(&folder, &line);
        assert_eq!(output.status.code(), Some(0), "{line}");
        let settings = &json(&folder, "a.json")["settings"];
        assert_eq!(settings["event_interval"], interval, "{line}");
        assert_eq!(settings["load_percent"], percent, "{line}");
        assert_eq!(settings["load_kind"], kind, "{line}");
        assert_eq!(settings["load_poll_ns"], poll, "{line}");
        let first = text(&output.stdout).lines().next().unwrap();
        assert!(first.ends_with(&format!("; {told}")), "{first}");
    }
}

/// tokio checks its timers after 61 polls of tasks that wake each other, or after each poll.
#[test]
fn event_interval_bounds_lateness_beside_a_load_of_pairs() {
    let folder = tempdir().unwrap();
    let p50 = |more: &str| {
        let line = format!("run --timer os --duration 600ms --rounds 2 {more} --json a.json");
        assert_eq!(ticklab(&folder, &line).status.code(), Some(0), "{line}");
        let report = json(&folder, "a.json");
        let timers = report["timers"].as_array().unwrap().iter();
        let os: Vec<_> = timers.filter(|timer| timer["name"] == "os").collect();
        assert!(os[0]["total"]["cpu_per_tick_ns"].is_null(), "{report}");
        os[0]["total"]["lateness"]["p50_ns"].as_u64().unwrap()
    };
    let pairs = "--load 100 --load-kind pairs --load-poll 200us";
    // A tick waits for about half of 12 ms.
    let rarely = p50(pairs);
    assert!(rarely >= 3_000_000, "{rarely}");
    let always = p50(&format!("{pairs} --event-interval 1"));
    assert!(always * 3 < rarely, "{always}, {rarely}");
    // Beside yielding tasks the event interval does not matter.
    let yielding = p50("--load 100 --load-poll 200us");
    assert!(yielding * 3 < rarely, "{yielding}, {rarely}");
}

#[test]
fn every_file_is_written() {
    let folder = tempdir().unwrap();
    let line = "run --timer os,tokio --duration 100ms --rounds 2 --json a.json --csv a.csv --hgrm a.hgrm --html a.html --svg a.svg";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let files = files(&folder);
    for name in [
        "a.csv",
        "a.html",
        "a.json",
        "a.os.hgrm",
        "a.svg",
        "a.tokio.hgrm",
    ] {
        assert!(files.iter().any(|file| file == name), "{name} in {files:?}");
    }
    let report = json(&folder, "a.json");
    assert_eq!(report["command"][0], "ticklab");
    assert_eq!(
        report["command"].as_array().unwrap().len(),
        1 + line.split_whitespace().count()
    );
    let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    let csv = read("a.csv");
    let timers = report["timers"].as_array().unwrap().len();
    // A header, two rounds and a total.
    assert_eq!(csv.lines().count(), 1 + 3 * timers);
    let cells = csv.lines().map(|line| line.split(',').count());
    assert!(
        cells
            .collect::<Vec<_>>()
            .windows(2)
            .all(|pair| pair[0] == pair[1])
    );
    let hgrm = read("a.os.hgrm");
    assert!(
        hgrm.trim_start()
            .starts_with("Value     Percentile TotalCount 1/(1-Percentile)\n\n")
    );
    assert!(hgrm.contains("Total count    =          100]"));
    assert!(read("a.html").starts_with("<!doctype html>"));
    let svg = read("a.svg");
    let picture = roxmltree::Document::parse(&svg).unwrap();
    assert_eq!(picture.root_element().tag_name().name(), "svg");
}

/// Draws a table in the format of the library's benchmark.
#[test]
fn cost_draws_the_table() {
    let folder = tempdir().unwrap();
    let table = "| | timer | CPU per tick |\n| - | - | - |\n| 1 × 1 s | a&b | 20 |\n| 10 × 1 s | a&b | 9 |\n";
    fs::write(folder.path().join("scale.md"), table).unwrap();
    let output = ticklab(&folder, "cost scale.md --command <made-up> --svg a.svg");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let svg = fs::read_to_string(folder.path().join("a.svg")).unwrap();
    let picture = roxmltree::Document::parse(&svg).unwrap();
    for said in ["a&b", "<made-up>"] {
        assert!(
            picture.descendants().any(|node| node.text() == Some(said)),
            "{svg}"
        );
    }
    let machine = text(&ticklab(&folder, "machine").stdout)
        .trim_end()
        .to_owned();
    assert!(!machine.is_empty() && !machine.contains('\n'), "{machine}");
}

/// Collects the fields of a value by path, with their types. An array contributes the fields of all its
/// elements.
fn fields(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(elements) => {
            let path = format!("{path}[]");
            for element in elements {
                fields(&path, element, found);
            }
            "array"
        }
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}.{name}");
                fields(path.trim_start_matches('.'), member, found);
            }
            "object"
        }
    };
    found.entry(path.to_owned()).or_default().insert(kind);
}

/// Reads REPORT.md: the type of each field, and when it is null.
fn described() -> BTreeMap<String, (String, String)> {
    let mut described = BTreeMap::new();
    let mut places = Vec::new();
    for line in include_str!("../REPORT.md").lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            let paths = heading.split(", ").map(|path| path.strip_prefix('`'));
            let path =
                |path: Option<&str>| format!("{}.", path.unwrap_or("").trim_end_matches('`'));
            places = paths.map(path).collect();
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, field, kind, meaning, null, _] = cells[..] else {
            continue;
        };
        if let Some(field) = field
            .strip_prefix('`')
            .and_then(|field| field.strip_suffix('`'))
        {
            assert!(!meaning.is_empty(), "{line}");
            for place in &places {
                let path = format!("{place}{field}").trim_start_matches('.').to_owned();
                let before = described.insert(path, (kind.to_owned(), null.to_owned()));
                assert_eq!(before, None, "{line}");
            }
        }
    }
    described
}

#[test]
fn report_md_describes_every_field() {
    let folder = tempdir().unwrap();
    let line = "run --timer os,tokio --duration 60ms --rounds 2 --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let (mut found, described) = (BTreeMap::new(), described());
    fields("", &json(&folder, "a.json"), &mut found);
    let of_objects =
        |(path, _): &(&String, &BTreeSet<_>)| !path.is_empty() && !path.ends_with("[]");
    let there: Vec<_> = found.iter().filter(of_objects).collect();
    assert!(
        there.iter().map(|(path, _)| *path).eq(described.keys()),
        "{:?}\n{:?}",
        there,
        described.keys()
    );
    for (path, kinds) in there {
        let (kind, null) = &described[path];
        for found in kinds {
            let is_described = match *found {
                "null" => !null.is_empty(),
                // JSON does not distinguish whole numbers.
                "integer" if kind == "number" => true,
                found => kind.split(' ').next() == Some(found),
            };
            assert!(is_described, "{path}: {found}");
        }
    }
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("not.json"), "{}").unwrap();
    fs::write(folder.path().join("later.json"), r#"{"format": 1000}"#).unwrap();
    for line in [
        "",
        "nonsense",
        "run --period 0s",
        "run --period 1s --duration 1s --rounds 2",
        "run --period soon",
        "run --duration -1s",
        "run --duration 1000000h",
        "run --rounds 0",
        "run --intervals 0",
        "run --timer os,sundial",
        "run --timer clock-nanosleep",
        "run --load 101",
        "run --load-threads 100000",
        "run --load 50 --load-kind idle",
        "run --load-kind pairs",
        "run --load 50 --load-poll 0s",
        "run --load 50 --load-poll 11ms",
        "run --load-poll 1ms",
        "run --event-interval 0 --json a.json",
        "run --event-interval -1",
        "run --event-interval 4294967296",
        "run --event-interval often",
        "run --seed 9007199254740992 --json a.json",
        "run --intervals 2000000",
        "run --work 2s",
        "run --runtime multi:0",
        "run --json missing/a.json",
        "run --csv .",
        "run --html a.html --json a.html",
        "run --html a.html --json ./a.html",
        "run --json a.os.hgrm --hgrm a.hgrm",
        "run --svg missing/a.svg",
        "run --svg .",
        "run --svg a.html --html a.html",
        "cost missing.md --command x --svg a.svg",
        "cost not.json --command x --svg a.svg",
        "cost not.json --command x --svg missing/a.svg",
        "compare not.json",
        "compare not.json not.json",
        "compare later.json later.json",
        "compare missing.json missing.json",
        "compare not.json not.json --fail-above 0.5",
    ] {
        let output = ticklab(&folder, line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(text(&output.stdout), "", "{line}");
        let said = text(&output.stderr);
        assert!(said.len() > "error: ".len() + 8, "{line}: {said}");
        assert!(
            said.starts_with("error: ") && said.lines().count() == 1,
            "{line}: {said}"
        );
        assert_eq!(files(&folder), ["later.json", "not.json"], "{line}");
    }
}

fn report(name: &str, p50: impl Fn(u64) -> u64) -> String {
    let folder = tempdir().unwrap();
    let line = "run --timer os --duration 60ms --rounds 6 --seed 1 --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let mut report = json(&folder, "a.json");
    let timers = report["timers"].as_array_mut().unwrap();
    timers.retain(|timer| timer["name"] == "os");
    timers[0]["name"] = name.into();
    for (index, round) in (0..).zip(timers[0]["rounds"].as_array_mut().unwrap()) {
        round["lateness"]["p50_ns"] = p50(index).into();
        round["lateness"]["p99_ns"] = (50_000 + index).into();
        round["cpu_per_tick_ns"] = Value::Null;
    }
    report.to_string()
}

#[test]
fn compare_tells_changes_from_noise() {
    let folder = tempdir().unwrap();
    let write = |name: &str, report: String| fs::write(folder.path().join(name), report).unwrap();
    write("a.json", report("os", |round| 50_000 + 1000 * round));
    write("slower.json", report("os", |round| 100_000 + 1000 * round));
    write("noise.json", report("os", |round| 49_500 + 1500 * round));
    write("other.json", report("tokio", |_| 0));
    let code = |line| ticklab(&folder, line).status.code();
    assert_eq!(code("compare a.json slower.json"), Some(0));
    assert_eq!(code("compare a.json slower.json --fail-above 1.5"), Some(1));
    assert_eq!(code("compare a.json slower.json --fail-above 3"), Some(0));
    assert_eq!(code("compare slower.json a.json --fail-above 1"), Some(0));
    assert_eq!(code("compare a.json noise.json --fail-above 1"), Some(0));
    // Different settings are an error. An old file without a setting was measured with tokio's default.
    let settings = |name: &str, change: fn(&mut serde_json::Map<String, Value>)| {
        let mut report: Value = serde_json::from_str(&report("os", |_| 0)).unwrap();
        change(report["settings"].as_object_mut().unwrap());
        write(name, report.to_string());
    };
    settings("old.json", |settings| {
        for name in ["event_interval", "load_kind", "load_poll_ns"] {
            settings.remove(name).unwrap();
        }
    });
    settings("often.json", |settings| {
        settings["event_interval"] = 1.into();
    });
    assert_eq!(code("compare a.json old.json --fail-above 2"), Some(0));
    assert_eq!(code("compare a.json often.json --fail-above 2"), Some(2));
    // Nothing to compare is an error.
    assert_eq!(code("compare a.json other.json --fail-above 2"), Some(2));
    // Too few rounds are an error.
    let mut few: Value = serde_json::from_str(&report("os", |_| 0)).unwrap();
    few["timers"][0]["rounds"]
        .as_array_mut()
        .unwrap()
        .truncate(2);
    write("few.json", few.to_string());
    assert_eq!(code("compare a.json few.json --fail-above 2"), Some(2));
    assert_eq!(code("compare a.json few.json"), Some(0));
    let output = ticklab(&folder, "compare a.json slower.json");
    let row = text(&output.stdout)
        .lines()
        .find(|line| line.contains("lateness p50"))
        .unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>(),
        [
            "os", "lateness", "p50", "52.5", "µs", "102", "µs", "1.95", "more"
        ]
    );
}

#[test]
fn growth_from_zero_has_no_ratio() {
    let folder = tempdir().unwrap();
    let write = |name: &str, report: String| fs::write(folder.path().join(name), report).unwrap();
    write("nothing.json", report("os", |_| 0));
    write("some.json", report("os", |round| 50_000 + 1000 * round));
    let output = ticklab(&folder, "compare nothing.json some.json --fail-above 2");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let row = said.lines().find(|line| line.contains("p50")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    let expected = [
        "os", "lateness", "p50", "0", "ns", "52.5", "µs", "–", "more",
    ];
    assert_eq!(cells, expected);
    assert!(
        said.contains("os: lateness p50 has grown from 0 to 52.5 µs"),
        "{said}"
    );
}

#[test]
fn compare_prints_no_control_characters() {
    let folder = tempdir().unwrap();
    let named = report("\u{1b}[31mos\nos", |_| 0);
    fs::write(folder.path().join("a.json"), named).unwrap();
    let output = ticklab(&folder, "compare a.json a.json");
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("\\u{1b}[31mos\\nos  lateness p50"), "{said}");
    assert!(
        said.split('\n')
            .all(|line| !line.contains(char::is_control))
    );
    for line in ["compare \u{1b}.json a.json", "run --json \u{1b}/a.json"] {
        let output = ticklab(&folder, line);
        let said = text(&output.stderr);
        assert!(said.trim_end().contains("\\u{1b}"), "{said}");
        assert!(!said.trim_end().contains(char::is_control), "{said}");
    }
}

/// The argument is known, and its value is invalid.
#[test]
fn negative_values_are_refused_with_the_reason() {
    let folder = tempdir().unwrap();
    for (line, what) in [
        ("--period -1ms", "a time cannot be negative"),
        ("--duration -5s", "a time cannot be negative"),
        ("--warm-up -1s", "a time cannot be negative"),
        ("--work -1s", "a time cannot be negative"),
        ("--tolerance -1s", "a time cannot be negative"),
        ("--load 1 --load-poll -1us", "a time cannot be negative"),
        ("--load -1", "-1 is not in 0..=100"),
        ("--load-threads -1", "-1 is not in 0.."),
        (
            "--seed -1",
            "expected a whole number from 0 to 9007199254740991",
        ),
        (
            "--rounds -1",
            "expected a whole number from 1 to 4294967295",
        ),
        (
            "--intervals -1",
            "expected a whole number from 1 to 4294967295",
        ),
        (
            "--event-interval -1",
            "expected a whole number from 1 to 4294967295",
        ),
    ] {
        let output = ticklab(&folder, &format!("run {line}"));
        assert_eq!(output.status.code(), Some(2), "{line}");
        let said = text(&output.stderr);
        assert!(said.starts_with("error: invalid value '-"), "{said}");
        assert!(said.contains(what), "{said}");
    }
    let output = ticklab(&folder, "compare a.json b.json --fail-above -1");
    assert!(text(&output.stderr).contains("a number of at least 1"));
}

/// A single timer that takes threads is enough to refuse the run.
#[test]
fn too_many_threads_are_refused_before_measuring() {
    let folder = tempdir().unwrap();
    for timer in ["thread", "spin-sleep"] {
        let line = format!("run --intervals 10001 --timer os,{timer} --duration 10ms --rounds 1");
        let output = ticklab(&folder, &line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(text(&output.stdout), "");
        let said = text(&output.stderr);
        assert!(
            said.contains("at most 10000 with") && said.contains(timer),
            "{said}"
        );
    }
    // A traced run has a single timer.
    let line = "tick --only os --intervals 10001 --duration 10ms --rounds 1 --warm-up 0s";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_run_and_writes_the_results() {
    use std::process::{Command, Stdio};

    let folder = tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_ticklab"))
        .current_dir(&folder)
        .args("run --timer os,thread --duration 1h --rounds 1 --json a.json".split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The floor takes its turns too. Whichever timer is first has been measured for a while.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(files(&folder), [""; 0], "nothing half-written");
    let pid = nix::unistd::Pid::from_raw(run.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let status = wait(&mut run);
    assert_eq!(status.code(), Some(130));
    let report = json(&folder, "a.json");
    assert_eq!(report["interrupted"], true);
    let timers = report["timers"].as_array().unwrap().iter();
    let measured: Vec<_> = timers.filter(|timer| !timer["total"].is_null()).collect();
    assert_eq!(measured.len(), 1);
    let total = &measured[0]["total"];
    assert!(total["ticks"].as_u64().unwrap() > 100, "{total}");
    assert_eq!(files(&folder), ["a.json"]);
}

/// Starts a run and waits for the first line on standard error: from then on it watches for signals.
#[cfg(unix)]
fn begun(mut command: std::process::Command, folder: &TempDir) -> (std::process::Child, String) {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().unwrap();
    let mut stderr = BufReader::new(run.stderr.take().unwrap());
    let (said, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        said.send((line, stderr)).unwrap();
    });
    let Ok((line, stderr)) = heard.recv_timeout(Duration::from_secs(60)) else {
        run.kill().unwrap();
        panic!("it has said nothing for a minute");
    };
    // Keeps the other end of the pipe open.
    std::thread::spawn(move || stderr.lines().for_each(drop));
    (run, line)
}

#[cfg(unix)]
fn send(run: &std::process::Child, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(run.id().try_into().unwrap());
    nix::sys::signal::kill(pid, signal).unwrap();
}

#[cfg(unix)]
fn wait(child: &mut std::process::Child) -> std::process::ExitStatus {
    for _ in 0..3000 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it has not ended within a minute");
}

/// A signal before the first deadline leaves no half-written file, and no file without a header.
#[test]
#[cfg(unix)]
fn exit_code_names_the_signal() {
    use nix::sys::signal::Signal;

    for (signal, code) in [
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
    ] {
        let folder = tempdir().unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ticklab"));
        let line = "run --timer os --period 1h --duration 1h --rounds 1 --warm-up 0s --json a.json --csv a.csv";
        command.args(line.split(' '));
        let (mut run, _) = begun(command, &folder);
        send(&run, signal);
        assert_eq!(wait(&mut run).code(), Some(code), "{signal}");
        let report = json(&folder, "a.json");
        assert_eq!(report["interrupted"], true, "{signal}");
        let csv = fs::read_to_string(folder.path().join("a.csv")).unwrap();
        let mut rows = csv.lines();
        assert!(
            rows.next().unwrap().starts_with("timer,round,deadlines,"),
            "{csv}"
        );
        let timers = report["timers"].as_array().unwrap().len();
        assert_eq!(
            rows.filter(|row| row.contains(",all,,")).count(),
            timers,
            "{csv}"
        );
    }
}

/// nohup(1) ignores signals, and so does a shell for a script's background job.
#[test]
#[cfg(unix)]
fn ignored_signal_stays_ignored() {
    use nix::sys::signal::Signal;

    let folder = tempdir().unwrap();
    let mut command = std::process::Command::new("sh");
    let line = "trap '' HUP INT TERM; exec \"$0\" run --timer os --duration 300ms --rounds 1 --json a.json";
    command.args(["-c", line, env!("CARGO_BIN_EXE_ticklab")]);
    let (mut run, _) = begun(command, &folder);
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        send(&run, signal);
    }
    assert_eq!(wait(&mut run).code(), Some(0));
    assert_eq!(json(&folder, "a.json")["interrupted"], false);

    // A signal that is not ignored ends the run, even if another signal is ignored.
    let mut command = std::process::Command::new("sh");
    let line = "trap '' HUP; exec \"$0\" run --timer os --duration 1h --rounds 1";
    command.args(["-c", line, env!("CARGO_BIN_EXE_ticklab")]);
    let (mut run, _) = begun(command, &folder);
    send(&run, Signal::SIGHUP);
    send(&run, Signal::SIGTERM);
    assert_eq!(wait(&mut run).code(), Some(143));
}

#[test]
#[cfg(target_os = "linux")]
fn run_announces_its_length() {
    let folder = tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ticklab"));
    command.args("run --timer os --duration 10s --rounds 10000".split(' '));
    let (mut run, said) = begun(command, &folder);
    run.kill().unwrap();
    run.wait().unwrap();
    // Three times 10 s, and 30,000 turns that each begin with 20 ms and a warm-up of 100 ms.
    assert!(
        said.starts_with("timers: 3; rounds: 10000; about 1h "),
        "{said}"
    );
}

#[test]
fn report_contains_the_settings() {
    let folder = tempdir().unwrap();
    let line = "run --timer os --duration 100ms --rounds 3 --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let settings = &json(&folder, "a.json")["settings"];
    assert_eq!(settings["duration_ns"], 100_000_000);
    // Every reader of JSON gets the seed exactly.
    assert!(settings["seed"].as_u64().unwrap() < 1 << 53, "{settings}");
    let line = "run --timer os --duration 20ms --rounds 1 --seed 9007199254740991 --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    assert_eq!(
        json(&folder, "a.json")["settings"]["seed"],
        9_007_199_254_740_991_u64
    );
}

/// With one tick in a round, there is no time between two ticks.
#[test]
fn unmeasured_figures_are_absent_from_every_output() {
    let folder = tempdir().unwrap();
    let line =
        "run --timer os,thread --period 10ms --duration 20ms --rounds 2 --json a.json --csv a.csv";
    let output = ticklab(&folder, line);
    assert_eq!(output.status.code(), Some(0));
    for timer in json(&folder, "a.json")["timers"].as_array().unwrap() {
        let rounds = timer["rounds"].as_array().unwrap();
        for figures in rounds.iter().chain([&timer["total"]]) {
            assert_eq!(figures["jitter"], Value::Null, "{timer}");
            assert_eq!(figures["drift_ns"], Value::Null, "{timer}");
        }
    }
    let mut csv = csv::Reader::from_path(folder.path().join("a.csv")).unwrap();
    let names: Vec<_> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    let mut rows = 0;
    for row in csv.records() {
        let row = row.unwrap();
        rows += 1;
        for (name, value) in names.iter().zip(&row) {
            let absent = name.starts_with("jitter") || name.starts_with("drift");
            assert!(!absent || value.is_empty(), "{name}: {value}");
            assert!(!name.starts_with("lateness") || !value.is_empty(), "{name}");
        }
    }
    assert!(rows >= 6);
    let table = text(&output.stdout);
    let row = table
        .lines()
        .find(|line| line.starts_with("thread"))
        .unwrap();
    // A time is two words.
    let figures: Vec<_> = row.split_whitespace().skip(1 + 2 * 4).take(2).collect();
    assert_eq!(figures, ["–", "–"], "{table}");
}

/// A blocking timer gives up the processor once a tick, however few ticks a round has.
#[test]
#[cfg(target_os = "linux")]
fn every_tick_has_a_context_switch() {
    let folder = tempdir().unwrap();
    let line = "run --timer os,thread --period 16.667ms --duration 200ms --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    for timer in json(&folder, "a.json")["timers"].as_array().unwrap() {
        let switches = timer["total"]["switches_per_tick"].as_f64().unwrap();
        assert!(switches >= 0.7, "{timer}");
    }
}

/// The consumer is busy for longer than a traced run, which therefore has one tick.
#[test]
#[cfg(target_os = "linux")]
fn system_calls_without_ticks_are_absent() {
    let folder = tempdir().unwrap();
    let line = "run --timer thread --period 20ms --work 700ms --duration 100ms --rounds 1 --warm-up 0s \
                --syscalls --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    for timer in json(&folder, "a.json")["timers"].as_array().unwrap() {
        assert_eq!(timer["total"]["syscalls_per_tick"], Value::Null, "{timer}");
    }
}

#[test]
fn error_names_the_bad_value() {
    let folder = tempdir().unwrap();
    let line = "run --timer os --duration 20ms --rounds 1 --json whole.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let whole = fs::read_to_string(folder.path().join("whole.json")).unwrap();
    for (name, text) in [
        ("cut.json", &whole[..whole.len() / 2]),
        ("empty.json", ""),
        ("text.json", "no report"),
        ("other.json", "{}"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for (line, expected) in [
        (
            "compare cut.json whole.json",
            "error: cut.json is truncated: ",
        ),
        (
            "compare empty.json whole.json",
            "error: empty.json is empty: ",
        ),
        (
            "compare text.json whole.json",
            "error: text.json is not JSON: ",
        ),
        (
            "compare other.json whole.json",
            "error: other.json was not written by `ticklab run --json`: ",
        ),
        (
            "run --rounds 0",
            "expected a whole number from 1 to 4294967295",
        ),
        (
            "run --intervals 0",
            "expected a whole number from 1 to 4294967295",
        ),
        (
            "run --event-interval many",
            "expected a whole number from 1 to 4294967295",
        ),
        (
            "run --seed 9007199254740992",
            "expected a whole number from 0 to 9007199254740991",
        ),
    ] {
        let output = ticklab(&folder, line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        let said = text(&output.stderr);
        assert!(
            said.contains(expected) && said.lines().count() == 1,
            "{said}"
        );
    }
}

#[test]
fn compare_reports_a_different_machine() {
    let folder = tempdir().unwrap();
    let a: Value = serde_json::from_str(&report("os", |_| 0)).unwrap();
    let mut b = a.clone();
    b["machine"]["kernel"] = "another".into();
    b["machine"]["cores"] = Value::Null;
    for (name, report) in [("a.json", a), ("b.json", b)] {
        fs::write(folder.path().join(name), report.to_string()).unwrap();
    }
    let output = ticklab(&folder, "compare a.json b.json");
    let said = text(&output.stdout);
    let kernel = said
        .lines()
        .find(|line| line.starts_with("the kernel differs: "));
    assert!(
        kernel.unwrap().ends_with(" before, another after"),
        "{said}"
    );
    assert!(
        said.contains("the number of processors differs: "),
        "{said}"
    );
    assert!(!said.contains("the processor differs:"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn doctor_reports_a_nice_process() {
    let folder = tempdir().unwrap();
    let mut command = Command::new("nice");
    command.args(["-n", "19", env!("CARGO_BIN_EXE_ticklab"), "doctor"]);
    let output = command
        .current_dir(&folder)
        .timeout(Duration::from_secs(60))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(
        said.contains("Problem: The process runs at nice 19\n"),
        "{said}"
    );
}

/// Uses a real terminal of 80 columns.
#[test]
#[cfg(target_os = "linux")]
fn table_fits_an_80_column_terminal() {
    use std::io::Read;

    let size = nix::pty::Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = nix::pty::openpty(&size, None).unwrap();
    let folder = tempdir().unwrap();
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_ticklab"))
        .current_dir(&folder)
        .args("run --timer os,thread --duration 20ms --rounds 1".split(' '))
        .stdout(terminal.slave)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(wait(&mut run).code(), Some(0));
    let mut shown = Vec::new();
    // Linux returns EIO when the other end is closed.
    let _ = std::fs::File::from(terminal.master).read_to_end(&mut shown);
    let shown = text(&shown);
    let tables: Vec<_> = shown.split("\r\n\r\n").skip(1).collect();
    assert_eq!(tables.len(), 2, "{shown}");
    for table in &tables {
        assert!(table.starts_with("timer "), "{shown}");
        assert!(
            table.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
    }
    assert!(
        tables[0].contains("p99.9") && tables[1].contains("descriptors"),
        "{shown}"
    );
}

/// A timer that the system refuses fails, and the other timers are still measured.
#[test]
#[cfg(target_os = "linux")]
fn timer_that_cannot_be_created_is_reported() {
    let folder = tempdir().unwrap();
    let output = Command::new("sh")
        .current_dir(&folder)
        .args(["-c", "ulimit -n 40 && exec \"$0\" run --timer periodic,os --intervals 100 --duration 200ms --period 10ms --json a.json --csv a.csv"])
        .arg(env!("CARGO_BIN_EXE_ticklab"))
        .timeout(Duration::from_secs(60))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("periodic failed: Too many open files"));
    let report = json(&folder, "a.json");
    let timers = report["timers"].as_array().unwrap();
    let os = timers.iter().find(|timer| timer["name"] == "os").unwrap();
    assert_eq!(
        (&os["total"]["deadlines"], &os["failure"]),
        (&2000.into(), &Value::Null)
    );
    let csv = fs::read_to_string(folder.path().join("a.csv")).unwrap();
    let mut rows = csv.lines().filter(|row| row.starts_with("periodic,all,"));
    let row = rows.next().unwrap();
    assert!(
        row.contains(",Too many open files") && rows.next().is_none(),
        "{csv}"
    );
}

#[test]
fn short_rounds_have_their_descriptors() {
    let folder = tempdir().unwrap();
    let line = "run --timer os,thread --duration 60ms --rounds 3 --json a.json";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let report = json(&folder, "a.json");
    for timer in report["timers"].as_array().unwrap() {
        let expected = match timer["name"].as_str().unwrap() {
            "os" | "epoll-timerfd" => 2,
            _ => 0,
        };
        let told = &timer["total"]["descriptors"];
        assert!(told.is_null() || *told == expected, "{timer}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn failed_table_does_not_suppress_the_report() {
    let folder = tempdir().unwrap();
    let line = "$0 run --timer os --duration 50ms --rounds 2 --json a.json > /dev/full";
    let mut command = Command::new("sh");
    command
        .current_dir(&folder)
        .args(["-c", line, env!("CARGO_BIN_EXE_ticklab")]);
    assert_eq!(
        command
            .timeout(Duration::from_secs(60))
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
    assert_eq!(json(&folder, "a.json")["format"], 1);
}

#[test]
fn help_and_version() {
    let folder = tempdir().unwrap();
    for line in ["--help", "--version", "run --help", "compare --help"] {
        let output = ticklab(&folder, line);
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(!output.stdout.is_empty());
    }
}
