//! Names each group of targets once. Everywhere else the code asks for the name.

use cfg_aliases::cfg_aliases;

fn main() {
    // The cfgs `tokio_osinterval_*` are private. The test suite sets them to run, on a machine that
    // has another one, the portable backend; on Windows, the thread pool's own timer; and on Linux,
    // the kqueue backend as it is for one system, on a stand-in for that system's kqueue. Or, for a
    // model checker, a kernel that it can look into.
    cfg_aliases! {
        kqueue_stand_in: {
            any(
                tokio_osinterval_kqueue = "apple",
                tokio_osinterval_kqueue = "freebsd",
                tokio_osinterval_kqueue = "netbsd",
                tokio_osinterval_kqueue = "openbsd",
                tokio_osinterval_kqueue = "dragonfly"
            )
        },
        model: { tokio_osinterval_loom },
        native: { all(feature = "os-native", not(tokio_osinterval_portable), not(model)) },
        timerfd: {
            all(
                native,
                not(kqueue_stand_in),
                any(target_os = "linux", target_os = "android")
            )
        },
        // kqueue, with a clock that can be told an absolute moment of `Instant`; with nanoseconds
        // from now; with milliseconds from now.
        kqueue_mach: {
            all(native, any(target_vendor = "apple", tokio_osinterval_kqueue = "apple"))
        },
        kqueue_nanos: {
            all(native, any(target_os = "freebsd", tokio_osinterval_kqueue = "freebsd"))
        },
        kqueue_millis: {
            all(
                native,
                any(
                    target_os = "netbsd",
                    target_os = "openbsd",
                    target_os = "dragonfly",
                    tokio_osinterval_kqueue = "netbsd",
                    tokio_osinterval_kqueue = "openbsd",
                    tokio_osinterval_kqueue = "dragonfly"
                )
            )
        },
        kqueue: { any(kqueue_mach, kqueue_nanos, kqueue_millis) },
        threadpool: { all(native, windows) },
        // The timer is a descriptor, in tokio's reactor.
        descriptor: { any(timerfd, kqueue) },
        portable: { not(any(descriptor, threadpool, model)) },
        // One driver serves all runtimes of the process and outlives them.
        process_wide_driver: { all(threadpool, not(feature = "test-util")) },
        // The clock can be paused under us: by tokio's `test-util`, or in the portable backend,
        // which runs on tokio's own timer.
        runtime_clock: { any(feature = "test-util", portable) },
    }
    println!("cargo:rerun-if-changed=build.rs");
    pass_on_private_cfgs();
}

/// A private cfg can be set for this package alone: as cargo would hand it to this script, in the
/// environment. `RUSTFLAGS` would build every dependency once more. One without a value is `1` there.
fn pass_on_private_cfgs() {
    const KERNELS: &[&str] = &["apple", "freebsd", "netbsd", "openbsd", "dragonfly"];
    const SET: &[&str] = &["", "1"];

    for (name, values) in [
        ("kqueue", KERNELS),
        ("portable", SET),
        ("threadpool_timer", SET),
    ] {
        let variable = format!("CARGO_CFG_TOKIO_OSINTERVAL_{}", name.to_uppercase());
        println!("cargo:rerun-if-env-changed={variable}");
        let Ok(value) = std::env::var(&variable) else {
            continue;
        };
        // Another would choose no backend but the system's own, and tests would pass on that.
        assert!(
            values.contains(&value.as_str()),
            "{variable}: not one of {values:?}: {value:?}"
        );
        if values == KERNELS {
            println!("cargo:rustc-cfg=tokio_osinterval_{name}=\"{value}\"");
        } else {
            println!("cargo:rustc-cfg=tokio_osinterval_{name}");
        }
    }
}
