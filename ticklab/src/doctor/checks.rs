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
    pub fix: &'static str,
    /// `false` for a note, which only informs.
    pub is_problem: bool,
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
const FAST_SOURCES: [&str; 12] = [
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
const SLOW_SOURCES: [&str; 13] = [
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
    let slow = SLOW_SOURCES.contains(&source) || SLOW_SOURCES.contains(&device);
    (!FAST_SOURCES.contains(&source)).then(|| Finding {
        what: if slow {
            format!("The clock source is {source}")
        } else {
            format!("The clock source is {source}, which may be slow")
        },
        why: "A slow source needs a system call that reads a device, a microsecond or more. A \
              timer reads the clock at least once a tick; a spinning timer reads it all the time.",
        fix: "Find out why the kernel does not use the processor's counter: `dmesg | grep -i -e \
              tsc -e clocksource`. If it is available, select it. On x86 Linux: `echo tsc | sudo \
              tee \
               /sys/devices/system/clocksource/clocksource0/current_clocksource`, or boot with \
               `clocksource=tsc tsc=reliable`. On a BSD: sysctl kern.timecounter.hardware.",
        is_problem: slow,
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
        why: "No timer of this system can fire between two such steps.",
        fix: "On Linux, boot without `highres=off` and use a kernel with CONFIG_HIGH_RES_TIMERS.",
        is_problem: true,
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
            "The processor raises its frequency under load, with a delay: a tick after a pause is \
              slower."
        } else {
            "The processor stays at its lowest frequency, so all work of a tick takes longer."
        },
        fix: "`sudo cpupower frequency-set -g performance`.",
        is_problem: !itself,
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
        what: format!(
            "An idle processor may enter the state {name}, which takes {} to leave",
            time(*latency)
        ),
        why: "A tick that wakes the processor from this state is late by that time.",
        fix: "Write four zero bytes to /dev/cpu_dma_latency and keep the file open; or run `sudo \
              cpupower idle-set -D 50`; or use a tuned profile such as latency-performance.",
        is_problem: true,
    })
}

/// `PR_SET_TIMERSLACK(2const)`: the default is 50 µs.
fn timer_slack(facts: &Facts) -> Option<Finding> {
    let slack = facts.machine.timer_slack_ns?;
    (slack >= 50_000).then(|| Finding {
        what: match slack {
            50_000 => "The timer slack is 50 µs, the default".to_owned(),
            more => format!("The timer slack is {}", nanos(more)),
        },
        why: "The kernel may prolong a thread's sleep, poll or lock with a timeout by this much. \
              Timers that are descriptors are not affected.",
        fix: "Call `prctl(PR_SET_TIMERSLACK, 1)` in threads whose sleeps must be precise.",
        is_problem: slack > 50_000,
    })
}

/// Each `PeriodicInterval` takes one descriptor, and so does each connection.
fn open_files(facts: &Facts) -> Option<Finding> {
    let limit = facts.open_files?;
    (limit < 1024).then(|| Finding {
        what: format!("The process may open {limit} files"),
        why: "Each connection takes a descriptor, and so does each `PeriodicInterval`. All the \
              `OsInterval`s of a runtime share at most two.",
        fix: "Run `ulimit -n 65536`, or set LimitNOFILE= in the service's unit.",
        is_problem: true,
    })
}

/// Linux's documentation: `scheduler/sched-bwc`.
fn quota(facts: &Facts) -> Option<Finding> {
    let (quota, processors) = (facts.quota?, facts.allowed.or(facts.processors)?);
    #[allow(clippy::cast_precision_loss, reason = "processor counts are small")]
    let tight = quota < processors as f64;
    tight.then(|| Finding {
        what: format!("The container has a quota of {quota:.2} processors"),
        why: "When the container's threads have used up the quota, none of them runs until the end \
              of the period, usually 100 ms. Timers are late by up to that long.",
        fix: "Remove the limit (`docker run` without --cpus, a pod without limits.cpu), or assign \
              whole processors (--cpuset-cpus; the static CPU manager policy).",
        is_problem: true,
    })
}

/// `sched_setaffinity(2)`, cpuset(7). The restriction is often intended.
fn allowed(facts: &Facts) -> Option<Finding> {
    let (allowed, processors) = (facts.allowed?, facts.processors?);
    (allowed < processors).then(|| Finding {
        what: format!("The process may run on {allowed} of {processors} processors"),
        why: "If other processes use these processors, a tick waits for its turn even while other \
              processors are idle.",
        fix: "If this is not intended, check `taskset -p $$`, CPUAffinity= and AllowedCPUs= in the \
              service's unit, and a container's --cpuset-cpus.",
        is_problem: false,
    })
}

/// sched(7): set by `nice(1)`, `chrt(1)`, `Nice=` or `CPUSchedulingPolicy=`.
fn priority(facts: &Facts) -> Option<Finding> {
    let scheduling = facts.scheduling?;
    let wrong = scheduling.background.is_some() || scheduling.nice > 0;
    wrong.then(|| Finding {
        what: match (scheduling.background, scheduling.nice) {
            (Some(class), _) => format!("The process has the scheduling class {class}"),
            (None, nice) => format!("The process runs at nice {nice}"),
        },
        why: "Other processes get more of the processor, and a tick that wakes this process does \
              not preempt them.",
        fix: "Start the process without `nice` and `chrt`, from a shell at nice 0. Check Nice= and \
              CPUSchedulingPolicy= in the service's unit. For a running process: `sudo renice -n 0 \
              -p PID`, `sudo chrt -o -p 0 PID`.",
        is_problem: true,
    })
}

/// `getloadavg(3)`; on Linux `proc_loadavg(5)`: counts threads that can run, and threads that wait for a
/// disk.
fn load(facts: &Facts) -> Option<Finding> {
    let (load, processors) = (facts.machine.load_average?, facts.processors?);
    #[allow(clippy::cast_precision_loss, reason = "processor counts are small")]
    let full = load > processors as f64;
    full.then(|| Finding {
        what: format!("The load average is {load:.2} on {processors} processors"),
        why: "A tick has to wait for a processor, for a time slice of some milliseconds. (On Linux \
              the average includes threads that wait for a disk; these need no processor.)",
        fix: "The first column of `vmstat 1` is the number of threads that want to run. Stop other \
              programs, or give yours its own processor (`taskset`, `isolcpus=`) or a real-time \
              priority (`chrt -f 10`).",
        is_problem: true,
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
                format!("A hypervisor has given {stolen:.1} % of the time to other machines")
            }
        },
        why: "Setting a timer and waking from it may go through the hypervisor, which takes from \
              one to some tens of microseconds. While other machines run, this one does not.",
        fix: "Use a physical machine, or dedicated processors on the host.",
        is_problem: stolen.is_some(),
    })
}

/// Microsoft's documentation of `timeBeginPeriod`: since Windows 10, version 2004, the setting applies to the
/// calling process. The period here is the system's.
fn interrupts(facts: &Facts) -> Option<Finding> {
    let period = facts.interrupt_period?;
    (period > Duration::from_millis(2)).then(|| Finding {
        what: format!("Windows checks its timers every {}", time(period)),
        why: "Sleeping threads, and timers such as tokio's, are late by up to that long. \
              High-resolution waitable timers, such as tokio-osinterval's, are not affected.",
        fix: "Call `timeBeginPeriod(1)` in the waiting process.",
        is_problem: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::facts::Scheduling;
    use crate::machine::Machine;

    fn is_problem(
        check: fn(&Facts) -> Option<Finding>,
        change: impl FnOnce(&mut Facts),
    ) -> Option<bool> {
        let mut facts = Facts::default();
        change(&mut facts);
        check(&facts).map(|finding| finding.is_problem)
    }

    #[test]
    fn unknown_facts_are_no_problem() {
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
    fn slow_clock_source_is_a_problem() {
        let of = |name: &str| {
            is_problem(clock_source, |facts| {
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
    fn coarse_clock_is_a_problem() {
        let of = |nanos| {
            is_problem(resolution, |facts| {
                facts.resolution = Some(Duration::from_nanos(nanos));
            })
        };
        assert_eq!((of(4_000_000), of(1)), (Some(true), None));
    }

    #[test]
    fn powersave_governor_is_a_problem() {
        let of = |name: &str, driver: &str| {
            is_problem(governor, |facts| {
                facts.machine.governor = Some(name.into());
                facts.frequency_driver = Some(driver.into());
            })
        };
        assert_eq!(of("powersave", "acpi-cpufreq"), Some(true));
        assert_eq!(of("powersave", "intel_pstate"), Some(false));
        assert_eq!(of("performance", "acpi-cpufreq"), None);
    }

    #[test]
    fn deep_idle_state_is_a_problem() {
        let of = |latency| {
            let state = ("C6".to_owned(), Duration::from_micros(latency));
            is_problem(idle_states, |facts| facts.idle_states = vec![state])
        };
        assert_eq!((of(133), of(10)), (Some(true), None));
    }

    #[test]
    fn large_timer_slack_is_a_problem() {
        let of = |slack| {
            is_problem(timer_slack, |facts| {
                facts.machine.timer_slack_ns = Some(slack);
            })
        };
        assert_eq!(
            (of(1_000_000), of(50_000), of(1)),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn low_file_limit_is_a_problem() {
        let of = |limit| is_problem(open_files, |facts| facts.open_files = Some(limit));
        assert_eq!((of(256), of(1024)), (Some(true), None));
    }

    #[test]
    fn quota_below_the_processors_is_a_problem() {
        let of = |share| {
            is_problem(quota, |facts| {
                facts.quota = Some(share);
                facts.processors = Some(2);
            })
        };
        assert_eq!((of(0.5), of(2.0)), (Some(true), None));
        assert_eq!(of(f64::INFINITY), None);
        // A process pinned to fewer processors than its quota cannot use the quota up.
        let pinned = is_problem(quota, |facts| {
            facts.quota = Some(2.0);
            (facts.allowed, facts.processors) = (Some(2), Some(64));
        });
        assert_eq!(pinned, None);
    }

    #[test]
    fn restricted_affinity_is_a_note() {
        let of = |count| {
            is_problem(allowed, |facts| {
                (facts.allowed, facts.processors) = (Some(count), Some(4));
            })
        };
        assert_eq!((of(1), of(4)), (Some(false), None));
    }

    #[test]
    fn load_above_the_processors_is_a_problem() {
        let of = |average| {
            let machine = Machine {
                load_average: Some(average),
                ..Machine::default()
            };
            is_problem(load, |facts| {
                facts.machine = machine;
                facts.processors = Some(2);
            })
        };
        assert_eq!((of(2.5), of(1.5)), (Some(true), None));
    }

    #[test]
    fn virtual_machine_is_a_note_unless_time_is_stolen() {
        let of = |name: Option<&str>, stolen| {
            is_problem(virtualised, |facts| {
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
    fn low_priority_is_a_problem() {
        let of = |nice, background| {
            is_problem(priority, |facts| {
                facts.scheduling = Some(Scheduling { nice, background });
            })
        };
        assert_eq!((of(19, None), of(1, None)), (Some(true), Some(true)));
        assert_eq!((of(0, None), of(-20, None)), (None, None));
        assert_eq!(of(0, Some("SCHED_IDLE")), Some(true));
    }

    #[test]
    fn long_interrupt_period_is_a_problem() {
        let of = |micros| {
            is_problem(interrupts, |facts| {
                facts.interrupt_period = Some(Duration::from_micros(micros));
            })
        };
        assert_eq!((of(15_625), of(1_000)), (Some(true), None));
    }
}
