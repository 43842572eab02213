//! Names each group of targets once. Everywhere else the code asks for the name.

use cfg_aliases::cfg_aliases;

fn main() {
    // `tokio_osinterval_portable` is private: the test suite sets it to run the portable backend on
    // a machine that has a native one.
    cfg_aliases! {
        timerfd: {
            all(
                feature = "os-native",
                not(tokio_osinterval_portable),
                any(target_os = "linux", target_os = "android")
            )
        },
        portable: { not(timerfd) },
        // Features that put timers into a driver.
        driver: { any(feature = "interval", feature = "sleep") },
        // The clock can be paused under us: by tokio's `test-util`, or in the portable backend,
        // which runs on tokio's own timer.
        runtime_clock: { any(feature = "test-util", portable) },
    }
    println!("cargo:rerun-if-changed=build.rs");
}
