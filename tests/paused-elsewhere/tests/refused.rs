//! Pauses the runtime's clock while the kernel refuses timers.

use std::fs::File;
use std::iter;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::time::Instant;
use tokio_osinterval::sleep;

#[test]
fn paused_clock_stands_still_while_the_kernel_refuses() {
    let before = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: Some(64),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    for starts_paused in [true, false] {
        let mut builder = Builder::new_current_thread();
        let builder = builder.enable_all().start_paused(starts_paused);
        let runtime = builder.build().unwrap();
        let files: Vec<_> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
        runtime.block_on(async {
            sleep(Duration::from_millis(1)).await;
            if !starts_paused {
                tokio::time::pause();
            }
            let start = Instant::now();
            let (sender, receiver) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                sender.send(()).unwrap();
            });
            receiver.await.unwrap();
            assert_eq!(start.elapsed(), Duration::ZERO);
            sleep(Duration::from_secs(3600)).await;
            assert!(start.elapsed() < Duration::from_secs(3601));
        });
        drop(files);
    }
}
