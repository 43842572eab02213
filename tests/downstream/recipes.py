"""The crates that are tested, and the changes that replace their timers with this crate's."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All tests of a crate, or some of them. Each `tokio::time` becomes `tokio_osinterval::time`."""

    crate: str
    version: str
    features: str = ""
    # Files of integration tests. Only these are run and rewritten. If empty, the whole crate is rewritten,
    # and all its tests run: unit tests, integration tests and the documentation.
    files: tuple = ()
    # What of this crate is tested.
    ours: str = "time"
    # Further changes: a regular expression, its replacement, and the least number of matches.
    changes: tuple = ()
    # A regular expression that must not match afterwards, besides `tokio::time`.
    gone: str = "(?!)"
    # Crates that contain its timers, with versions. They are rewritten as well.
    uses: dict = dataclasses.field(default_factory=dict)
    # Tests that are not run, with the reasons.
    left_out: dict = dataclasses.field(default_factory=dict)
    # False if no test pauses the clock. Then the crate runs without `test-util`, on the production alarm.
    pauses: bool = True
    # A remark for the table.
    note: str = ""


TOKIO = "1.54.1"
STREAM = "0.1.19"
UTIL = "0.7.20"

# The clock is paused from the start, not somewhere within a millisecond. tokio rounds the deadlines of sleeps
# and of its queue up to a millisecond. So `sleep(7 ms)` takes 8 ms, and a value that is due after 8 ms is not
# due yet. With this crate it is due. On whole milliseconds nothing is rounded.
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
        # One test has a runtime with only the time driver. Our timers also need the I/O driver.
        changes=((r"\.enable_time\(\)", ".enable_time().enable_io()", 1),),
        note="with enable_io",
        # This crate must depend on the tokio that is tested.
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
        # `StreamExt` of futures has all other methods of tokio-stream's.
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
        # With this import, the methods would be tokio-stream's.
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
            # Two tests reset a value to 120 ms at 80 ms, and expect a wake-up at once, because tokio's wheel
            # needs to turn. This crate needs no wake-up, so they expect none.
            (
                r"(queue\.reset_at\(&foo, now \+ ms\(120\)\);\n    assert!\()(queue\.is_woken\(\)\);)",
                r"\1!\2",
                2,
            ),
        ),
        gone=r"\btokio_util\b",
        note="paused from the start; two needless wake-ups are not expected",
    ),
    Recipe("tower", "0.5.3", features="full", uses={"tokio-stream": STREAM, "tokio-util": UTIL}),
    Recipe("bb8", "0.9.1", pauses=False),
    Recipe("tokio-retry2", "0.9.1", features="jitter,tracing", pauses=False),
    Recipe("backon", "1.6.0", pauses=False),
    Recipe(
        "deadpool",
        "0.13.1",
        features="rt_tokio_1,serde",
        uses={"deadpool-runtime": "0.3.1"},
        pauses=False,
        note="without its tests of other runtimes",
    ),
    Recipe(
        "hyper-util",
        "0.1.21",
        features="full",
        left_out={"test_socks_v5_with_locally_resolved_domain_works": "asks the DNS"},
    ),
    Recipe("quinn", "0.11.12", pauses=False, note="without post_quantum, which needs aws-lc-rs"),
)
