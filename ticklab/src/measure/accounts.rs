//! An account for each interval: the fate of each of its deadlines.
//!
//! A timer that skips missed deadlines fires once for all of them. If only that tick counted, a stall of a
//! hundred periods would be one bad tick among thousands of good ones, and a timer would look better the more
//! deadlines it skips. This error is known as coordinated omission. Here each deadline has its own lateness.
//! A skipped deadline is as late as the tick that replaced it.

use super::{Served, Tick};

/// The accounts of a round's intervals.
#[derive(Debug)]
pub struct Accounts {
    period: u64,
    intervals: Vec<Account>,
    /// Number of ticks.
    pub ticks: u64,
    /// Deadlines that the timer skipped.
    pub missed: u64,
    /// Ticks less than half a period after the previous one.
    pub bunched: u64,
    /// Ticks before their deadline.
    pub early: u64,
}

#[derive(Debug)]
struct Account {
    /// The earliest deadline that has no result yet.
    next: u64,
    /// The latest tick.
    seen: Option<u64>,
    /// When the interval ended.
    ended: Option<u64>,
    /// How far the deadlines have moved from the times that the first tick and the period predict. `None`
    /// before the second tick.
    drift: Option<i64>,
}

impl Accounts {
    /// Creates accounts for intervals with these `first` deadlines.
    pub fn new(period: u64, first: impl IntoIterator<Item = u64>) -> Self {
        let account = |next| Account {
            next,
            seen: None,
            ended: None,
            drift: None,
        };
        Self {
            period,
            intervals: first.into_iter().map(account).collect(),
            ticks: 0,
            missed: 0,
            bunched: 0,
            early: 0,
        }
    }

    /// Reports each deadline that the tick served. Returns how far the time since the previous tick differs
    /// from the period.
    pub fn tick(
        &mut self,
        interval: usize,
        tick: Tick,
        mut served: impl FnMut(Served),
    ) -> Option<u64> {
        let account = &mut self.intervals[interval];
        // The previous tick stands for the deadlines that had passed by then. This tick stands for the whole
        // periods after that. The rest, less than a period, is drift.
        if let Some(before) = account.seen {
            self.missed += account.pass_over(self.period, tick.deadline, before, &mut served);
        }
        let whole = (tick.deadline + 1).saturating_sub(self.period);
        self.missed += account.pass_over(self.period, whole, tick.seen, &mut served);
        if account.seen.is_some() {
            account.move_to(tick.deadline);
        }
        self.early += u64::from(tick.early);
        served(Served {
            deadline: tick.deadline,
            lateness: tick.seen.saturating_sub(tick.deadline),
        });
        self.ticks += 1;
        account.next = tick.deadline + self.period;
        let before = account.seen.replace(tick.seen)?;
        let between = tick.seen.saturating_sub(before);
        self.bunched += u64::from(between * 2 < self.period);
        Some(between.abs_diff(self.period))
    }

    /// Records the end of an interval.
    pub fn ended(&mut self, interval: usize, moment: u64) {
        self.intervals[interval].ended = Some(moment);
    }

    /// Ends the round at `now`, for intervals that have not ended before. Deadlines before `until` without a
    /// tick are missed.
    pub fn end(&mut self, until: u64, now: u64, mut served: impl FnMut(Served)) {
        for account in &mut self.intervals {
            if let Some(seen) = account.seen {
                self.missed += account.pass_over(self.period, until, seen, &mut served);
            }
            let now = account.ended.map_or(now, |ended| ended.max(until));
            self.missed += account.pass_over(self.period, until, now, &mut served);
        }
    }

    /// Returns the largest drift of any interval. `None` if no interval ticked twice.
    pub fn drift(&self) -> Option<i64> {
        let drifts = self.intervals.iter().filter_map(|account| account.drift);
        drifts.max_by_key(|drift| drift.unsigned_abs())
    }
}

impl Account {
    /// Reports the deadlines before `until` that had passed `by` then.
    fn pass_over(
        &mut self,
        period: u64,
        until: u64,
        by: u64,
        served: &mut impl FnMut(Served),
    ) -> u64 {
        let mut missed = 0;
        while self.next < until && self.next <= by {
            served(Served {
                deadline: self.next,
                lateness: by - self.next,
            });
            self.next += period;
            missed += 1;
        }
        missed
    }

    fn move_to(&mut self, deadline: u64) {
        let moved = deadline.abs_diff(self.next).try_into().unwrap_or(i64::MAX);
        let drift = self.drift.get_or_insert(0);
        *drift += if deadline < self.next { -moved } else { moved };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accounts(first: u64) -> Accounts {
        Accounts::new(100, [first])
    }

    /// Returns each deadline with its lateness, and the jitters.
    fn run(accounts: &mut Accounts, ticks: &[(u64, u64)]) -> (Vec<(u64, u64)>, Vec<u64>) {
        let (mut all, mut jitters) = (Vec::new(), Vec::new());
        for &(deadline, seen) in ticks {
            let each = |served: Served| all.push((served.deadline, served.lateness));
            jitters.extend(accounts.tick(
                0,
                Tick {
                    deadline,
                    seen,
                    early: seen < deadline,
                },
                each,
            ));
        }
        (all, jitters)
    }

    #[test]
    fn ticks_in_time() {
        let mut accounts = accounts(0);
        let (all, jitters) = run(&mut accounts, &[(0, 5), (100, 103), (200, 210)]);
        assert_eq!(all, [(0, 5), (100, 3), (200, 10)]);
        assert_eq!(jitters, [2, 7]);
        let figures = (
            accounts.ticks,
            accounts.missed,
            accounts.bunched,
            accounts.early,
        );
        assert_eq!((figures, accounts.drift()), ((3, 0, 0, 0), Some(0)));
    }

    #[test]
    fn a_burst_is_bunched_and_serves_each() {
        let mut accounts = accounts(0);
        let (all, _) = run(
            &mut accounts,
            &[(0, 0), (100, 350), (200, 351), (300, 352), (400, 401)],
        );
        assert_eq!(all, [(0, 0), (100, 250), (200, 151), (300, 52), (400, 1)]);
        // The last tick too: it comes 49 after the previous one.
        assert_eq!(
            (accounts.missed, accounts.bunched, accounts.drift()),
            (0, 3, Some(0))
        );
    }

    #[test]
    fn what_is_skipped_is_late_by_the_tick_that_stood_for_it() {
        let mut accounts = accounts(0);
        let (all, _) = run(&mut accounts, &[(0, 0), (100, 350), (400, 401)]);
        assert_eq!(all, [(0, 0), (100, 250), (200, 150), (300, 50), (400, 1)]);
        assert_eq!(
            (accounts.ticks, accounts.missed, accounts.drift()),
            (3, 2, Some(0))
        );
    }

    #[test]
    fn what_is_left_out_without_a_late_tick_is_late_by_the_next_one() {
        let mut accounts = accounts(0);
        let (all, _) = run(&mut accounts, &[(0, 5), (350, 352), (450, 451)]);
        assert_eq!(all, [(0, 5), (100, 252), (200, 152), (350, 2), (450, 1)]);
        assert_eq!((accounts.missed, accounts.drift()), (2, Some(50)));
    }

    #[test]
    fn a_delayed_schedule_drifts() {
        let mut accounts = accounts(0);
        let (all, _) = run(&mut accounts, &[(0, 0), (100, 350), (450, 450), (550, 551)]);
        assert_eq!(
            all,
            [
                (0, 0),
                (100, 250),
                (200, 150),
                (300, 50),
                (450, 0),
                (550, 1)
            ]
        );
        assert_eq!((accounts.missed, accounts.drift()), (2, Some(50)));
    }

    #[test]
    fn an_early_tick_is_counted_and_not_late() {
        let mut accounts = accounts(50);
        let (all, _) = run(&mut accounts, &[(50, 49), (150, 150)]);
        assert_eq!(all, [(50, 0), (150, 0)]);
        assert_eq!(accounts.early, 1);
    }

    #[test]
    fn nothing_hides_a_stall_that_lasts_to_the_end() {
        let mut accounts = accounts(0);
        let (mut all, _) = run(&mut accounts, &[(0, 0), (100, 250)]);
        accounts.end(500, 1000, |served| {
            all.push((served.deadline, served.lateness));
        });
        // The deadline 200 had passed when 100 was served. The later ones were never served.
        assert_eq!(all, [(0, 0), (100, 150), (200, 50), (300, 700), (400, 600)]);
        assert_eq!(accounts.missed, 3);
    }

    #[test]
    fn what_is_left_out_before_the_first_tick_is_late_by_that() {
        let mut accounts = accounts(0);
        let (all, _) = run(&mut accounts, &[(230, 232), (330, 330)]);
        assert_eq!(all, [(0, 232), (100, 132), (230, 2), (330, 0)]);
        assert_eq!((accounts.missed, accounts.drift()), (2, Some(0)));
    }

    #[test]
    fn an_interval_that_never_ticks_has_missed_all() {
        let mut accounts = accounts(20);
        let mut all = Vec::new();
        accounts.end(300, 400, |served| {
            all.push((served.deadline, served.lateness));
        });
        assert_eq!(accounts.drift(), None);
        assert_eq!(all, [(20, 380), (120, 280), (220, 180)]);
        assert_eq!((accounts.ticks, accounts.missed), (0, 3));
    }

    proptest! {
        /// For each behaviour, up to the end. Deadlines stay in order.
        #[test]
        fn every_deadline_has_its_lateness(
            stalls in prop::collection::vec((0u64..50, 0u64..1000), 1..50),
            skips in any::<bool>(),
        ) {
            let (mut accounts, mut all) = (accounts(0), Vec::new());
            let (mut now, mut deadline) = (0, 0);
            let ticks = stalls.len();
            for (late, stall) in stalls {
                now = now.max(deadline + late);
                accounts.tick(0, Tick { deadline, seen: now, early: false }, |served| all.push(served));
                now += stall;
                deadline += 100;
                // A skip passes over the deadlines that had passed when the consumer returned.
                let last_seen = all.last().map_or(0, |last: &Served| last.deadline + last.lateness);
                while skips && deadline <= last_seen {
                    deadline += 100;
                }
            }
            accounts.end(deadline, now.max(deadline), |served| all.push(served));
            let deadlines: Vec<_> = all.iter().map(|served| served.deadline).collect();
            let expected: Vec<_> = (0..deadline / 100).map(|n| n * 100).collect();
            prop_assert_eq!(deadlines, expected);
            prop_assert_eq!(accounts.ticks + accounts.missed, deadline / 100);
            prop_assert_eq!(accounts.early, 0);
            prop_assert_eq!(accounts.drift(), (ticks > 1).then_some(0));
            prop_assert_eq!(accounts.missed == 0 || skips, true);
        }
    }
}
