//! Intervals are available as streams.
#![cfg(feature = "stream")]

use crate::support::{ms, on_current_thread};
use futures::stream::{FusedStream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{IntervalStream, PeriodicInterval, PeriodicStream, interval_at};

#[test]
fn interval_stream_yields_every_deadline() {
    on_current_thread(async {
        let start = Instant::now();
        let mut stream = IntervalStream::new(interval_at(start, ms(1)));
        for k in 0..5 {
            assert_eq!(stream.next().await, Some(start + ms(1) * k));
        }
        assert_eq!(stream.as_ref().period(), ms(1));
        stream.as_mut().set_period(ms(2));
        let mut interval = stream.into_inner();
        assert_eq!(interval.tick().await, start + ms(5));
        assert_eq!(interval.tick().await, start + ms(7));
    });
}

#[test]
fn periodic_stream_yields_every_expiration() {
    on_current_thread(async {
        let mut stream = PeriodicStream::new(PeriodicInterval::new(ms(1)).unwrap());
        std::thread::sleep(ms(5));
        assert!(stream.next().await.unwrap().unwrap() >= 5);
        assert_eq!(stream.as_ref().period(), ms(1));
        assert_eq!(stream.as_mut().period(), ms(1));
        assert!(stream.into_inner().tick().await.unwrap() >= 1);
    });
}

#[test]
fn interval_streams_never_end() {
    fn check(stream: &impl FusedStream) {
        assert_eq!(stream.size_hint(), (usize::MAX, None));
        assert!(!stream.is_terminated());
    }
    on_current_thread(async {
        check(&IntervalStream::new(interval_at(Instant::now(), ms(1))));
        check(&PeriodicStream::new(PeriodicInterval::new(ms(1)).unwrap()));
    });
}
