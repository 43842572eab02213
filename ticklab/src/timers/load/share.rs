//! The share of the time for which a thread of the runtime is busy.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::plan::LOAD_CYCLE as CYCLE;

/// Progress of a thread's share.
#[derive(Debug)]
pub struct Share {
    percent: u32,
    poll: Duration,
    /// When this cycle began.
    cycle: Instant,
    /// Busy time left in this cycle.
    left: Duration,
}

impl Share {
    /// Creates a share of `percent` of the time, in pieces as long as a `poll`.
    pub fn new(percent: u32, poll: Duration) -> Self {
        let (cycle, left) = (Instant::now(), CYCLE * percent / 100);
        Self {
            percent,
            poll,
            cycle,
            left,
        }
    }

    /// Blocks the thread for one piece. The last piece of a cycle is shorter.
    pub fn work(&mut self) {
        let piece = self.left.min(self.poll);
        self.left -= piece;
        let started_at = Instant::now();
        while started_at.elapsed() < piece {
            std::hint::spin_loop();
        }
    }

    /// Waits for the next cycle if this cycle's share is done. A full share never waits, and neither does one
    /// that is behind: a wait would give tokio time to check its timers.
    pub async fn rest(&mut self) {
        if !self.left.is_zero() {
            return;
        }
        self.left = CYCLE * self.percent / 100;
        self.cycle += CYCLE;
        let now = Instant::now();
        if self.cycle > now {
            sleep_until(self.cycle).await;
        } else {
            // Lost cycles are not made up for.
            self.cycle = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    fn cycles(percent: u32, poll: Duration, count: u32) -> (Duration, u32) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (started_at, mut share, mut pieces) =
                (Instant::now(), Share::new(percent, poll), 0);
            for _ in 0..count {
                loop {
                    share.work();
                    pieces += 1;
                    if share.left.is_zero() {
                        break;
                    }
                }
                share.rest().await;
            }
            (started_at.elapsed(), pieces)
        })
    }

    #[test]
    fn share_works_in_pieces_and_rests() {
        // 3 ms are two pieces of 1.3 ms and one of 0.4 ms.
        let (took, pieces) = cycles(30, Duration::from_micros(1300), 3);
        assert_eq!(pieces, 9);
        assert!(took >= 3 * CYCLE, "{took:?}");
    }

    #[test]
    fn full_share_never_waits() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut share = Share::new(100, CYCLE);
            for _ in 0..3 {
                share.work();
                let mut rest = std::pin::pin!(share.rest());
                let polled = futures_lite::future::poll_once(rest.as_mut()).await;
                assert_eq!(polled, Some(()));
            }
        });
    }
}
