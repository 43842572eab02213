//! A fault that each sanitizer must report before its silence about the library counts. The argument names it: a use
//! after free or a data race.

static mut COUNT: u64 = 0;

fn count() {
    for _ in 0..1_000 {
        // SAFETY: none, two threads do it at once.
        unsafe { COUNT += 1 };
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "address") {
        let byte = Box::into_raw(Box::new(1_u8));
        // SAFETY: it was a box.
        drop(unsafe { Box::from_raw(byte) });
        // SAFETY: none, it was freed.
        println!("{}", unsafe { std::ptr::read_volatile(byte) });
    } else {
        let other = std::thread::spawn(count);
        count();
        other.join().unwrap();
    }
}
