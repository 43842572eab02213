//! Catches the panics of a test, with the place that they name.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Runs `run`. Returns the message of its panic and the file that the panic names, or `None` without a panic.
pub(crate) fn panic_of(run: impl FnOnce()) -> Option<(String, String)> {
    thread_local! {
        /// `None` while this thread expects no panic.
        static CAUGHT: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default_hook = take_hook();
        set_hook(Box::new(move |info| {
            CAUGHT.with_borrow_mut(|caught| match caught {
                Some((message, file)) => {
                    let payload = info.payload();
                    let text = payload.downcast_ref::<&str>().copied();
                    let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
                    text.unwrap_or_default().clone_into(message);
                    info.location().unwrap().file().clone_into(file);
                }
                None => default_hook(info),
            });
        }));
    });

    CAUGHT.set(Some(Default::default()));
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let caught = CAUGHT.take();
    outcome.err().and(caught)
}

/// Runs `run`, which must panic. Returns the message.
#[track_caller]
pub(crate) fn panic_message(run: impl FnOnce()) -> String {
    panic_of(run).expect("no panic").0
}

/// Runs `run`, which must panic and name the caller's file. Returns the message.
#[track_caller]
pub(crate) fn panic_message_here(run: impl FnOnce()) -> String {
    let (message, file) = panic_of(run).expect("no panic");
    assert_eq!(file, Location::caller().file(), "{message}");
    message
}

/// Asserts that `run` panics, that the panic names the caller's file, and that its message contains `part`.
#[track_caller]
pub(crate) fn assert_panics_here(part: &str, run: impl FnOnce()) {
    let message = panic_message_here(run);
    assert!(message.contains(part), "{message}");
}
