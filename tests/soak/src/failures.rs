//! What has failed.

use std::sync::{Mutex, PoisonError};

use crate::stats::Counter;

/// How many failures are kept. The others are only counted.
const MAX_KEPT: usize = 20;

#[derive(Default)]
pub(crate) struct Failures {
    kept: Mutex<Vec<String>>,
    count: Counter,
}

impl Failures {
    pub(crate) fn add(&self, failure: String) {
        self.count.add(1);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.push(failure);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.get()
    }

    pub(crate) fn print(&self) {
        for failure in &*self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            eprintln!("failed: {failure}");
        }
    }
}
