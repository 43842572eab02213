//! The machine that a run takes place on.

mod tree;

use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

pub use tree::Tree;

use crate::sys;

/// The known properties of a machine that affect its timers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The operating system and its version.
    pub os: Option<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// The processor's name.
    pub cpu: Option<String>,
    /// Logical processors that this process may use.
    pub cores: Option<usize>,
    /// `no`, `yes`, or the name of the virtual machine's kind.
    pub virtualised: Option<String>,
    /// The kernel's clock source.
    pub clock_source: Option<String>,
    /// The processor's frequency governor.
    pub governor: Option<String>,
    /// How much the kernel may prolong a thread's sleep, to save wake-ups.
    pub timer_slack_ns: Option<u64>,
    /// Runnable threads, averaged over the minute before the run.
    pub load_average: Option<f64>,
}

/// Returns the number of logical processors of the machine, whether or not this process may use them.
pub fn processors() -> Option<usize> {
    let processors = with_processors().cpus().len();
    (processors > 0).then_some(processors)
}

fn with_processors() -> System {
    let only = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    System::new_with_specifics(only)
}

impl Machine {
    /// Reads the properties of this machine.
    pub fn read() -> Self {
        let system = with_processors();
        let brand = system
            .cpus()
            .first()
            .map(|cpu| cpu.brand().trim().to_owned());
        let tree = Tree::of_this_machine();
        Self {
            os: System::long_os_version(),
            kernel: System::kernel_version(),
            cpu: brand.filter(|brand| !brand.is_empty()),
            cores: available_parallelism().ok().map(Into::into),
            load_average: sys::load_average(),
            ..Self::from_files(&tree)
        }
    }

    /// Describes the machine in one line.
    pub fn describe(&self) -> String {
        let virtualised = self.virtualised.as_ref().filter(|kind| *kind != "no");
        let virtualised = virtualised.map(|kind| match kind.as_str() {
            "yes" => "a virtual machine".to_owned(),
            kind => format!("a virtual machine ({kind})"),
        });
        let processors = self.cores.map(|cores| match cores {
            1 => "1 processor".to_owned(),
            cores => format!("{cores} processors"),
        });
        let known = [&self.os, &self.kernel, &self.cpu, &processors, &virtualised];
        let known: Vec<_> = known.into_iter().flatten().map(String::as_str).collect();
        known.join(", ")
    }

    /// Reads the properties that are in files.
    fn from_files(tree: &Tree) -> Self {
        Self {
            virtualised: virtualised(tree),
            clock_source: clock_source(tree),
            governor: governor(tree),
            timer_slack_ns: tree.number("proc/self/timerslack_ns"),
            ..Self::default()
        }
    }
}

/// On x86 a hypervisor sets a bit that `/proc/cpuinfo` shows. The machine's vendor is then the hypervisor's.
fn virtualised(tree: &Tree) -> Option<String> {
    let cpu = tree.text("proc/cpuinfo")?;
    let flags = cpu
        .lines()
        .find_map(|line| line.strip_prefix("flags")?.trim_start().strip_prefix(':'))?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Some("no".to_owned());
    }
    let maker =
        ["sys_vendor", "product_name"].map(|name| tree.text(&format!("sys/class/dmi/id/{name}")));
    let maker: Vec<_> = maker.into_iter().flatten().collect();
    let kind = tree.text("sys/hypervisor/type");
    Some(kind.unwrap_or_else(|| {
        if maker.is_empty() {
            "yes".to_owned()
        } else {
            maker.join(" ")
        }
    }))
}

/// Linux's documentation: `admin-guide/kernel-parameters`, `clocksource`. On FreeBSD, NetBSD and OpenBSD:
/// timecounter(9). On DragonFly, which no longer has timecounters: its `kern_cputimer.c`.
fn clock_source(tree: &Tree) -> Option<String> {
    let linux = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    tree.text(linux)
        .or_else(|| sys::kernel_state("kern.timecounter.hardware"))
        .or_else(|| sys::kernel_state("kern.cputimer.name"))
}

/// Linux's documentation: `admin-guide/pm/cpufreq`.
fn governor(tree: &Tree) -> Option<String> {
    let folder = "sys/devices/system/cpu";
    let of = |cpu: &String| tree.text(&format!("{folder}/{cpu}/cpufreq/scaling_governor"));
    let mut governors: Vec<_> = tree.names(folder, "cpu").iter().filter_map(of).collect();
    governors.sort();
    governors.dedup();
    (!governors.is_empty()).then(|| governors.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn from_files(files: &[(&str, &str)]) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Machine::from_files(&Tree::at(folder.path().to_owned()))
    }

    #[test]
    fn missing_files_give_absent_properties() {
        let machine = from_files(&[("proc/cpuinfo", "processor : 0\nFeatures : fp asimd\n")]);
        assert_eq!(
            (
                machine.virtualised,
                machine.governor,
                machine.timer_slack_ns
            ),
            (None, None, None)
        );
    }

    #[test]
    fn linux_properties_are_parsed() {
        let machine = from_files(&[
            (
                "proc/cpuinfo",
                "processor\t: 0\nflags\t\t: fpu tsc hypervisor\n\nflags\t\t: fpu\n",
            ),
            ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
            ("proc/self/timerslack_ns", "50000\n"),
            (
                "sys/devices/system/clocksource/clocksource0/current_clocksource",
                "kvm-clock\n",
            ),
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "powersave\n",
            ),
            (
                "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
                "performance\n",
            ),
        ]);
        let expected = Machine {
            virtualised: Some("QEMU".to_owned()),
            clock_source: Some("kvm-clock".to_owned()),
            governor: Some("performance and powersave".to_owned()),
            timer_slack_ns: Some(50_000),
            ..Machine::default()
        };
        assert_eq!(machine, expected);
    }

    #[test]
    fn physical_machine_is_recognised() {
        let machine = from_files(&[("proc/cpuinfo", "flags : fpu tsc\n")]);
        assert_eq!(machine.virtualised.as_deref(), Some("no"));
        let machine = from_files(&[("proc/cpuinfo", "flags : hypervisor\n")]);
        assert_eq!(machine.virtualised.as_deref(), Some("yes"));
    }

    #[test]
    fn properties_of_this_machine_are_read() {
        let machine = Machine::read();
        assert!(machine.cores.is_some_and(|cores| cores > 0));
        assert!(machine.os.is_some_and(|os| !os.is_empty()));
    }
}
