//! The program as it is called.

use std::fs;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn ticklab(folder: &TempDir, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticklab"));
    command.current_dir(folder).args(line.split_whitespace());
    command.timeout(Duration::from_secs(120)).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn json(folder: &TempDir, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.path().join(name)).unwrap()).unwrap()
}

fn files(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const ALL: &str = "os,os-spin,tokio,periodic,async-io,thread,spin-sleep";

#[test]
fn every_timer_is_measured() {
    let folder = tempdir().unwrap();
    let line = format!("run --timer {ALL} --period 2ms --duration 200ms --rounds 2 --json a.json");
    let output = ticklab(&folder, &line);
    // Standard error is no terminal here.
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
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
    // In the order that was asked for, after the floor.
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
    // A consumer that needs three periods for each tick, and a timer that skips what it misses.
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
        // Two of three deadlines come while the consumer is busy.
        assert!(
            total["lateness"]["p50_ns"].as_u64().unwrap() >= 1_000_000,
            "{timer}"
        );
    }
}

#[test]
fn every_file_is_written() {
    let folder = tempdir().unwrap();
    let line = "run --timer os,tokio --duration 100ms --rounds 2 --json a.json --csv a.csv --hgrm a.hgrm --html a.html";
    assert_eq!(ticklab(&folder, line).status.code(), Some(0));
    let files = files(&folder);
    for name in ["a.csv", "a.html", "a.json", "a.os.hgrm", "a.tokio.hgrm"] {
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
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
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
        "run --intervals 2000000",
        "run --work 2s",
        "run --runtime multi:0",
        "run --json missing/a.json",
        "run --csv .",
        "run --html a.html --json a.html",
        "run --html a.html --json ./a.html",
        "run --json a.os.hgrm --hgrm a.hgrm",
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
fn a_change_is_told_from_noise() {
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
    // Nothing to compare is no success.
    assert_eq!(code("compare a.json other.json --fail-above 2"), Some(2));
    // Nor is what rounds are too few to tell.
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
#[cfg(unix)]
fn ctrl_c_ends_the_run_and_what_was_measured_is_written() {
    use std::process::{Command, Stdio};

    let folder = tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_ticklab"))
        .current_dir(&folder)
        .args("run --timer os,thread --duration 1h --rounds 1 --json a.json".split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The floor has its turns as well: whoever is first has been measured for a while.
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

#[cfg(unix)]
fn wait(child: &mut std::process::Child) -> std::process::ExitStatus {
    for _ in 0..1000 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it has not ended 20 s after Ctrl-C");
}

/// What the system refuses is a timer's failure, and the others are measured.
#[test]
#[cfg(target_os = "linux")]
fn a_timer_that_cannot_be_made_is_said_to() {
    let folder = tempdir().unwrap();
    let output = Command::new("sh")
        .current_dir(&folder)
        .args(["-c", "ulimit -n 40 && exec \"$0\" run --timer periodic,os --intervals 100 --duration 200ms --period 10ms --json a.json"])
        .arg(env!("CARGO_BIN_EXE_ticklab"))
        .timeout(Duration::from_secs(60))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("periodic did not run to its end: Too many open files"));
    let report = json(&folder, "a.json");
    let timers = report["timers"].as_array().unwrap();
    let os = timers.iter().find(|timer| timer["name"] == "os").unwrap();
    assert_eq!(
        (&os["total"]["deadlines"], &os["failure"]),
        (&2000.into(), &Value::Null)
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
            "os" => 1,
            "epoll-timerfd" => 2,
            _ => 0,
        };
        let told = &timer["total"]["descriptors"];
        assert!(told.is_null() || *told == expected, "{timer}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_table_that_cannot_be_printed_costs_no_file() {
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
