"""Which crates are tested, and what is changed so that their timers are this crate's."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A crate's tests, all or some of them.

    `tokio::time` becomes `tokio_osinterval::time` wherever it is named.
    """

    crate: str
    version: str
    features: str = ""
    # Those of its folder of tests alone, with the crate itself as it is; none: all tests, those of its units and of
    # its documentation among them, with the crate on our timers.
    files: tuple = ()
    # What takes the place of theirs.
    ours: str = "time"
    # What else is changed: regular expressions, what takes the place of each, and how often it is found at least.
    changes: tuple = ()
    # What must not be left, besides `tokio::time`.
    gone: str = "(?!)"
    # Crates that its timers are in, and their versions. They are on our timers as well.
    uses: dict = dataclasses.field(default_factory=dict)
    # Tests that are not run, and why.
    left_out: dict = dataclasses.field(default_factory=dict)
    # What else is to be known of it.
    note: str = ""


TOKIO = "1.54.1"
STREAM = "0.1.19"
UTIL = "0.7.20"

# The clock is paused from the start, and not somewhere within a millisecond. tokio rounds the deadlines of its sleeps
# and of its queue up to its next millisecond, so that `sleep(7 ms)` takes 8 there, and a value that is due after 8 is
# not due yet. Here it is due. On whole milliseconds nothing is rounded.
PAUSED = (
    r"(?m)^#\[tokio::test\]\n((?:#\[.*\n)*async fn \w+\(\) \{\n(?:    println!.*\n)?)    time::pause\(\);",
    r"#[tokio::test(start_paused = true)]\n\1",
    24,
)

RECIPES = (
    Recipe(
        "tokio",
        TOKIO,
        features="full,test-util",
        files=("time_interval", "time_panic", "time_pause", "time_rt", "time_sleep", "time_timeout"),
        # One test has a runtime with the time driver alone. Our timers need the I/O driver, too.
        changes=((r"\.enable_time\(\)", ".enable_time().enable_io()", 1),),
        note="with enable_io",
        # Ours depends on tokio, which is to be the one that is tested.
        uses={"tokio": TOKIO},
    ),
    Recipe("tokio-stream", STREAM, features="full"),
    Recipe(
        "tokio-stream",
        STREAM,
        features="full",
        files=("stream_fuse",),
        ours="IntervalStream",
        changes=((r"\btokio_stream::wrappers::IntervalStream\b", "tokio_osinterval::IntervalStream", 1),),
        gone=r"\btokio_stream::wrappers\b",
    ),
    Recipe(
        "tokio-stream",
        STREAM,
        features="full",
        files=("chunks_timeout", "stream_chunks_timeout", "stream_panic", "stream_timeout", "time_throttle"),
        ours="StreamTimeExt",
        # What is in their `StreamExt` besides time is in that of futures as well.
        changes=(
            (
                r"(?m)^use tokio_stream::StreamExt;",
                "use {futures::StreamExt, tokio_osinterval::StreamTimeExt};",
                2,
            ),
            (
                r"(?m)^use tokio_stream::\{self as stream, StreamExt\};",
                "use {futures::StreamExt, tokio_osinterval::StreamTimeExt, tokio_stream as stream};",
                3,
            ),
        ),
        # By whose name the methods are called: theirs would do as well.
        gone=r"\btokio_stream::.*StreamExt\b",
    ),
    Recipe("tokio-util", UTIL, features="full", changes=(PAUSED,), note="paused from the start"),
    Recipe(
        "tokio-util",
        UTIL,
        features="full",
        files=("panic",),
        ours="FutureExt",
        changes=((r"\btokio_util::future::FutureExt\b", "tokio_osinterval::FutureExt", 1),),
        gone=r"\btokio_util::future\b",
    ),
    Recipe(
        "tokio-util",
        UTIL,
        features="full",
        files=("time_delay_queue",),
        ours="DelayQueue",
        changes=(
            (r"\btokio_util::time::DelayQueue\b", "tokio_osinterval::time::DelayQueue", 1),
            PAUSED,
            # Two tests reset a value to 120 ms, at 80, and ask that the task be woken at once: tokio's wheel has to
            # be turned on. Here nothing has to be, and they ask that the task be not woken.
            (
                r"(queue\.reset_at\(&foo, now \+ ms\(120\)\);\n    assert!\()(queue\.is_woken\(\)\);)",
                r"\1!\2",
                2,
            ),
        ),
        gone=r"\btokio_util\b",
        note="paused from the start; two needless wake-ups are not asked for",
    ),
    Recipe("tower", "0.5.3", features="full", uses={"tokio-stream": STREAM, "tokio-util": UTIL}),
    Recipe("bb8", "0.9.1"),
    Recipe("tokio-retry2", "0.9.1", features="jitter,tracing"),
    Recipe("backon", "1.6.0"),
    Recipe(
        "deadpool",
        "0.13.1",
        features="rt_tokio_1,serde",
        uses={"deadpool-runtime": "0.3.1"},
        note="without its tests of other runtimes",
    ),
    Recipe(
        "hyper-util",
        "0.1.21",
        features="full",
        left_out={"test_socks_v5_with_locally_resolved_domain_works": "asks the DNS"},
    ),
    Recipe("quinn", "0.11.12", note="without post_quantum, which needs aws-lc-rs"),
)
