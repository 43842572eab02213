//! Runs an HTTP/1 server of hyper with timeouts on `OsTimer`, and prints when it closes slow and idle
//! connections.
//!
//! Some clients of the example send requests. Others stop in the middle of a request, or after a response.
//!
//! ```text
//! cargo run --release --example hyper_server -- [CONNECTIONS] [DURATION] [LIMIT]
//! cargo run --release --example hyper_server -- 50 1s 20ms
//! ```

mod support;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use support::{Arguments, Lateness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_osinterval::{FutureExt, OsTimer, sleep};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const BODY: &str = "hello\n";
const MAX_CONNECTIONS: u64 = 200;
/// A request on a new connection mostly arrives faster than this.
const MIN_LIMIT: Duration = Duration::from_millis(1);
/// The longest pause between two requests of a connection. Without pauses the server would be overloaded, and its
/// lateness would not be that of the timer.
const MAX_PAUSE: Duration = Duration::from_millis(5);
/// A connection that is closed by then is closed in time.
const IN_TIME: Duration = Duration::from_millis(1);
/// How long after the limit a client waits for the server to close.
const MAX_WAIT: Duration = Duration::from_secs(20);

fn main() {
    let mut arguments = Arguments::new(
        "A hyper server with timeouts on OsTimer: when it closes slow and idle connections.",
        "hyper_server [CONNECTIONS] [DURATION] [LIMIT]",
    );
    let connections = arguments.count("CONNECTIONS", 20);
    let duration = arguments.duration("DURATION", Duration::from_secs(1));
    let limit = arguments.duration("LIMIT", Duration::from_millis(20));
    arguments.finish();
    if limit < MIN_LIMIT {
        support::fail(&format!("LIMIT must be at least {MIN_LIMIT:?}"));
    }
    if connections > MAX_CONNECTIONS {
        support::fail(&format!("CONNECTIONS must be at most {MAX_CONNECTIONS}"));
    }
    if let Err(error) = run(connections, duration, limit) {
        support::fail(&error.to_string());
    }
}

#[tokio::main]
async fn run(connections: u64, duration: Duration, limit: Duration) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let server = listener.local_addr()?;
    tokio::spawn(serve(listener, limit));
    println!("serving on {server}: closes a connection without a header within {limit:?}");

    let end = Instant::now() + duration;
    let mut busy = JoinSet::new();
    for _ in 0..connections {
        busy.spawn(ask_until(server, end, MAX_PAUSE.min(limit / 4)));
    }
    let slow = tokio::spawn(cut_off_until(server, end, limit, Silence::InTheHeader));
    let idle = tokio::spawn(cut_off_until(server, end, limit, Silence::AfterAResponse));

    let mut requests = 0;
    while let Some(answered) = busy.join_next().await {
        requests += answered??;
    }
    println!("{connections} connections had {requests} requests answered");
    println!("slow clients: {}", slow.await??);
    println!("idle clients: {}", idle.await??);
    Ok(())
}

async fn serve(listener: TcpListener, limit: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http1::Builder::new()
            .timer(OsTimer::new())
            // It starts with the connection, and again with each response.
            .header_read_timeout(limit)
            .serve_connection(TokioIo::new(stream), service_fn(hello));
        tokio::spawn(connection);
    }
}

async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(BODY.to_owned()))
}

/// Sends one request after the other. Returns the number of responses.
async fn ask_until(server: SocketAddr, end: Instant, pause: Duration) -> io::Result<u64> {
    let mut stream = connect(server).await?;
    let mut answered = 0;
    while Instant::now() < end {
        match ask(&mut stream).await {
            Ok(()) => answered += 1,
            // On a busy machine, the pause may be longer than the limit.
            Err(_) => stream = connect(server).await?,
        }
        sleep(pause).await;
    }
    Ok(answered)
}

async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(REQUEST).await?;
    let mut response = Vec::with_capacity(256);
    while !response.ends_with(BODY.as_bytes()) {
        if stream.read_buf(&mut response).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Silence {
    InTheHeader,
    AfterAResponse,
}

/// Opens one connection after the other that falls silent. Returns how long after the limit the server closed
/// them.
async fn cut_off_until(
    server: SocketAddr,
    end: Instant,
    limit: Duration,
    silence: Silence,
) -> io::Result<String> {
    let mut lateness = Lateness::new();
    let (mut closed, mut in_time) = (0_u32, 0_u32);
    // At least one connection.
    while closed == 0 || Instant::now() < end {
        // The server's time starts a little later. The difference counts as lateness.
        let mut began = Instant::now();
        let mut stream = connect(server).await?;
        match silence {
            Silence::InTheHeader => {
                // An error means that the server has closed it already.
                let _ = stream.write_all(&REQUEST[..REQUEST.len() / 2]).await;
            }
            Silence::AfterAResponse => {
                began = Instant::now();
                if ask(&mut stream).await.is_err() {
                    // This request was too slow itself.
                    continue;
                }
            }
        }
        // The server may send a reason before it closes. An error is an end as well.
        let mut rest = Vec::new();
        let closing = stream.read_to_end(&mut rest);
        let _ = closing.timeout(limit.saturating_add(MAX_WAIT)).await?;
        let late = began.elapsed().saturating_sub(limit);
        lateness.record(late);
        closed += 1;
        in_time += u32::from(late < IN_TIME);
    }
    Ok(format!(
        "{closed} cut off, {in_time} of them within {IN_TIME:?} of the deadline; late {lateness}"
    ))
}
