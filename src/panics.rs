//! Contains the panics of foreign code.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `foreign` and catches its panic. Only the panic hook reports the panic.
pub(crate) fn catch_foreign(foreign: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) else {
        return;
    };
    // The payload's drop is foreign code, too.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::panic_any;
    use std::sync::Arc;

    #[test]
    fn panic_payload_is_dropped() {
        let payload = Arc::new(());
        let thrown = Arc::clone(&payload);
        catch_foreign(|| panic_any(thrown));
        assert_eq!(Arc::strong_count(&payload), 1);
    }

    #[test]
    fn panic_in_a_payload_drop_is_contained() {
        // Zero-sized, so that forgetting the last payload leaks nothing.
        struct Again;

        impl Drop for Again {
            fn drop(&mut self) {
                panic_any(Again);
            }
        }

        catch_foreign(|| panic_any(Again));
    }
}
