//! Names each group of targets once.

use cfg_aliases::cfg_aliases;

fn main() {
    cfg_aliases! {
        timerfd: { any(target_os = "linux", target_os = "android") },
        // Where a sleep can be told when to end, and not how long to last.
        clock_nanosleep: {
            any(timerfd, target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd")
        },
        // Where a thread can ask what it has used itself.
        thread_usage: { any(target_os = "linux", target_os = "freebsd", target_os = "openbsd") },
    }
    println!("cargo:rerun-if-changed=build.rs");
}
