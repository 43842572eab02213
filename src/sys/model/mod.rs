//! A kernel and a reactor for a model checker. They follow the rules of the backends with descriptors: readiness
//! stays until it is cleared, a waker is woken once, and registering a waker clears earlier readiness. Time moves
//! from one alarm to the next.

use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;
use std::task::Waker;
use std::time::Duration;

use loom::sync::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::sleep_probe::SleepProbe;
use super::software_periodic::SoftwarePeriodic;
use super::{AlarmEvent, Armed, TimerSource};
use crate::saturating::nanos;

pub(crate) type Periodic = SoftwarePeriodic<Alarm>;

loom::lazy_static! {
    static ref KERNEL: Kernel = Kernel::default();
}

/// The kernel's time zero. It is the same in every execution, since the executions may differ in nothing but the
/// order of their steps.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn kernel() -> &'static Kernel {
    &KERNEL
}

#[derive(Default)]
pub(crate) struct Kernel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    now: u64,
    next_id: usize,
    timers: BTreeMap<usize, Timer>,
    /// How many calls of `arm` to refuse.
    refusals: usize,
    shut_down: bool,
    stopped: bool,
}

#[derive(Default)]
struct Timer {
    deadline: Option<u64>,
    waker: Option<Waker>,
}

impl Kernel {
    pub(crate) fn now(&self) -> Instant {
        self.at(self.state.lock().unwrap().now)
    }

    /// Converts nanoseconds since the kernel's time zero.
    pub(crate) fn at(&self, nanos: u64) -> Instant {
        *BEGINNING + Duration::from_nanos(nanos)
    }

    /// Lets the alarms expire in order until [`stop`](Self::stop) is called.
    pub(crate) fn run(&self) {
        loop {
            let mut state = self.state.lock().unwrap();
            let (id, due) = loop {
                if state.stopped {
                    return;
                }
                let armed = state
                    .timers
                    .iter()
                    .filter_map(|(id, timer)| Some((*id, timer.deadline?)));
                match armed.min_by_key(|(_, deadline)| *deadline) {
                    Some(first) => break first,
                    None => state = self.changed.wait(state).unwrap(),
                }
            };
            state.now = state.now.max(due);
            let timer = state.timers.get_mut(&id).expect("the timer is armed");
            timer.deadline = None;
            let waker = timer.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Ends [`run`](Self::run).
    pub(crate) fn stop(&self) {
        self.state.lock().unwrap().stopped = true;
        self.changed.notify_all();
    }

    /// Refuses to arm the next alarm.
    pub(crate) fn refuse_once(&self) {
        self.state.lock().unwrap().refusals += 1;
    }

    /// Shuts the runtime down: the reactor wakes every waker, and no alarm expires any more.
    pub(crate) fn shut_down(&self) {
        let mut state = self.state.lock().unwrap();
        state.shut_down = true;
        let timers = state.timers.values_mut();
        let wakers: Vec<_> = timers
            .filter_map(|timer| {
                timer.deadline = None;
                timer.waker.take()
            })
            .collect();
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }

    /// Returns the number of open timers.
    pub(crate) fn timers(&self) -> usize {
        self.state.lock().unwrap().timers.len()
    }
}

#[derive(Debug)]
pub(crate) struct Alarm {
    id: usize,
}

impl Alarm {
    pub(crate) const EXACT: bool = false;
    pub(crate) const CAN_BE_EXACT: bool = false;
    pub(crate) const ARMS_AHEAD: bool = true;
    pub(crate) const PER_RUNTIME: bool = true;
    pub(crate) const OUTLIVES_TIMERS: bool = true;

    pub(crate) fn new(_runtime: &Handle, _requires_native: bool) -> io::Result<Self> {
        Ok(Self::open())
    }

    pub(crate) fn second(&self) -> io::Result<Self> {
        Ok(Self::open())
    }

    fn open() -> Self {
        let mut state = kernel().state.lock().unwrap();
        let id = state.next_id;
        state.next_id += 1;
        state.timers.insert(id, Timer::default());
        Self { id }
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        // Declared before the guard, so that it is dropped after it.
        let _replaced;
        let mut state = kernel().state.lock().unwrap();
        if state.shut_down {
            return Err(io::Error::other("shut down"));
        }
        _replaced = self.timer(&mut state).waker.replace(waker.clone());
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        hard_deadline: Instant,
        _slack: Duration,
        _waker: &Waker,
    ) -> io::Result<Armed> {
        let mut state = kernel().state.lock().unwrap();
        if state.refusals > 0 {
            state.refusals -= 1;
            return Err(io::Error::from_raw_os_error(12));
        }
        let shut_down = state.shut_down;
        let deadline = nanos(hard_deadline.saturating_duration_since(*BEGINNING));
        self.timer(&mut state).deadline = Some(deadline).filter(|_| !shut_down);
        kernel().changed.notify_all();
        Ok(Armed::Waiting)
    }

    pub(crate) fn disarm(&mut self) {}

    pub(crate) fn resync(&mut self) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn require_native(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        true
    }

    pub(crate) fn source(&self) -> TimerSource {
        TimerSource::OperatingSystem
    }

    pub(crate) fn clock_moved(&self) -> bool {
        false
    }

    pub(crate) fn probe(&self) -> Option<SleepProbe> {
        None
    }

    pub(crate) fn probed(&mut self, _serves: bool) {}

    pub(crate) fn is_exact(&self) -> bool {
        Self::EXACT
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        None
    }

    fn timer<'a>(&self, state: &'a mut State) -> &'a mut Timer {
        state.timers.get_mut(&self.id).expect("the timer is open")
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let _closed;
        let mut state = kernel().state.lock().unwrap();
        _closed = state.timers.remove(&self.id);
    }
}
