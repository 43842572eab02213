//! A clock that is paused, and a kernel that refuses: it does not run away.

use std::fs::File;
use std::iter;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::time::Instant;
use tokio_osinterval::sleep;

#[test]
fn a_clock_that_is_paused_does_not_run_away() {
    let before = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(64),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, few).unwrap();
    for starts_paused in [true, false] {
        let mut builder = Builder::new_current_thread();
        let builder = builder.enable_all().start_paused(starts_paused);
        let runtime = builder.build().unwrap();
        let hoard: Vec<_> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
        runtime.block_on(async {
            sleep(Duration::from_millis(1)).await;
            if !starts_paused {
                tokio::time::pause();
            }
            let began = Instant::now();
            let (comes, come) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                comes.send(()).unwrap();
            });
            come.await.unwrap();
            assert_eq!(began.elapsed(), Duration::ZERO);
            sleep(Duration::from_secs(3600)).await;
            assert!(began.elapsed() < Duration::from_secs(3601));
        });
        drop(hoard);
    }
}
