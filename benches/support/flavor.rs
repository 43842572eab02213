//! The runtimes that benchmarks run on.

use tokio::runtime::Builder;

#[derive(Clone, Copy)]
pub(crate) enum Flavor {
    CurrentThread,
    /// With two workers.
    MultiThread,
}

impl Flavor {
    pub(crate) const ALL: [Self; 2] = [Self::CurrentThread, Self::MultiThread];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "current_thread",
            Self::MultiThread => "multi_thread(2)",
        }
    }

    pub(crate) fn workers(self) -> u32 {
        match self {
            Self::CurrentThread => 1,
            Self::MultiThread => 2,
        }
    }

    pub(crate) fn builder(self) -> Builder {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::MultiThread => Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all();
        builder
    }
}
