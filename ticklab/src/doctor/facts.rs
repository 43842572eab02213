//! The facts that the checks read. An unknown fact is absent.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::machine::{Machine, Tree};
use crate::sys;

/// The facts that the checks read.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The machine.
    pub machine: Machine,
    /// The driver that applies the governor's decisions.
    pub frequency_driver: Option<String>,
    /// Resolution of the monotonic clock's timers.
    pub resolution: Option<Duration>,
    /// Logical processors of the machine.
    pub processors: Option<usize>,
    /// The process's scheduling class and niceness.
    pub scheduling: Option<Scheduling>,
    /// Processors that the process may run on.
    pub allowed: Option<usize>,
    /// Limit of open files and sockets of the process.
    pub open_files: Option<u64>,
    /// Processors' worth of time that a container allows. Infinite without a limit.
    pub quota: Option<f64>,
    /// Idle states in use: the name, and the time to leave it.
    pub idle_states: Vec<(String, Duration)>,
    /// Share of the time since boot that a hypervisor gave to other machines.
    pub stolen: Option<f64>,
    /// Time between two of Windows' timer interrupts.
    pub interrupt_period: Option<Duration>,
}

/// How the kernel weighs a process against others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduling {
    /// From -20, the highest priority, to 19, the lowest.
    pub nice: i32,
    /// `SCHED_BATCH` or `SCHED_IDLE`, which yield to other processes whatever the niceness.
    pub background: Option<&'static str>,
}

impl Facts {
    /// Reads the facts of this machine and this process.
    pub fn read() -> Self {
        Self {
            machine: Machine::read(),
            processors: crate::machine::processors(),
            resolution: sys::clock_resolution(),
            open_files: sys::open_files_limit(),
            interrupt_period: sys::interrupt_period(),
            ..Self::from_files(&Tree::of_this_machine())
        }
    }

    /// Reads the facts that are in files.
    pub fn from_files(tree: &Tree) -> Self {
        Self {
            frequency_driver: tree.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"),
            allowed: allowed(tree),
            scheduling: tree.text("proc/self/stat").as_deref().and_then(scheduling),
            quota: quota(tree),
            idle_states: idle_states(tree),
            stolen: tree.text("proc/stat").as_deref().and_then(stolen),
            ..Self::default()
        }
    }
}

/// Returns the number of online processors in the process's affinity mask and cpuset: `proc_pid_status(5)`.
/// `available_parallelism` cannot distinguish these from a quota.
fn allowed(tree: &Tree) -> Option<usize> {
    let status = tree.text("proc/self/status")?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let online = listed(&tree.text("sys/devices/system/cpu/online")?)?;
    // The mask may contain processors that the machine could have but does not.
    Some(listed(list)?.intersection(&online).count())
}

/// Reads the fields 19 and 41 of `proc_pid_stat(5)`. The second field, a program's name in parentheses, may
/// contain anything. The numbers of the policies are those of sched(7).
fn scheduling(stat: &str) -> Option<Scheduling> {
    let (_, from_third) = stat.rsplit_once(')')?;
    let field = |number: usize| from_third.split_whitespace().nth(number - 3)?.parse().ok();
    let policy: Option<i32> = field(41);
    Some(Scheduling {
        nice: field(19)?,
        background: match policy {
            Some(3) => Some("SCHED_BATCH"),
            Some(5) => Some("SCHED_IDLE"),
            _ => None,
        },
    })
}

/// Parses the list format of cpuset(7): `0-2,7`.
fn listed(list: &str) -> Option<BTreeSet<u16>> {
    let mut numbers = BTreeSet::new();
    for range in list.trim().split(',') {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(from.parse::<u16>().ok()?..=to.parse().ok()?);
    }
    Some(numbers)
}

/// Returns the tightest quota of the process's control groups: see cgroups(7), and Linux's documentation
/// `admin-guide/cgroup-v2` (`cpu.max`) and `scheduler/sched-bwc` (`cpu.cfs_quota_us`).
fn quota(tree: &Tree) -> Option<f64> {
    let groups = tree.text("proc/self/cgroup")?;
    let quotas = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or(""), fields.next().unwrap_or("/"));
        let second = controllers.is_empty();
        let first = controllers.split(',').any(|controller| controller == "cpu");
        let path = if first || second { path } else { "" };
        // Inside a container, the container's own group is at the root.
        let groups = std::path::Path::new(path)
            .ancestors()
            .chain([std::path::Path::new("/")]);
        groups.filter_map(move |group| {
            let group = group.to_string_lossy();
            let group = group.trim_matches('/');
            if second {
                quota_v2(tree, group)
            } else if first {
                quota_v1(tree, group)
            } else {
                None
            }
        })
    });
    quotas.min_by(f64::total_cmp)
}

/// Parses `max 100000` or `50000 100000`: time in a period, in microseconds.
fn quota_v2(tree: &Tree, group: &str) -> Option<f64> {
    let text = tree.text(&format!("sys/fs/cgroup/{group}/cpu.max"))?;
    let (time, period) = text.split_once(' ')?;
    if time == "max" {
        return Some(f64::INFINITY);
    }
    share(time.parse().ok()?, period.parse().ok()?)
}

/// -1 means no limit.
fn quota_v1(tree: &Tree, group: &str) -> Option<f64> {
    let folders = ["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"];
    folders.into_iter().find_map(|folder| {
        let number = |name| {
            tree.text(&format!("{folder}/{group}/{name}"))?
                .parse::<f64>()
                .ok()
        };
        let time = number("cpu.cfs_quota_us")?;
        if time < 0.0 {
            return Some(f64::INFINITY);
        }
        share(time, number("cpu.cfs_period_us")?)
    })
}

fn share(time: f64, period: f64) -> Option<f64> {
    (time > 0.0 && period > 0.0).then_some(time / period)
}

/// Reads the first processor's idle states: Linux's documentation `admin-guide/pm/cpuidle`.
fn idle_states(tree: &Tree) -> Vec<(String, Duration)> {
    let folder = "sys/devices/system/cpu/cpu0/cpuidle";
    let state = |name: String| {
        let state = format!("{folder}/{name}");
        let used = tree.number(&format!("{state}/disable")) != Some(1);
        let latency = tree.number(&format!("{state}/latency")).filter(|_| used)?;
        let name = tree.text(&format!("{state}/name")).unwrap_or(name);
        Some((name, Duration::from_micros(latency)))
    };
    tree.names(folder, "state")
        .into_iter()
        .filter_map(state)
        .collect()
}

/// Reads the first line of `/proc/stat`: see `proc_stat(5)`. The eighth number is stolen time. The two after
/// it are already part of the first two.
fn stolen(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<f64> = line
        .split_whitespace()
        .map_while(|time| time.parse().ok())
        .collect();
    let all: f64 = times.iter().take(8).sum();
    (all > 0.0).then_some(times.get(7)? / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn from_files(files: &[(&str, &str)]) -> Facts {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Facts::from_files(&Tree::at(folder.path().to_owned()))
    }

    fn quota(files: &[(&str, &str)]) -> Option<f64> {
        from_files(files).quota
    }

    #[test]
    fn malformed_files_give_no_facts() {
        let facts = from_files(&[
            ("proc/self/cgroup", "nonsense\n::::\n\n"),
            ("proc/stat", "cpu x\n"),
        ]);
        assert!(facts.quota.is_none() && facts.stolen.is_none() && facts.idle_states.is_empty());
    }

    #[test]
    fn quota_v2_is_the_tightest_of_all_groups() {
        let own = ("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(
            quota(&[own, ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n")]),
            Some(f64::INFINITY)
        );
        assert_eq!(
            quota(&[own, ("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n")]),
            Some(0.5)
        );
        let above = [
            own,
            ("sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"),
            ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
        ];
        assert_eq!(quota(&above), Some(1.5));
        // Seen from inside a container.
        let within = [
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/cpu.max", "200000 100000\n"),
        ];
        assert_eq!(quota(&within), Some(2.0));
    }

    #[test]
    fn quota_v1_is_parsed() {
        let own = ("proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/c\n0::/\n");
        let period = ("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
        let limit = |limit| {
            quota(&[
                own,
                period,
                ("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", limit),
            ])
        };
        assert_eq!(
            (limit("-1\n"), limit("25000\n")),
            (Some(f64::INFINITY), Some(0.25))
        );
        assert_eq!((limit("0\n"), limit("x\n"), limit("")), (None, None, None));
    }

    #[test]
    fn invalid_quota_is_absent() {
        let own = ("proc/self/cgroup", "0::/\n");
        for text in [
            "",
            "max",
            "50000",
            "50000 0",
            "0 100000",
            "a b",
            "NaN 100000",
        ] {
            assert_eq!(
                quota(&[own, ("sys/fs/cgroup/cpu.max", text)]),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn allowed_processors_are_online_ones() {
        let of = |list: &str, online| {
            let status = format!("Name:\tticklab\nCpus_allowed:\tff\n{list}\nMems_allowed:\t1\n");
            from_files(&[
                ("proc/self/status", &status),
                ("sys/devices/system/cpu/online", online),
            ])
            .allowed
        };
        assert_eq!(of("Cpus_allowed_list:\t0-2,7", "0-7\n"), Some(4));
        assert_eq!(of("Cpus_allowed_list:\t3", "0-3\n"), Some(1));
        // The mask has room for 128 processors; the machine has two.
        assert_eq!(of("Cpus_allowed_list:\t0-127", "0-1\n"), Some(2));
        for (list, online) in [
            ("", "0-1"),
            ("Cpus_allowed_list:\t", "0-1"),
            ("Cpus_allowed_list:\t0-", "0-1"),
            ("Cpus_allowed_list:\tall", "0-1"),
            ("Cpus_allowed_list:\t0-1", ""),
        ] {
            assert_eq!(of(list, online), None, "{list:?} {online:?}");
        }
    }

    #[test]
    fn scheduling_is_parsed() {
        let of = |nice: &str, policy: &str| {
            let mut fields: Vec<_> = (3..=52).map(|number| number.to_string()).collect();
            fields[19 - 3] = nice.to_owned();
            fields[41 - 3] = policy.to_owned();
            let stat = format!("7 (a) b (c)) {}\n", fields.join(" "));
            from_files(&[("proc/self/stat", &stat)]).scheduling
        };
        let scheduling = |nice, background| Some(Scheduling { nice, background });
        assert_eq!(of("19", "0"), scheduling(19, None));
        assert_eq!(of("-5", "1"), scheduling(-5, None));
        assert_eq!(of("0", "3"), scheduling(0, Some("SCHED_BATCH")));
        assert_eq!(of("0", "5"), scheduling(0, Some("SCHED_IDLE")));
        assert_eq!(of("nice", "0"), None);
        assert_eq!(from_files(&[]).scheduling, None);
    }

    #[test]
    fn disabled_idle_states_are_ignored() {
        let folder = "sys/devices/system/cpu/cpu0/cpuidle";
        let file = |name: &str| format!("{folder}/{name}");
        let files = [
            (file("state0/latency"), "0"),
            (file("state0/name"), "POLL"),
            (file("state1/latency"), "133"),
            (file("state2/latency"), "900"),
            (file("state2/disable"), "1"),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        let states = from_files(&files).idle_states;
        let micros = Duration::from_micros;
        assert_eq!(
            states,
            [
                ("POLL".to_owned(), micros(0)),
                ("state1".to_owned(), micros(133))
            ]
        );
    }

    #[test]
    fn stolen_time_is_a_share() {
        let share = stolen("cpu  10 0 10 70 0 0 0 10 5 5\ncpu0 1 2\n").unwrap();
        assert!((share - 0.1).abs() < 1e-9);
        // Linux before 2.6.11 reports no stolen time.
        assert_eq!(stolen("cpu  1 2 3 4 5 6 7\n"), None);
    }
}
