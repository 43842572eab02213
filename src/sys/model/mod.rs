//! A kernel and a reactor for a model checker, by the rules of the descriptors' backends: what is
//! ready stays so until it is cleared, a waker is told once, and whoever registers has cleared what
//! was there before. Time goes from one alarm to the next.

mod clock;

use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;
use std::task::Waker;
use std::time::Duration;

use loom::sync::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{AlarmEvent, Armed, SleepProbe, TimerSource};
use crate::saturating::nanos;

pub(crate) use clock::TokioClock;

loom::lazy_static! {
    static ref KERNEL: Kernel = Kernel::default();
}

/// Its moment zero: the same for all that a checker tries, which must not differ in anything else.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The one there is.
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
    made: usize,
    timers: BTreeMap<usize, Timer>,
    /// So many times an alarm will not be armed.
    refusals: usize,
    shut_down: bool,
    stopped: bool,
}

#[derive(Default)]
struct Timer {
    armed: Option<u64>,
    waker: Option<Waker>,
}

impl Kernel {
    pub(crate) fn now(&self) -> Instant {
        self.at(self.state.lock().unwrap().now)
    }

    /// That moment, in nanoseconds since the beginning.
    pub(crate) fn at(&self, moment: u64) -> Instant {
        *BEGINNING + Duration::from_nanos(moment)
    }

    /// Lets each alarm expire in its turn, until [`stop`](Self::stop).
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
                    .filter_map(|(id, timer)| Some((*id, timer.armed?)));
                match armed.min_by_key(|(_, armed)| *armed) {
                    Some(first) => break first,
                    None => state = self.changed.wait(state).unwrap(),
                }
            };
            state.now = state.now.max(due);
            let timer = state.timers.get_mut(&id).expect("it is armed");
            timer.armed = None;
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

    /// The next alarm cannot be armed.
    pub(crate) fn refuse_once(&self) {
        self.state.lock().unwrap().refusals += 1;
    }

    /// The runtime ends: its reactor tells everyone, and no alarm expires any more.
    pub(crate) fn shut_down(&self) {
        let mut state = self.state.lock().unwrap();
        state.shut_down = true;
        let timers = state.timers.values_mut();
        let wakers: Vec<_> = timers
            .filter_map(|timer| {
                timer.armed = None;
                timer.waker.take()
            })
            .collect();
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }

    /// Timers that are open.
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

    pub(crate) fn new(_runtime: &Handle, _insists: bool) -> io::Result<Self> {
        Ok(Self::open())
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

    pub(crate) fn second(&self) -> io::Result<Self> {
        Ok(Self::open())
    }

    fn open() -> Self {
        let mut state = kernel().state.lock().unwrap();
        let id = state.made;
        state.made += 1;
        state.timers.insert(id, Timer::default());
        Self { id }
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        // Declared before the guard, to be dropped after it.
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
        latest: Instant,
        _slack: Duration,
        _waker: &Waker,
    ) -> io::Result<Armed> {
        let mut state = kernel().state.lock().unwrap();
        if state.refusals > 0 {
            state.refusals -= 1;
            return Err(io::Error::from_raw_os_error(12));
        }
        let shut_down = state.shut_down;
        let moment = nanos(latest.saturating_duration_since(*BEGINNING));
        self.timer(&mut state).armed = Some(moment).filter(|_| !shut_down);
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

    pub(crate) fn is_exact(&self) -> bool {
        Self::EXACT
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        None
    }

    fn timer<'a>(&self, state: &'a mut State) -> &'a mut Timer {
        state.timers.get_mut(&self.id).expect("it is open")
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let _closed;
        let mut state = kernel().state.lock().unwrap();
        _closed = state.timers.remove(&self.id);
    }
}
