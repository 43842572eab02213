//! The results of a timer, in one round or in all of them.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use super::{Accounts, Served, Tick};
use crate::report::{Bar, Figures, Percentile, Spread};

/// The results of a timer, in one round or in all of them.
#[derive(Debug, Clone)]
pub struct Record {
    /// Lateness of every deadline.
    pub lateness: Histogram<u64>,
    /// Jitter of every tick but the first.
    pub jitter: Histogram<u64>,
    ticks: u64,
    missed: u64,
    bunched: u64,
    early: u64,
    drift: Option<i64>,
    cost: Option<Cost>,
    descriptors: Option<u64>,
}

/// The cost of some ticks. A value that the system does not report is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The number of ticks served between the readings, which may differ from the number that the round
    /// counts.
    pub ticks: u64,
    /// Processor time in nanoseconds.
    pub cpu: Option<u64>,
    /// Context switches.
    pub switches: Option<u64>,
}

impl Default for Record {
    fn default() -> Self {
        // Three digits: 100 µs are accurate to 0.1 µs.
        let empty = || Histogram::new(3).expect("three digits are possible");
        Self {
            lateness: empty(),
            jitter: empty(),
            ticks: 0,
            missed: 0,
            bunched: 0,
            early: 0,
            drift: None,
            cost: None,
            descriptors: None,
        }
    }
}

/// A round in progress.
#[derive(Debug)]
pub struct Round {
    accounts: Accounts,
    record: Record,
}

impl Round {
    /// Creates a round of intervals with these first deadlines, in nanoseconds since the round began.
    pub fn new(period: u64, first: impl IntoIterator<Item = u64>) -> Self {
        Self {
            accounts: Accounts::new(period, first),
            record: Record::default(),
        }
    }

    /// Records a tick of an interval. Reports each deadline that the tick served.
    pub fn tick(&mut self, interval: usize, tick: Tick, mut served: impl FnMut(Served)) {
        let lateness = &mut self.record.lateness;
        let jitter = self.accounts.tick(interval, tick, |one| {
            record(lateness, one.lateness);
            served(one);
        });
        if let Some(jitter) = jitter {
            record(&mut self.record.jitter, jitter);
        }
    }

    /// Records the end of an interval.
    pub fn ended(&mut self, interval: usize, moment: u64) {
        self.accounts.ended(interval, moment);
    }

    /// Returns the lateness so far.
    pub fn lateness(&self) -> &Histogram<u64> {
        &self.record.lateness
    }

    /// Records the cost of the round's ticks and the timers' descriptors, where they were measured.
    pub fn cost(&mut self, cost: Option<Cost>, descriptors: Option<u64>) {
        self.record.cost = cost;
        self.record.descriptors = descriptors;
    }

    /// Ends the round at `now`. Deadlines before `until` that were not served are missed.
    pub fn end(mut self, until: u64, now: u64, mut served: impl FnMut(Served)) -> Record {
        let lateness = &mut self.record.lateness;
        self.accounts.end(until, now, |one| {
            record(lateness, one.lateness);
            served(one);
        });
        self.record.close(&self.accounts);
        self.record
    }
}

/// Records any value: the histogram grows to hold it.
fn record(histogram: &mut Histogram<u64>, value: u64) {
    histogram
        .record(value)
        .expect("any number of 64 bits has its bucket");
}

impl Record {
    fn close(&mut self, accounts: &Accounts) {
        self.ticks = accounts.ticks;
        self.missed = accounts.missed;
        self.bunched = accounts.bunched;
        self.early = accounts.early;
        self.drift = accounts.drift();
    }

    /// Adds a round.
    pub fn add(&mut self, round: &Self) {
        let resizes = "an addend's values are within what fits in 64 bits";
        self.lateness.add(&round.lateness).expect(resizes);
        self.jitter.add(&round.jitter).expect(resizes);
        self.ticks += round.ticks;
        self.missed += round.missed;
        self.bunched += round.bunched;
        self.early += round.early;
        let drifts = [self.drift, round.drift].into_iter().flatten();
        self.drift = drifts.max_by_key(|drift| drift.unsigned_abs());
        self.cost = match (self.cost, round.cost) {
            (Some(before), Some(cost)) => Some(before.and(cost)),
            (before, cost) => before.or(cost),
        };
        self.descriptors = self.descriptors.max(round.descriptors);
    }

    /// Returns the figures, if any deadline passed.
    pub fn figures(&self) -> Option<Figures> {
        Some(Figures {
            deadlines: self.lateness.len(),
            ticks: self.ticks,
            missed: self.missed,
            bunched: self.bunched,
            early: self.early,
            lateness: spread(&self.lateness)?,
            jitter: spread(&self.jitter),
            drift_ns: self.drift,
            cpu_per_tick_ns: self.per_tick(|cost| cost.cpu),
            switches_per_tick: self.per_tick(|cost| cost.switches),
            descriptors: self.descriptors,
            syscalls_per_tick: None,
        })
    }

    #[allow(clippy::cast_precision_loss, reason = "a ratio has three digits")]
    fn per_tick(&self, figure: fn(&Cost) -> Option<u64>) -> Option<f64> {
        let cost = self.cost.filter(|cost| cost.ticks > 0)?;
        Some(figure(&cost)? as f64 / cost.ticks as f64)
    }

    /// Returns the points for a plot that gives each nine the same room.
    pub fn percentiles(&self) -> Vec<Percentile> {
        let point = |step: hdrhistogram::iterators::IterationValue<u64>| Percentile {
            percentile: step.percentile(),
            lateness_ns: step.value_iterated_to(),
        };
        if self.lateness.is_empty() {
            return Vec::new();
        }
        self.lateness.iter_quantiles(10).map(point).collect()
    }

    /// Returns eight bars for each doubling.
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for step in self.lateness.iter_recorded() {
            let (from_ns, to_ns) = bar_of(step.value_iterated_to());
            let count = step.count_since_last_iteration();
            match bars.last_mut() {
                Some(last) if last.from_ns == from_ns => last.count += count,
                _ => bars.push(Bar {
                    from_ns,
                    to_ns,
                    count,
                }),
            }
        }
        bars
    }

    /// Returns the histogram in `HdrHistogram`'s V2 format, deflated.
    pub fn serialized(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.lateness, &mut bytes)
            .expect("nothing refuses to be written to memory");
        bytes
    }
}

impl Cost {
    fn and(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a? + b?);
        Self {
            ticks: self.ticks + other.ticks,
            cpu: sum(self.cpu, other.cpu),
            switches: sum(self.switches, other.switches),
        }
    }
}

fn spread(histogram: &Histogram<u64>) -> Option<Spread> {
    if histogram.is_empty() {
        return None;
    }
    // A bucket may end beyond the extremes; a percentile must not.
    let at = |quantile| {
        histogram
            .value_at_quantile(quantile)
            .clamp(histogram.min(), histogram.max())
    };
    Some(Spread {
        min_ns: histogram.min(),
        mean_ns: histogram.mean(),
        p50_ns: at(0.5),
        p90_ns: at(0.9),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        max_ns: histogram.max(),
    })
}

/// Returns the bar of a value. From 64 up, each power of two has eight bars.
fn bar_of(value: u64) -> (u64, u64) {
    let width = 1 << (value | 64).ilog2().saturating_sub(3);
    let from = value / width * width;
    (from, from.saturating_add(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Tick;
    use hdrhistogram::serialization::Deserializer;
    use proptest::prelude::*;

    const PERIOD: u64 = 1_000_000;

    /// Returns a round of one interval in which tick number n is late by `lateness[n]`.
    fn round(lateness: &[u64]) -> Record {
        let (mut round, mut deadline) = (Round::new(PERIOD, [0]), 0);
        for late in lateness {
            round.tick(
                0,
                Tick {
                    deadline,
                    seen: deadline + late,
                    early: false,
                },
                |_| (),
            );
            deadline += PERIOD;
        }
        round.end(deadline, deadline, |_| ())
    }

    /// A histogram of three digits is accurate to a thousandth.
    fn close(found: u64, true_value: u64) -> bool {
        found.abs_diff(true_value) <= true_value / 1000 + 1
    }

    proptest! {
        #[test]
        fn every_figure_is_right(lateness in prop::collection::vec(0u64..900_000, 1..500)) {
            let figures = round(&lateness).figures().unwrap();
            let mut sorted = lateness.clone();
            sorted.sort_unstable();
            let at = |share: usize| sorted[(sorted.len() * share).div_ceil(1000).max(1) - 1];
            let spread = figures.lateness;
            prop_assert!(close(spread.p50_ns, at(500)));
            prop_assert!(close(spread.p90_ns, at(900)));
            prop_assert!(close(spread.p99_ns, at(990)));
            prop_assert!(close(spread.p999_ns, at(999)));
            prop_assert!(close(spread.max_ns, sorted[sorted.len() - 1]));
            prop_assert!(close(spread.min_ns, sorted[0]));
            let sum: u64 = lateness.iter().sum();
            #[allow(clippy::cast_precision_loss)]
            let mean = sum as f64 / lateness.len() as f64;
            prop_assert!((spread.mean_ns - mean).abs() <= mean / 1000.0 + 1.0);
            let jitters = lateness.windows(2).map(|pair| pair[0].abs_diff(pair[1]));
            match (figures.jitter, jitters.max()) {
                (Some(jitter), Some(longest)) => prop_assert!(close(jitter.max_ns, longest)),
                (jitter, longest) => prop_assert!(jitter.is_none() && longest.is_none()),
            }
            prop_assert_eq!(figures.ticks, lateness.len() as u64);
            prop_assert_eq!((figures.missed, figures.early), (0, 0));
            prop_assert_eq!(figures.drift_ns, (lateness.len() > 1).then_some(0));
        }

        #[test]
        fn every_deadline_is_in_one_bar(values in prop::collection::vec(any::<u64>(), 0..100)) {
            let values: Vec<_> = values.iter().map(|value| value >> 20).collect();
            let mut record = Record::default();
            for value in &values {
                record.lateness.record(*value).unwrap();
            }
            let bars = record.bars();
            prop_assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), values.len() as u64);
            prop_assert!(bars.windows(2).all(|pair| pair[0].to_ns <= pair[1].from_ns));
            for value in values {
                let (from, to) = bar_of(value);
                prop_assert!(from <= value && value < to);
            }
        }
    }

    #[test]
    fn rounds_add_up() {
        let (one, other) = (round(&[10, 20]), round(&[30]));
        let mut all = Record::default();
        // In the first round the readings saw 4 ticks, though only 2 counted.
        let cost = |ticks, cpu| {
            Some(Cost {
                ticks,
                cpu: Some(cpu),
                switches: None,
            })
        };
        all.add(&Record {
            cost: cost(4, 200),
            descriptors: Some(3),
            drift: Some(-7),
            ..one
        });
        all.add(&Record {
            cost: cost(1, 300),
            descriptors: Some(1),
            drift: Some(5),
            ..other
        });
        let figures = all.figures().unwrap();
        assert_eq!((figures.ticks, figures.drift_ns), (3, Some(-7)));
        assert_eq!(
            (figures.cpu_per_tick_ns, figures.switches_per_tick),
            (Some(100.0), None)
        );
        assert_eq!(figures.descriptors, Some(3));
        assert_eq!((figures.lateness.min_ns, figures.lateness.max_ns), (10, 30));
        // A round of unknown cost does not change the cost of the others.
        all.add(&round(&[10, 10]));
        let figures = all.figures().unwrap();
        assert_eq!((figures.ticks, figures.cpu_per_tick_ns), (5, Some(100.0)));
        assert_eq!((figures.drift_ns, figures.descriptors), (Some(-7), Some(3)));
    }

    #[test]
    fn unmeasured_figures_are_absent() {
        let figures = round(&[10]).figures().unwrap();
        assert_eq!((figures.jitter, figures.drift_ns), (None, None));
        let none = Cost {
            ticks: 0,
            cpu: Some(1000),
            switches: Some(1),
        };
        let idle = Record {
            cost: Some(none),
            ..round(&[10])
        };
        let figures = idle.figures().unwrap();
        assert_eq!(
            (figures.cpu_per_tick_ns, figures.switches_per_tick),
            (None, None)
        );
    }

    #[test]
    fn where_nothing_was_due_there_is_nothing() {
        let record = Record::default();
        assert!(
            record.figures().is_none()
                && record.percentiles().is_empty()
                && record.bars().is_empty()
        );
    }

    #[test]
    fn others_can_read_the_histogram() {
        let record = round(&[10, 20, 500_000]);
        let read: Histogram<u64> = Deserializer::new()
            .deserialize(&mut record.serialized().as_slice())
            .unwrap();
        assert_eq!(read, record.lateness);
    }

    #[test]
    fn the_percentiles_end_at_the_latest() {
        let record = round(&[10, 20, 30, 40]);
        let percentiles = record.percentiles();
        assert!(
            percentiles
                .windows(2)
                .all(|pair| pair[0].percentile <= pair[1].percentile)
        );
        let last = percentiles.last().unwrap();
        assert_eq!((last.percentile, last.lateness_ns), (100.0, 40));
    }
}
