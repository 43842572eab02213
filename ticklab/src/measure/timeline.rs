//! Lateness over time, in slots of equal length.

use hdrhistogram::Histogram;

use super::Served;
use crate::report::Slot;

/// Number of slots of a run. Two lines of a plot that fills a screen have no room for more.
const SLOTS: u64 = 300;

/// Lateness over time.
#[derive(Debug)]
pub struct Timeline {
    slot: u64,
    slots: Vec<Option<Histogram<u32>>>,
}

impl Timeline {
    /// Creates a timeline for a run with an expected length of `length` nanoseconds.
    pub fn new(length: u64) -> Self {
        Self {
            slot: (length / SLOTS).max(1),
            slots: Vec::new(),
        }
    }

    /// Records a deadline of a round that began `begun` nanoseconds into the run.
    pub fn record(&mut self, begun: u64, served: Served) {
        let Ok(index) = usize::try_from((begun + served.deadline) / self.slot) else {
            return;
        };
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        // One digit is enough for a plot.
        let empty = || Histogram::new(1).expect("one digit is possible");
        self.slots[index]
            .get_or_insert_with(empty)
            .record(served.lateness)
            .expect("any number of 64 bits has its bucket");
    }

    /// Returns the slots that have a deadline.
    pub fn slots(&self) -> Vec<Slot> {
        let slot = |(index, histogram): (u64, &Histogram<u32>)| Slot {
            at_ns: index * self.slot,
            p50_ns: histogram.value_at_quantile(0.5),
            max_ns: histogram.max(),
            count: histogram.len(),
        };
        let indexed = (0..).zip(&self.slots);
        indexed
            .filter_map(|(index, used)| Some(slot((index, used.as_ref()?))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_its_own() {
        let mut timeline = Timeline::new(SLOTS * 100);
        for (begun, deadline, lateness) in [(0, 10, 5), (0, 60, 7), (0, 199, 9), (500, 20, 0)] {
            timeline.record(begun, Served { deadline, lateness });
        }
        let slots = timeline
            .slots()
            .into_iter()
            .map(|slot| (slot.at_ns, slot.max_ns, slot.count));
        assert!(slots.eq([(0, 7, 2), (100, 9, 1), (500, 0, 1)]));
    }
}
