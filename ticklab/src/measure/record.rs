//! What a timer did, in one round or in all of them.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use super::{Accounts, Served, Tick};
use crate::report::{Bar, Figures, Percentile, Spread};

/// What a timer did, in one round or in all of them.
#[derive(Debug, Clone)]
pub struct Record {
    /// Of every deadline.
    pub lateness: Histogram<u64>,
    /// Of every tick but the first.
    pub jitter: Histogram<u64>,
    ticks: u64,
    missed: u64,
    bunched: u64,
    early: u64,
    drift: i64,
    /// What it cost, of the system's means.
    pub cost: Cost,
}

/// What a timer cost. What cannot be told is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Processor time in nanoseconds.
    pub cpu: Option<u64>,
    /// Context switches.
    pub switches: Option<u64>,
    /// Descriptors.
    pub descriptors: Option<u64>,
}

impl Default for Record {
    fn default() -> Self {
        // Three digits: a hundred microseconds to a tenth of one.
        let empty = || Histogram::new(3).expect("three digits are possible");
        Self {
            lateness: empty(),
            jitter: empty(),
            ticks: 0,
            missed: 0,
            bunched: 0,
            early: 0,
            drift: 0,
            cost: Cost::default(),
        }
    }
}

/// A round that goes on.
#[derive(Debug)]
pub struct Round {
    accounts: Accounts,
    record: Record,
}

impl Round {
    /// Of intervals whose first deadlines, in nanoseconds since it began, are these.
    pub fn new(period: u64, first: impl IntoIterator<Item = u64>) -> Self {
        Self {
            accounts: Accounts::new(period, first),
            record: Record::default(),
        }
    }

    /// An interval has fired. Tells of each deadline that it has served.
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

    /// An interval has ended.
    pub fn ended(&mut self, interval: usize, moment: u64) {
        self.accounts.ended(interval, moment);
    }

    /// Lateness so far.
    pub fn lateness(&self) -> &Histogram<u64> {
        &self.record.lateness
    }

    /// It is over at `now`. What was due before `until` and has not been served has been missed.
    pub fn end(
        mut self,
        until: u64,
        now: u64,
        cost: Cost,
        mut served: impl FnMut(Served),
    ) -> Record {
        let lateness = &mut self.record.lateness;
        self.accounts.end(until, now, |one| {
            record(lateness, one.lateness);
            served(one);
        });
        self.record.close(&self.accounts, cost);
        self.record
    }
}

/// Whatever it is, the histogram grows to hold it.
fn record(histogram: &mut Histogram<u64>, value: u64) {
    histogram
        .record(value)
        .expect("any number of 64 bits has its bucket");
}

impl Record {
    fn close(&mut self, accounts: &Accounts, cost: Cost) {
        self.ticks = accounts.ticks;
        self.missed = accounts.missed;
        self.bunched = accounts.bunched;
        self.early = accounts.early;
        self.drift = accounts.drift();
        self.cost = cost;
    }

    /// One round more.
    pub fn add(&mut self, round: &Self) {
        let resizes = "an addend's values are within what fits in 64 bits";
        self.lateness.add(&round.lateness).expect(resizes);
        self.jitter.add(&round.jitter).expect(resizes);
        let first = self.ticks == 0 && self.missed == 0;
        self.ticks += round.ticks;
        self.missed += round.missed;
        self.bunched += round.bunched;
        self.early += round.early;
        if round.drift.unsigned_abs() > self.drift.unsigned_abs() {
            self.drift = round.drift;
        }
        self.cost = if first {
            round.cost
        } else {
            self.cost.and(round.cost)
        };
    }

    /// In numbers, if anything was due.
    #[allow(clippy::cast_precision_loss, reason = "a ratio has three digits")]
    pub fn figures(&self) -> Option<Figures> {
        let per_tick = |cost: u64| cost as f64 / self.ticks as f64;
        let ticked = self.ticks > 0;
        (!self.lateness.is_empty()).then(|| Figures {
            deadlines: self.lateness.len(),
            ticks: self.ticks,
            missed: self.missed,
            bunched: self.bunched,
            early: self.early,
            lateness: spread(&self.lateness),
            jitter: spread(&self.jitter),
            drift_ns: self.drift,
            cpu_per_tick_ns: self.cost.cpu.filter(|_| ticked).map(per_tick),
            switches_per_tick: self.cost.switches.filter(|_| ticked).map(per_tick),
            descriptors: self.cost.descriptors,
            syscalls_per_tick: None,
        })
    }

    /// For a plot whose axis has the same room for each digit nine.
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

    /// Eight for each doubling.
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

    /// In `HdrHistogram`'s V2 format, deflated.
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
            cpu: sum(self.cpu, other.cpu),
            switches: sum(self.switches, other.switches),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }
}

fn spread(histogram: &Histogram<u64>) -> Spread {
    if histogram.is_empty() {
        return Spread::default();
    }
    // No percentile is beyond the extremes, whatever the end of its bucket is.
    let at = |quantile| {
        histogram
            .value_at_quantile(quantile)
            .clamp(histogram.min(), histogram.max())
    };
    Spread {
        min_ns: histogram.min(),
        mean_ns: histogram.mean(),
        p50_ns: at(0.5),
        p90_ns: at(0.9),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        max_ns: histogram.max(),
    }
}

/// The bar that a value belongs to: each power of two is divided into eight, from 64 up.
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

    /// A round of one interval whose tick number n is late by `lateness[n]`.
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
        round.end(deadline, deadline, Cost::default(), |_| ())
    }

    /// The values of a histogram of three digits are right to a thousandth.
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
            prop_assert!(close(figures.jitter.max_ns, jitters.max().unwrap_or(0)));
            prop_assert_eq!(figures.ticks, lateness.len() as u64);
            prop_assert_eq!((figures.missed, figures.early, figures.drift_ns), (0, 0, 0));
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
        let cost = |cpu, descriptors| Cost {
            cpu: Some(cpu),
            switches: None,
            descriptors: Some(descriptors),
        };
        all.add(&Record {
            cost: cost(100, 3),
            drift: -7,
            ..one
        });
        all.add(&Record {
            cost: cost(200, 1),
            drift: 5,
            ..other
        });
        let figures = all.figures().unwrap();
        assert_eq!((figures.ticks, figures.drift_ns), (3, -7));
        assert_eq!(
            (figures.cpu_per_tick_ns, figures.switches_per_tick),
            (Some(100.0), None)
        );
        assert_eq!(figures.descriptors, Some(3));
        assert_eq!((figures.lateness.min_ns, figures.lateness.max_ns), (10, 30));
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
