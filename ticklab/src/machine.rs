//! Where a run takes place.

use serde::{Deserialize, Serialize};

/// What of a machine bears on its timers, and can be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The operating system and its version.
    pub os: Option<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// The processor's name.
    pub cpu: Option<String>,
    /// Logical processors.
    pub cores: Option<usize>,
    /// Whether it is a virtual machine, and by what.
    pub virtualised: Option<String>,
    /// What the kernel reads the time from.
    pub clock_source: Option<String>,
    /// What decides how fast the processor runs.
    pub governor: Option<String>,
    /// By how much the kernel may make a thread's sleep longer, to save wake-ups.
    pub timer_slack_ns: Option<u64>,
    /// Runnable threads, over the last minute, when the run began.
    pub load_average: Option<f64>,
}

impl Machine {
    /// In the making.
    pub fn read() -> Self {
        Self::default()
    }
}
