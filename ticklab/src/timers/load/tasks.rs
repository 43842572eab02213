//! Tasks that keep each of the runtime's threads busy for a share of the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, yield_now};

use super::share::Share;
use crate::choice::LoadKind;
use crate::plan::Plan;

/// Tasks that keep the runtime busy until this is dropped or the turn is stopped.
#[derive(Debug, Default)]
pub struct Tasks(JoinSet<()>);

impl Tasks {
    /// Starts tasks for this number of threads on the current runtime.
    pub fn start(plan: &Plan, threads: usize, stop: &Arc<AtomicBool>) -> Self {
        let mut tasks = Self::default();
        if plan.load > 0 {
            for _ in 0..threads {
                let share = Share::new(plan.load, plan.load_poll);
                match plan.load_kind {
                    LoadKind::Yield => tasks.alone(share, stop),
                    LoadKind::Pairs => tasks.pair(share, stop),
                }
            }
        }
        tasks
    }

    fn alone(&mut self, mut share: Share, stop: &Arc<AtomicBool>) {
        let stop = Arc::clone(stop);
        self.0.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                share.work();
                // tokio checks its timers and its I/O before it polls a yielded task again.
                yield_now().await;
                share.rest().await;
            }
        });
    }

    /// Starts two tasks, one of which is always ready. They send the share to each other.
    fn pair(&mut self, share: Share, stop: &Arc<AtomicBool>) {
        let (here, there) = (unbounded_channel(), unbounded_channel());
        let _ = here.0.send(share);
        self.0.spawn(partner(here.1, there.0, Arc::clone(stop)));
        self.0.spawn(partner(there.1, here.0, Arc::clone(stop)));
    }
}

/// Works whenever the share arrives, and sends it back. Checks `stop`, because a starved timer does not end
/// its turn. When one of a pair ends, the other has nothing to wait for.
async fn partner(
    mut from: UnboundedReceiver<Share>,
    to: UnboundedSender<Share>,
    stop: Arc<AtomicBool>,
) {
    while let Some(mut share) = from.recv().await {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        share.work();
        share.rest().await;
        if to.send(share).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;
    use std::time::{Duration, Instant};
    use tokio::runtime::Builder;

    /// Returns the time until tokio sees a timer of 1 ms, if it checks its timers after 200 polls of 100 µs.
    fn seen(start: fn(&mut Tasks, Share, &Arc<AtomicBool>)) -> Duration {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().event_interval(200).build().unwrap();
        runtime.block_on(async {
            let sleep = tokio::spawn(async {
                let started_at = Instant::now();
                tokio::time::sleep(Duration::from_millis(1)).await;
                started_at.elapsed()
            });
            let mut tasks = Tasks::default();
            let share = Share::new(100, Duration::from_micros(100));
            start(&mut tasks, share, &Arc::default());
            sleep.await.unwrap()
        })
    }

    #[test]
    fn pairs_delay_timers_and_yielding_tasks_do_not() {
        let pairs = seen(Tasks::pair);
        assert!(pairs >= Duration::from_millis(15), "{pairs:?}");
        let alone = (0..20).map(|_| seen(Tasks::alone)).min().unwrap();
        assert!(alone * 3 < pairs, "{alone:?}, {pairs:?}");
    }

    #[test]
    fn pairs_end_when_the_turn_stops() {
        let stop = Arc::<AtomicBool>::default();
        let (ended, end) = channel();
        let runtime = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                // The runtime never checks anything else while the tasks are busy.
                let mut builder = Builder::new_current_thread();
                let runtime = builder.enable_time().event_interval(u32::MAX).build();
                runtime.unwrap().block_on(async {
                    let mut tasks = Tasks::default();
                    tasks.pair(Share::new(100, Duration::from_micros(100)), &stop);
                    while tasks.0.join_next().await.is_some() {}
                });
                ended.send(()).unwrap();
            })
        };
        let soon = end.recv_timeout(Duration::from_millis(50));
        assert_eq!(soon, Err(RecvTimeoutError::Timeout), "not before");
        stop.store(true, Ordering::Relaxed);
        end.recv_timeout(Duration::from_secs(60))
            .expect("ended within a minute");
        runtime.join().unwrap();
    }
}
