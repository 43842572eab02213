//! Destinations of reports: files, pipes, devices, standard output.
#![cfg(target_os = "linux")]

mod support;

use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use assert_cmd::Command;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, Uid, mkfifo};
use serde_json::Value;
use support::{files, text};
use tempfile::{TempDir, tempdir};

/// A short run of one timer.
const RUN: &str = "run --timer os --duration 20ms --rounds 1 --warm-up 0s";
/// Longer than any step takes.
const LONG: Duration = Duration::from_secs(120);

/// Runs a script in a shell, in which `ticklab` is the program with a short run.
fn shell(folder: &TempDir, script: &str) -> Output {
    let script = script.replace("ticklab", &format!("\"$0\" {RUN}"));
    let mut command = Command::new("bash");
    command
        .current_dir(folder)
        .args(["-c", &script, env!("CARGO_BIN_EXE_ticklab")]);
    command.timeout(LONG).output().unwrap()
}

fn is_report(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|report| report["format"] == 1)
}

/// On standard error the table follows the announcement of the run's length.
fn is_table(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| line.starts_with("timers: "));
    let title = lines.next();
    title.is_some_and(|line| line.starts_with("Period: "))
        && lines.any(|line| line.starts_with("os "))
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// Asserts that one line on standard error is the only output, and returns it.
fn refusal(output: &Output) -> &str {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(text(&output.stdout), "");
    assert!(
        said.starts_with("error: ") && said.lines().count() == 1,
        "{said}"
    );
    said
}

#[test]
fn file_below_dev_is_replaced() {
    let memory = tempfile::Builder::new().tempdir_in("/dev/shm").unwrap();
    for _ in 0..2 {
        let path = memory.path().join("a.json");
        let output = shell(&memory, &format!("ticklab --json {}", path.display()));
        assert_eq!(output.status.code(), Some(0));
        assert!(is_report(&read(path)));
    }
    assert_eq!(files(&memory), ["a.json"]);
}

#[test]
fn unlinked_file_is_written_in_place() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, "x".repeat(1 << 20)).unwrap();
    let mut file = File::options().read(true).write(true).open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ticklab"));
    command.args(RUN.split(' ')).args(["--json", "/dev/stdin"]);
    command.stdin(file.try_clone().unwrap());
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert!(is_report(&text));
    assert_eq!(files(&folder), [""; 0]);
}

#[test]
fn report_on_standard_output_moves_the_table_to_standard_error() {
    let folder = tempdir().unwrap();
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let output = shell(&folder, &format!("ticklab --json {name}"));
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(is_report(text(&output.stdout)), "{name}");
        assert!(is_table(text(&output.stderr)), "{name}");
        // An appended file keeps its old content; only the report is new.
        for (redirection, before) in [(">", ""), (">>", "before\n")] {
            let path = folder.path().join("out");
            fs::write(&path, before).unwrap();
            let output = shell(&folder, &format!("ticklab --json {name} {redirection} out"));
            assert!(is_table(text(&output.stderr)), "{name}");
            let written = read(&path);
            let report = written.strip_prefix(before).unwrap();
            assert!(is_report(report), "{name} {redirection}: {written}");
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(files(&folder), [""; 0], "{name}");
    }
    // The file's own name works too.
    let output = shell(&folder, "ticklab --json out > out");
    assert!(is_table(text(&output.stderr)));
    assert!(is_report(&read(folder.path().join("out"))));
    // A socket cannot be opened by a name.
    let (socket, mut reader) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ticklab"));
    command.args(RUN.split(' ')).args(["--json", "/dev/stdout"]);
    command.stdout(std::os::fd::OwnedFd::from(socket));
    let run = command.spawn().unwrap();
    drop(command);
    let mut report = String::new();
    reader.read_to_string(&mut report).unwrap();
    assert!(is_report(&report));
    assert!(wait(run).success());
}

#[test]
fn two_reports_to_one_destination_are_refused() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a"), "before").unwrap();
    fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
    symlink("a", folder.path().join("c")).unwrap();
    for (two, said) in [
        ("--json - --csv -", "- and - are the same destination"),
        ("--json /dev/stdout --csv -", "are the same destination"),
        ("--json a --csv b", "a and b are the same destination"),
        ("--json a --html c", "a and c are the same destination"),
        ("--svg a --html c", "c and a are the same destination"),
        ("--json d --html ./d", "d and ./d are the same destination"),
    ] {
        let output = shell(&folder, &format!("ticklab {two}"));
        assert!(refusal(&output).contains(said), "{two}");
    }
    assert_eq!(files(&folder), ["a", "b", "c"]);
    assert_eq!(read(folder.path().join("a")), "before");
}

#[test]
fn hgrm_refuses_destinations_other_than_files() {
    let folder = tempdir().unwrap();
    mkfifo(&folder.path().join("pipe"), Mode::S_IRWXU).unwrap();
    let before = files("/dev");
    for line in [
        "ticklab --hgrm -",
        "ticklab --hgrm /dev/stdout",
        "ticklab --hgrm /dev/stderr",
        "ticklab --hgrm /dev/null",
        "ticklab --hgrm pipe",
        "ticklab --hgrm .",
        "ticklab --hgrm /",
    ] {
        let output = shell(&folder, line);
        assert!(refusal(&output).contains("a file for each timer"), "{line}");
    }
    let output = shell(&folder, "ticklab --hgrm /dev/stdout > out");
    assert!(refusal(&output).contains("a file for each timer"));
    assert_eq!(files(&folder), ["out", "pipe"]);
    // The folder that the link leads to can hold files.
    let output = shell(&folder, "ticklab --hgrm /dev/fd/5 5> other");
    assert_eq!(output.status.code(), Some(0));
    assert!(files(&folder).contains(&"other.os".to_owned()));
    assert_eq!(files("/dev"), before);
}

/// The owner, the mode and the other names stay.
#[test]
fn replaced_file_keeps_owner_mode_and_links() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.json");
    let other = folder.path().join("other.json");
    fs::write(&path, "before").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    if Uid::effective().is_root() {
        std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
    }
    let facts = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        (found.mode(), found.uid(), found.gid())
    };
    let before = facts(&path);
    let run = || {
        let output = shell(&folder, "ticklab --json a.json");
        assert_eq!(output.status.code(), Some(0));
    };
    run();
    assert!(is_report(&read(&path)));
    assert_eq!(facts(&path), before);
    fs::hard_link(&path, &other).unwrap();
    fs::write(&path, "before").unwrap();
    run();
    assert!(is_report(&read(&other)));
    assert_eq!(facts(&path), before);
    assert_eq!(files(&folder), ["a.json", "other.json"]);
}

/// The user may write the file, but not create one beside it.
#[test]
fn file_in_a_read_only_folder_is_written_in_place() {
    let folder = tempdir().unwrap();
    let program = folder.path().join("program");
    fs::copy(env!("CARGO_BIN_EXE_ticklab"), &program).unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, "before").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let run = |file: &str| {
        let mut command = std::process::Command::new(&program);
        command.current_dir(&folder).args(RUN.split(' '));
        command.args(["--json", file]);
        if Uid::effective().is_root() {
            // Root ignores permissions.
            std::os::unix::process::CommandExt::uid(&mut command, 65534);
        }
        command.output().unwrap()
    };
    assert_eq!(run("a.json").status.code(), Some(0));
    assert!(is_report(&read(&path)));
    // The folder forbids a new file.
    let said = "error: cannot write b.json: cannot create a file in .: permission denied\n";
    assert_eq!(refusal(&run("b.json")), said);
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(files(&folder), ["a.json", "program"]);
}

/// Runs only where the system lets users mount.
#[test]
fn mount_point_is_written_in_place() {
    let folder = tempdir().unwrap();
    let mounts = std::process::Command::new("unshare")
        .args(["-rm", "true"])
        .output();
    if !mounts.is_ok_and(|output| output.status.success()) {
        return eprintln!("nothing can be mounted here");
    }
    for name in ["a.json", "mounted.json"] {
        fs::write(folder.path().join(name), "before").unwrap();
    }
    let mounted = "mount --bind mounted.json a.json && ticklab --json a.json";
    let output = shell(&folder, &format!("unshare -rm bash -c '{mounted}' \"$0\""));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(is_report(&read(folder.path().join("mounted.json"))));
    assert_eq!(read(folder.path().join("a.json")), "before");
    assert_eq!(files(&folder), ["a.json", "mounted.json"]);
}

#[test]
fn failed_report_does_not_suppress_the_table() {
    let folder = tempdir().unwrap();
    let output = shell(&folder, "ticklab --json /dev/full --csv a.csv");
    assert_eq!(output.status.code(), Some(2));
    assert!(is_table(text(&output.stdout)));
    let said = text(&output.stderr);
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("error: cannot write /dev/full: "),
        "{said}"
    );
    assert_eq!(files(&folder), ["a.csv"]);
}

#[test]
fn pipe_without_a_reader_is_refused_before_measuring() {
    let folder = tempdir().unwrap();
    mkfifo(&folder.path().join("pipe"), Mode::S_IRWXU).unwrap();
    let output = shell(&folder, "ticklab --json pipe");
    assert!(refusal(&output).contains("no reader has opened the pipe"));
}

#[test]
fn reader_may_open_the_pipe_late() {
    let folder = tempdir().unwrap();
    mkfifo(&folder.path().join("pipe"), Mode::S_IRWXU).unwrap();
    let run = spawn(&folder, "--json pipe");
    thread::sleep(Duration::from_millis(500));
    assert!(is_report(&read(folder.path().join("pipe"))));
    assert!(wait(run).success());
}

/// Both while waiting for a reader to open the pipe, and for one that reads nothing.
#[test]
fn signal_ends_the_wait_for_a_reader() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("pipe");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let terminate = |run: &Child| {
        let pid = Pid::from_raw(run.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
    };
    let run = spawn(&folder, "--html pipe");
    thread::sleep(Duration::from_millis(500));
    terminate(&run);
    assert_eq!(wait(run).signal(), Some(Signal::SIGTERM as i32));
    // A page does not fit into a pipe.
    let run = spawn(&folder, "--html pipe --json a.json");
    let _reader = File::open(&path).unwrap();
    let written = folder.path().join("a.json");
    for _ in 0..500 {
        thread::sleep(Duration::from_millis(20));
        if written.exists() {
            break;
        }
    }
    // ticklab writes one report after the other; then the page fills the pipe.
    thread::sleep(Duration::from_secs(1));
    terminate(&run);
    assert_eq!(wait(run).code(), Some(128 + Signal::SIGTERM as i32));
    assert!(is_report(&read(written)));
}

fn spawn(folder: &TempDir, more: &str) -> Child {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ticklab"));
    command
        .current_dir(folder)
        .args(RUN.split(' '))
        .args(more.split(' '));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn wait(mut child: Child) -> ExitStatus {
    // Shorter than a writer waits for its reader to continue.
    for _ in 0..250 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it goes on for ever");
}
