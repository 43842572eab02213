//! Names each group of targets once. The code uses these names only.

use cfg_aliases::cfg_aliases;

fn main() {
    // The cfgs `tokio_osinterval_*` are private. The test suite sets them to run a backend that is not the
    // machine's own: the portable one; on Windows, the thread pool's timer; on Linux, the kqueue backend of one
    // system on a stand-in for its kqueue; for a model checker, a kernel that the checker can control.
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
        // The operating system's timers may be used.
        os_timers: { all(feature = "os-native", not(tokio_osinterval_portable), not(model)) },
        timerfd: {
            all(
                os_timers,
                not(kqueue_stand_in),
                any(target_os = "linux", target_os = "android")
            )
        },
        // kqueue with absolute times on the clock of `Instant`.
        kqueue_mach: {
            all(os_timers, any(target_vendor = "apple", tokio_osinterval_kqueue = "apple"))
        },
        // kqueue with nanoseconds from now.
        kqueue_nanos: {
            all(os_timers, any(target_os = "freebsd", tokio_osinterval_kqueue = "freebsd"))
        },
        // kqueue with milliseconds from now.
        kqueue_millis: {
            all(
                os_timers,
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
        threadpool: { all(os_timers, windows) },
        // The timer is a descriptor in tokio's reactor.
        descriptor: { any(timerfd, kqueue) },

        // Which `Alarm` there is: `production` or `test_util` with a native backend, else `portable` or `model`.
        native: { any(descriptor, threadpool) },
        production: { all(native, not(feature = "test-util")) },
        test_util: { all(native, feature = "test-util") },
        portable: { not(any(native, model)) },
        // One driver serves all runtimes of the process, and outlives them.
        process_wide_driver: { all(threadpool, production) },
        // Some periodic timer is not the kernel's.
        software_periodic: { not(all(timerfd, production)) },
    }
    println!("cargo:rerun-if-changed=build.rs");
    pass_on_private_cfgs();
}

/// Sets private cfgs from the environment, for this package alone. `RUSTFLAGS` would rebuild every dependency.
///
/// The variables have the names by which cargo passes cfgs to a build script. A cfg without a value has the value
/// `1` there.
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
        // Another value would leave the system's own backend in place, and tests would pass on that one.
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
