//! The checks: each is a function of the facts.

use std::time::Duration;

use super::facts::Facts;
use crate::units::{in_nanos, nanos};

/// A problem, or a note, that a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What the check found, in a few words.
    pub what: String,
    /// The effect on timers.
    pub why: &'static str,
    /// The remedy.
    pub cure: &'static str,
    /// `false` for a note, which only informs.
    pub hurts: bool,
}

/// A subject with its fact and its check.
pub struct Check {
    /// Name of the subject.
    pub subject: &'static str,
    /// The fact, if it is known.
    pub seen: fn(&Facts) -> Option<String>,
    /// The check.
    pub wrong: fn(&Facts) -> Option<Finding>,
}

/// All checks.
pub const CHECKS: [Check; 12] = [
    Check {
        subject: "clock source",
        seen: |facts| facts.machine.clock_source.clone(),
        wrong: clock_source,
    },
    Check {
        subject: "clock resolution",
        seen: |facts| facts.resolution.map(time),
        wrong: resolution,
    },
    Check {
        subject: "governor",
        seen: |facts| facts.machine.governor.clone(),
        wrong: governor,
    },
    Check {
        subject: "idle states",
        seen: seen_idle_states,
        wrong: idle_states,
    },
    Check {
        subject: "timer slack",
        seen: |facts| facts.machine.timer_slack_ns.map(nanos),
        wrong: timer_slack,
    },
    Check {
        subject: "open files",
        seen: |facts| facts.open_files.map(|limit| format!("at most {limit}")),
        wrong: open_files,
    },
    Check {
        subject: "processor quota",
        seen: |facts| {
            facts.quota.map(|quota| match quota {
                f64::INFINITY => "no limit".to_owned(),
                quota => format!("{quota:.2} processors"),
            })
        },
        wrong: quota,
    },
    Check {
        subject: "processors",
        seen: |facts| facts.allowed.map(|allowed| format!("may use {allowed}")),
        wrong: allowed,
    },
    Check {
        subject: "priority",
        seen: |facts| Some(format!("nice {}", facts.scheduling?.nice)),
        wrong: priority,
    },
    Check {
        subject: "load",
        seen: |facts| facts.machine.load_average.map(|load| format!("{load:.2}")),
        wrong: load,
    },
    Check {
        subject: "virtual machine",
        seen: |facts| facts.machine.virtualised.clone(),
        wrong: virtualised,
    },
    Check {
        subject: "timer interrupts",
        seen: |facts| {
            facts
                .interrupt_period
                .map(|period| format!("every {}", time(period)))
        },
        wrong: interrupts,
    },
];

fn time(duration: Duration) -> String {
    nanos(in_nanos(duration))
}

/// Clock sources that are read in user space, or by an instruction: those of x86 in Linux's
/// `arch/x86/include/asm/vdso/clocksource.h`, the counters of other processors, and those of timecounter(4)
/// on the BSDs that read the processor's own counter.
const QUICK: [&str; 12] = [
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "arch_sys_counter",
    "riscv_clocksource",
    "timebase",
    "tod",
    "stick",
    "Constant",
    "TSC",
    "TSC-low",
    "Hyper-V-TSC",
];

/// Clock sources that are read from a device. `NetBSD` and `OpenBSD` name some after the device and its
/// number, such as `acpihpet0` (their `hpet.c`, `acpi_timer.c`, `acpihpet.c` and `acpitimer.c`).
const SLOW: [&str; 13] = [
    "hpet",
    "acpi_pm",
    "jiffies",
    "refined-jiffies",
    "pit",
    "HPET",
    "ACPI-fast",
    "ACPI-safe",
    "ACPI-Fast",
    "ACPI-Safe",
    "acpihpet",
    "acpitimer",
    "i8254",
];

fn clock_source(facts: &Facts) -> Option<Finding> {
    let source = facts.machine.clock_source.as_deref()?;
    let device = source.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let slow = SLOW.contains(&source) || SLOW.contains(&device);
    (!QUICK.contains(&source)).then(|| Finding {
        what: if slow {
            format!("The clock source is {source}")
        } else {
            format!("The clock source is {source}, which may be slow")
        },
        why: "Each reading of a slow one is a system call that reads a device, a microsecond or \
              more; a timer reads it once a tick or more often, and one that spins all the time.",
        cure: "See why the processor's counter is not used: `dmesg | grep -i -e tsc -e clocksource`. \
               If it is available, choose it: on an x86 Linux `echo tsc | sudo tee \
               /sys/devices/system/clocksource/clocksource0/current_clocksource`, or boot with \
               `clocksource=tsc tsc=reliable`; on a BSD, sysctl kern.timecounter.hardware.",
        hurts: slow,
    })
}

/// time(7) and `clock_getres(2)`: with high-resolution timers the resolution is one nanosecond.
fn resolution(facts: &Facts) -> Option<Finding> {
    let resolution = facts.resolution?;
    (resolution > Duration::from_micros(10)).then(|| Finding {
        what: format!(
            "The clock's timers have a resolution of {}",
            time(resolution)
        ),
        why: "No timer of this system fires between two of these steps.",
        cure: "On Linux, boot without `highres=off`, and with a kernel that has \
               CONFIG_HIGH_RES_TIMERS.",
        hurts: true,
    })
}

/// Linux's documentation: `admin-guide/pm/intel_pstate` and `amd-pstate`. If the processor chooses its own
/// frequency, `powersave` is the usual setting and not the lowest frequency.
fn governor(facts: &Facts) -> Option<Finding> {
    let governor = facts.machine.governor.as_ref()?;
    let itself = ["intel_pstate", "amd-pstate-epp", "amd_pstate_epp"];
    let itself = facts
        .frequency_driver
        .as_ref()
        .is_some_and(|driver| itself.contains(&driver.as_str()));
    governor.contains("powersave").then(|| Finding {
        what: format!("The governor is {governor}"),
        why: if itself {
            "The processor itself raises its frequency when it has work, which takes it a while: a \
             tick after a pause is slower."
        } else {
            "The processor stays at its lowest frequency: all that a tick does takes longer."
        },
        cure: "`sudo cpupower frequency-set -g performance`.",
        hurts: !itself,
    })
}

fn seen_idle_states(facts: &Facts) -> Option<String> {
    let (name, latency) = facts
        .idle_states
        .iter()
        .max_by_key(|(_, latency)| *latency)?;
    Some(format!("the deepest is {name}, {}", time(*latency)))
}

/// Linux's documentation: `admin-guide/pm/cpuidle`, and `power/pm_qos_interface`.
fn idle_states(facts: &Facts) -> Option<Finding> {
    let (name, latency) = facts
        .idle_states
        .iter()
        .max_by_key(|(_, latency)| *latency)?;
    (*latency > Duration::from_micros(50)).then(|| Finding {
        what: format!("An idle processor may go into {name}, which takes {} to leave", time(*latency)),
        why: "A tick that wakes the processor from it is later by as much.",
        cure: "While it matters, keep a file descriptor open on /dev/cpu_dma_latency that was written \
               a zero of four bytes; or `sudo cpupower idle-set -D 50`; or a tuned profile such as \
               latency-performance.",
        hurts: true,
    })
}

/// `PR_SET_TIMERSLACK(2const)`: the default is 50 µs.
fn timer_slack(facts: &Facts) -> Option<Finding> {
    let slack = facts.machine.timer_slack_ns?;
    (slack >= 50_000).then(|| Finding {
        what: match slack {
            50_000 => "The timer slack is 50 µs, as usual".to_owned(),
            more => format!("The timer slack is {}", nanos(more)),
        },
        why: "By so much the kernel may prolong what a thread waits for in a sleep, a poll or a lock \
              with a timeout. Timers that are descriptors are not concerned.",
        cure: "Where a thread's sleep matters: `prctl(PR_SET_TIMERSLACK, 1)` in that thread.",
        hurts: slack > 50_000,
    })
}

/// Each `PeriodicInterval` takes one descriptor, and so does each connection.
fn open_files(facts: &Facts) -> Option<Finding> {
    let limit = facts.open_files?;
    (limit < 1024).then(|| Finding {
        what: format!("The process may open {limit} files"),
        why: "Each connection takes one, and each timer that is a descriptor of its own. `OsInterval` \
              takes two at most for all of a runtime, `PeriodicInterval` one for each.",
        cure: "`ulimit -n 65536`, or LimitNOFILE= in the service's unit.",
        hurts: true,
    })
}

/// Linux's documentation: `scheduler/sched-bwc`.
fn quota(facts: &Facts) -> Option<Finding> {
    let (quota, processors) = (facts.quota?, facts.allowed.or(facts.processors)?);
    #[allow(clippy::cast_precision_loss, reason = "no machine has so many")]
    let tight = quota < processors as f64;
    tight.then(|| Finding {
        what: format!("The container has a quota of {quota:.2} processors"),
        why: "When all its threads together have used that up, none of them runs until the period, \
              usually 100 ms, is over: timers are late by up to as much.",
        cure: "Remove the limit (`docker run` without --cpus, a pod without limits.cpu), or give whole \
               processors (--cpuset-cpus; the static CPU manager policy).",
        hurts: true,
    })
}

/// `sched_setaffinity(2)`, cpuset(7). The restriction is often intended.
fn allowed(facts: &Facts) -> Option<Finding> {
    let (allowed, processors) = (facts.allowed?, facts.processors?);
    (allowed < processors).then(|| Finding {
        what: format!("The process may run on {allowed} of {processors} processors"),
        why: "If others run on these, a tick waits for its turn while processors may be idle elsewhere.",
        cure: "If it is not meant so: look at `taskset -p $$`, CPUAffinity= and AllowedCPUs= in the \
               service's unit, a container's --cpuset-cpus.",
        hurts: false,
    })
}

/// sched(7): set by `nice(1)`, `chrt(1)`, `Nice=` or `CPUSchedulingPolicy=`.
fn priority(facts: &Facts) -> Option<Finding> {
    let scheduling = facts.scheduling?;
    let wrong = scheduling.background.is_some() || scheduling.nice > 0;
    wrong.then(|| Finding {
        what: match (scheduling.background, scheduling.nice) {
            (Some(class), _) => format!("The process is of the class {class}"),
            (None, nice) => format!("The process runs at nice {nice}"),
        },
        why: "Where others want the processor too, they have more of it, and a tick that wakes this \
              process does not take it from them.",
        cure: "Start it from a shell that is not nice itself, without `nice` and `chrt`; look at Nice= and \
               CPUSchedulingPolicy= in the service's unit. To lower it again takes a privilege: \
               `sudo renice -n 0 -p PID`, `sudo chrt -o -p 0 PID`.",
        hurts: true,
    })
}

/// `getloadavg(3)`; on Linux `proc_loadavg(5)`: counts threads that can run, and threads that wait for a
/// disk.
fn load(facts: &Facts) -> Option<Finding> {
    let (load, processors) = (facts.machine.load_average?, facts.processors?);
    #[allow(clippy::cast_precision_loss, reason = "no machine has so many")]
    let full = load > processors as f64;
    full.then(|| Finding {
        what: format!("The load average is {load:.2}, and there are {processors} processors"),
        why: "A tick then waits for its turn, for a slice of some milliseconds. (On Linux threads that \
              wait for a disk count too: these take no processor.)",
        cure: "See how many want to run: the first column of `vmstat 1`. Stop what need not run, or \
               give the program that ticks its own processor (`taskset`, \
               `isolcpus=`) or a real-time priority (`chrt -f 10`).",
        hurts: true,
    })
}

/// Only x86 reports a hypervisor. `proc_stat(5)` reports stolen time on every architecture.
fn virtualised(facts: &Facts) -> Option<Finding> {
    let stolen = facts.stolen.unwrap_or(0.0);
    let stolen = (stolen > 0.01).then_some(stolen * 100.0);
    Some(Finding {
        what: match (facts.machine.virtualised.as_deref(), stolen) {
            (Some("no"), _) | (None, None) => return None,
            (Some("yes"), None) => "This is a virtual machine".to_owned(),
            (Some(name), None) => format!("This is a virtual machine: {name}"),
            (_, Some(stolen)) => {
                format!("A hypervisor has taken {stolen:.1} % of the time for others")
            }
        },
        why: "To set a timer, and to be woken by it, may take a turn through the hypervisor, some \
              microseconds or tens of them; and while others run, nothing here does.",
        cure: "A machine of one's own, or processors of one's own on the host.",
        hurts: stolen.is_some(),
    })
}

/// Microsoft's documentation of `timeBeginPeriod`: since Windows 10, version 2004, the setting applies to the
/// calling process. The period here is the system's.
fn interrupts(facts: &Facts) -> Option<Finding> {
    let period = facts.interrupt_period?;
    (period > Duration::from_millis(2)).then(|| Finding {
        what: format!("Windows' timers are looked at every {}", time(period)),
        why: "Sleeping threads, and timers such as tokio's, are late by up to as much. A waitable \
              timer of high resolution, as tokio-osinterval's, is not concerned.",
        cure: "For those others: `timeBeginPeriod(1)` in the process that waits.",
        hurts: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::facts::Scheduling;
    use crate::machine::Machine;

    fn hurts(
        check: fn(&Facts) -> Option<Finding>,
        change: impl FnOnce(&mut Facts),
    ) -> Option<bool> {
        let mut facts = Facts::default();
        change(&mut facts);
        check(&facts).map(|finding| finding.hurts)
    }

    #[test]
    fn where_nothing_is_known_nothing_is_wrong() {
        let facts = Facts::default();
        for check in CHECKS {
            assert!(
                (check.wrong)(&facts).is_none() && (check.seen)(&facts).is_none(),
                "{}",
                check.subject
            );
        }
    }

    #[test]
    fn a_slow_clock_source() {
        let of = |name: &str| {
            hurts(clock_source, |facts| {
                facts.machine.clock_source = Some(name.into());
            })
        };
        assert_eq!(
            (of("hpet"), of("acpi_pm"), of("i8254")),
            (Some(true), Some(true), Some(true))
        );
        assert_eq!(
            (of("acpihpet0"), of("hpet0"), of("ACPI-Fast")),
            (Some(true), Some(true), Some(true))
        );
        assert_eq!(of("kvmclock"), Some(false));
        assert_eq!(
            (of("tsc"), of("kvm-clock"), of("TSC-low")),
            (None, None, None)
        );
    }

    #[test]
    fn a_coarse_clock() {
        let of = |nanos| {
            hurts(resolution, |facts| {
                facts.resolution = Some(Duration::from_nanos(nanos));
            })
        };
        assert_eq!((of(4_000_000), of(1)), (Some(true), None));
    }

    #[test]
    fn a_slow_governor() {
        let of = |name: &str, driver: &str| {
            hurts(governor, |facts| {
                facts.machine.governor = Some(name.into());
                facts.frequency_driver = Some(driver.into());
            })
        };
        assert_eq!(of("powersave", "acpi-cpufreq"), Some(true));
        assert_eq!(of("powersave", "intel_pstate"), Some(false));
        assert_eq!(of("performance", "acpi-cpufreq"), None);
    }

    #[test]
    fn deep_sleep() {
        let of = |latency| {
            let state = ("C6".to_owned(), Duration::from_micros(latency));
            hurts(idle_states, |facts| facts.idle_states = vec![state])
        };
        assert_eq!((of(133), of(10)), (Some(true), None));
    }

    #[test]
    fn more_slack_than_usual() {
        let of = |slack| {
            hurts(timer_slack, |facts| {
                facts.machine.timer_slack_ns = Some(slack);
            })
        };
        assert_eq!(
            (of(1_000_000), of(50_000), of(1)),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn few_files() {
        let of = |limit| hurts(open_files, |facts| facts.open_files = Some(limit));
        assert_eq!((of(256), of(1024)), (Some(true), None));
    }

    #[test]
    fn a_quota() {
        let of = |share| {
            hurts(quota, |facts| {
                facts.quota = Some(share);
                facts.processors = Some(2);
            })
        };
        assert_eq!((of(0.5), of(2.0)), (Some(true), None));
        assert_eq!(of(f64::INFINITY), None);
        // A process pinned to fewer processors than its quota cannot use the quota up.
        let pinned = hurts(quota, |facts| {
            facts.quota = Some(2.0);
            (facts.allowed, facts.processors) = (Some(2), Some(64));
        });
        assert_eq!(pinned, None);
    }

    #[test]
    fn fewer_processors_than_there_are() {
        let of = |count| {
            hurts(allowed, |facts| {
                (facts.allowed, facts.processors) = (Some(count), Some(4));
            })
        };
        assert_eq!((of(1), of(4)), (Some(false), None));
    }

    #[test]
    fn a_crowded_machine() {
        let of = |average| {
            let machine = Machine {
                load_average: Some(average),
                ..Machine::default()
            };
            hurts(load, |facts| {
                facts.machine = machine;
                facts.processors = Some(2);
            })
        };
        assert_eq!((of(2.5), of(1.5)), (Some(true), None));
    }

    #[test]
    fn a_virtual_machine() {
        let of = |name: Option<&str>, stolen| {
            hurts(virtualised, |facts| {
                facts.machine.virtualised = name.map(str::to_owned);
                facts.stolen = stolen;
            })
        };
        assert_eq!(
            (of(Some("QEMU"), None), of(Some("yes"), Some(0.001))),
            (Some(false), Some(false))
        );
        assert_eq!(
            (of(Some("yes"), Some(0.05)), of(Some("no"), Some(0.05))),
            (Some(true), None)
        );
        // An aarch64 virtual machine does not report that it is one.
        assert_eq!(
            (of(None, Some(0.05)), of(None, Some(0.001))),
            (Some(true), None)
        );
    }

    #[test]
    fn whoever_is_nice_waits() {
        let of = |nice, background| {
            hurts(priority, |facts| {
                facts.scheduling = Some(Scheduling { nice, background });
            })
        };
        assert_eq!((of(19, None), of(1, None)), (Some(true), Some(true)));
        assert_eq!((of(0, None), of(-20, None)), (None, None));
        assert_eq!(of(0, Some("SCHED_IDLE")), Some(true));
    }

    #[test]
    fn windows_at_rest() {
        let of = |micros| {
            hurts(interrupts, |facts| {
                facts.interrupt_period = Some(Duration::from_micros(micros));
            })
        };
        assert_eq!((of(15_625), of(1_000)), (Some(true), None));
    }
}
