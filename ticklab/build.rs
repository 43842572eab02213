//! Names each group of targets once.

use cfg_aliases::cfg_aliases;

fn main() {
    cfg_aliases! {
        timerfd: { any(target_os = "linux", target_os = "android") },
        // Systems whose sleep takes an absolute time.
        clock_nanosleep: {
            any(timerfd, target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd")
        },
        // Systems on which a thread can read its own usage.
        thread_usage: { any(target_os = "linux", target_os = "freebsd", target_os = "openbsd") },
    }
    println!("cargo:rerun-if-changed=build.rs");
}
