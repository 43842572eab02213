//! Runs a program. It is compiled twice: `time` is tokio's module or ours.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, MissedTickBehavior};

use super::program::{Event, Inner, Op, SLOTS};
use super::time;

type InnerFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Timer {
    Interval(time::Interval),
    Sleep(Pin<Box<time::Sleep>>),
    Timeout(
        Pin<Box<time::Timeout<InnerFuture>>>,
        Option<oneshot::Sender<()>>,
    ),
    None,
}

struct Slot {
    timer: Timer,
    /// The waker of the last poll.
    waker: Option<Arc<LoggingWaker>>,
    /// When the timer should wake, in milliseconds. `None` for a timeout around a sleep, which has two deadlines.
    due: Option<Arc<AtomicI64>>,
}

struct LoggingWaker {
    number: u8,
    due: Option<Arc<AtomicI64>>,
    log: Arc<Log>,
    /// Set when the timer has completed. tokio keeps the waker of a completed `Sleep` and wakes it after a
    /// reset, when nothing waits. Other tests check that ours keeps none.
    completed: AtomicBool,
}

struct Log {
    start: Instant,
    events: Mutex<Vec<Event>>,
    /// When the timers were due that woke in this operation: wakers and tasks, each in their order.
    dues: [Mutex<Vec<i64>>; 2],
}

/// Indices of `Log::dues`.
const WAKERS: usize = 0;
const TASKS: usize = 1;

struct Runner {
    log: Arc<Log>,
    slots: Vec<Slot>,
    tasks: JoinSet<()>,
    started: usize,
}

fn ms(millis: u16) -> Duration {
    Duration::from_millis(millis.into())
}

fn from_now(offset: i16) -> Instant {
    let distance = ms(offset.unsigned_abs());
    if offset < 0 {
        Instant::now() - distance
    } else {
        Instant::now() + distance
    }
}

impl Log {
    fn push(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    /// Returns the milliseconds from the start to `instant`.
    fn offset(&self, instant: Instant) -> i64 {
        let after = instant.saturating_duration_since(self.start);
        let before = self.start.saturating_duration_since(instant);
        i64::try_from(after.as_millis()).unwrap() - i64::try_from(before.as_millis()).unwrap()
    }

    fn now(&self) -> i64 {
        self.offset(Instant::now())
    }

    /// Ends an operation, whose events begin at `first`. Sorts the events, because timers that are due at the
    /// same time wake in any order. Checks that the others woke in the order of their deadlines.
    fn end_op(&self, first: usize) {
        self.events.lock().unwrap()[first..].sort();
        for dues in &self.dues {
            let mut dues = dues.lock().unwrap();
            assert!(dues.is_sorted(), "order of wake-ups: {dues:?}");
            dues.clear();
        }
    }
}

impl Wake for LoggingWaker {
    fn wake(self: Arc<Self>) {
        if self.completed.load(Ordering::Relaxed) {
            return;
        }
        if let Some(due) = &self.due {
            let mut dues = self.log.dues[WAKERS].lock().unwrap();
            dues.push(due.load(Ordering::Relaxed));
        }
        let (at, waker) = (self.log.now(), self.number);
        self.log.push(Event::Woken { at, waker });
    }
}

impl Timer {
    fn timeout(after: i16, inner: Inner) -> Self {
        let (sender, future): (_, InnerFuture) = match inner {
            Inner::Never => (None, Box::pin(pending())),
            Inner::Ready => (None, Box::pin(ready(()))),
            Inner::After(millis) => (None, Box::pin(time::sleep(ms(millis)))),
            Inner::Sent => {
                let (sender, receiver) = oneshot::channel();
                let receive = async {
                    // The sender may be dropped.
                    if receiver.await.is_err() {
                        pending::<()>().await;
                    }
                };
                (Some(sender), Box::pin(receive))
            }
        };
        Timer::Timeout(Box::pin(time::timeout_at(from_now(after), future)), sender)
    }

    fn poll(&mut self, log: &Log, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        match self {
            Timer::Interval(interval) => interval
                .poll_tick(cx)
                .map(|tick| Some(Event::Tick(log.offset(tick)))),
            Timer::Sleep(sleep) => sleep.as_mut().poll(cx).map(|()| Some(Event::Slept)),
            Timer::Timeout(timeout, _) => timeout.as_mut().poll(cx).map(|result| {
                // A future that has completed must not be polled again.
                *self = Timer::None;
                Some(match result {
                    Ok(()) => Event::InTime,
                    Err(_) => Event::Elapsed,
                })
            }),
            Timer::None => Poll::Ready(None),
        }
    }
}

impl Slot {
    fn new(timer: Timer, due: Option<i64>) -> Self {
        Self {
            timer,
            waker: None,
            due: due.map(|due| Arc::new(AtomicI64::new(due))),
        }
    }

    fn set_due(&self, at: i64) {
        if let Some(due) = &self.due {
            due.store(at, Ordering::Relaxed);
        }
    }

    fn poll(&mut self, number: u8, log: &Arc<Log>) -> Option<Event> {
        let waker = Arc::new(LoggingWaker {
            number,
            due: self.due.clone(),
            log: Arc::clone(log),
            completed: AtomicBool::new(false),
        });
        let context_waker = Waker::from(Arc::clone(&waker));
        let result = self
            .timer
            .poll(log, &mut Context::from_waker(&context_waker));
        let last = self.waker.replace(Arc::clone(&waker));
        let Poll::Ready(event) = result else {
            return Some(Event::Pending);
        };
        for waker in last.iter().chain([&waker]) {
            waker.completed.store(true, Ordering::Relaxed);
        }
        if let (Timer::Interval(interval), Some(Event::Tick(tick))) = (&self.timer, &event) {
            let due = self.due.as_ref().map(|due| due.load(Ordering::Relaxed));
            assert_eq!(due, Some(*tick), "the tick returns its deadline");
            self.set_due(next_due(interval, *tick, log.now()));
        }
        event
    }
}

/// Returns when an interval is due next, after a tick that was due at `tick` and taken at `now`.
fn next_due(interval: &time::Interval, tick: i64, now: i64) -> i64 {
    let period = i64::try_from(interval.period().as_millis()).unwrap();
    let missed = now > tick + 5;
    match interval.missed_tick_behavior() {
        MissedTickBehavior::Delay if missed => now + period,
        MissedTickBehavior::Skip if missed => now + period - (now - tick) % period,
        _ => tick + period,
    }
}

impl Runner {
    /// Yields until both kinds of timers have fired and the tasks have run.
    async fn settle() {
        for _ in 0..4 {
            yield_now().await;
        }
    }

    fn spawn(&mut self, Slot { mut timer, due, .. }: Slot, ticks: u8) {
        let (log, number) = (Arc::clone(&self.log), self.started);
        self.started += 1;
        let rounds = match timer {
            Timer::Interval(_) => ticks,
            _ => 1,
        };
        self.tasks.spawn(async move {
            for _ in 0..rounds {
                let mut woken = false;
                let event = std::future::poll_fn(|cx| {
                    let polled = timer.poll(&log, cx);
                    woken |= polled.is_pending();
                    polled
                });
                if let Some(event) = event.await.map(Box::new) {
                    let due = match *event {
                        Event::Tick(tick) => Some(tick),
                        _ => due.as_ref().map(|due| due.load(Ordering::Relaxed)),
                    };
                    // A tick that needed no wait belongs to the last wake-up.
                    if let (true, Some(due)) = (woken, due) {
                        log.dues[TASKS].lock().unwrap().push(due);
                    }
                    let at = log.now();
                    log.push(Event::Task { at, number, event });
                }
            }
        });
    }

    async fn run(&mut self, op: Op) {
        let Self { log, slots, .. } = self;
        let now = log.now();
        match op {
            Op::Interval {
                slot,
                start,
                period,
            } => {
                let interval = super::interval_at(from_now(start), ms(period));
                slots[slot] = Slot::new(Timer::Interval(interval), Some(now + i64::from(start)));
            }
            Op::Sleep { slot, after } => {
                let sleep = Box::pin(time::sleep_until(from_now(after)));
                slots[slot] = Slot::new(Timer::Sleep(sleep), Some(now + i64::from(after)));
            }
            Op::Timeout { slot, after, inner } => {
                let due = match inner {
                    Inner::Never | Inner::Sent => Some(now + i64::from(after)),
                    Inner::Ready | Inner::After(_) => None,
                };
                slots[slot] = Slot::new(Timer::timeout(after, inner), due);
            }
            Op::Drop { slot } => slots[slot].timer = Timer::None,
            Op::Poll { slot, waker } => {
                if let Some(event) = slots[slot].poll(waker, log) {
                    log.push(event);
                }
            }
            Op::Reset { slot } => {
                let slot = &mut slots[slot];
                if let Timer::Interval(interval) = &mut slot.timer {
                    let period = i64::try_from(interval.period().as_millis()).unwrap();
                    interval.reset();
                    slot.set_due(now + period);
                }
            }
            Op::ResetImmediately { slot } => {
                let slot = &mut slots[slot];
                if let Timer::Interval(interval) = &mut slot.timer {
                    interval.reset_immediately();
                    slot.set_due(now);
                }
            }
            Op::ResetAfter { slot, after } => {
                let slot = &mut slots[slot];
                if let Timer::Interval(interval) = &mut slot.timer {
                    interval.reset_after(ms(after));
                    slot.set_due(now + i64::from(after));
                }
            }
            Op::ResetAt { slot, offset } => {
                let slot = &mut slots[slot];
                match &mut slot.timer {
                    Timer::Interval(interval) => interval.reset_at(from_now(offset)),
                    Timer::Sleep(sleep) => sleep.as_mut().reset(from_now(offset)),
                    Timer::Timeout(..) | Timer::None => return,
                }
                slot.set_due(now + i64::from(offset));
            }
            Op::SetBehavior { slot, behavior } => {
                if let Timer::Interval(interval) = &mut slots[slot].timer {
                    interval.set_missed_tick_behavior(behavior);
                }
            }
            Op::Send { slot } => {
                if let Timer::Timeout(_, sender) = &mut slots[slot].timer {
                    sender.take().map(|sender| sender.send(()));
                }
            }
            Op::Spawn { slot, ticks } => {
                let slot = std::mem::replace(&mut slots[slot], Slot::new(Timer::None, None));
                self.spawn(slot, ticks);
            }
            Op::Advance(millis) => tokio::time::advance(ms(millis)).await,
            Op::Wait(millis) => tokio::time::sleep(ms(millis)).await,
        }
        Self::settle().await;
    }

    /// Logs what the methods of the timers return.
    fn log_state(&self) {
        for slot in &self.slots {
            let state = match &slot.timer {
                Timer::Interval(interval) => {
                    format!("{:?}", (interval.period(), interval.missed_tick_behavior()))
                }
                Timer::Sleep(sleep) => {
                    let deadline = self.log.offset(sleep.deadline());
                    format!("{:?}", (deadline, sleep.is_elapsed()))
                }
                Timer::Timeout(..) | Timer::None => continue,
            };
            self.log.push(Event::State(state));
        }
    }
}

async fn events(program: Vec<Op>) -> Vec<Event> {
    // Leave room for instants before the start.
    tokio::time::advance(Duration::from_secs(60)).await;
    let log = Arc::new(Log {
        start: Instant::now(),
        events: Mutex::default(),
        dues: Default::default(),
    });
    let mut runner = Runner {
        log: Arc::clone(&log),
        slots: (0..SLOTS).map(|_| Slot::new(Timer::None, None)).collect(),
        tasks: JoinSet::new(),
        started: 0,
    };
    // All timers that still wait are woken in the end.
    let program = program.into_iter().chain([Op::Wait(60_000)]);
    for (number, op) in program.enumerate() {
        let first = log.events.lock().unwrap().len();
        log.push(Event::Op(number));
        runner.run(op).await;
        log.end_op(first);
        runner.log_state();
    }
    runner.tasks.shutdown().await;
    drop(runner);
    log.events.lock().unwrap().clone()
}

/// Runs `program` on a new runtime whose clock is paused. Returns its events.
pub(crate) fn run(program: Vec<Op>) -> Vec<Event> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(events(program))
}
