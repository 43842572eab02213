//! The clients: this benchmark in another process, so that the server's processor time does not include
//! theirs.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{BODY, REQUEST};
use crate::command_line::fail;
use crate::support::Flavor;

/// The first argument of a client process.
const CLIENTS: &str = "clients";
/// Stands in place of a pause.
const SLOW: &str = "slow";

/// The clients begin within this time.
const SPREAD: Duration = Duration::from_millis(100);

/// A number of clients with the same behaviour.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) server: SocketAddr,
    pub(crate) count: u64,
    pub(crate) manner: Manner,
}

#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Sends request after request, with a pause of this many milliseconds between them.
    Asks(u64),
    /// Opens connection after connection. The server closes each because its header does not end.
    IsSlow,
}

/// The client process. Dropping this ends it.
pub(crate) struct Clients(Child);

impl Clients {
    pub(crate) fn start(groups: &[Group]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg(CLIENTS);
        for group in groups {
            let pause = match group.manner {
                Manner::Asks(pause) => pause.to_string(),
                Manner::IsSlow => SLOW.to_owned(),
            };
            command.args([group.server.to_string(), group.count.to_string(), pause]);
        }
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // If the process has ended, there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns `true` if this process was a client process, whose clients have ended.
pub(crate) fn run_if_asked() -> bool {
    let mut arguments = env::args().skip(1);
    if arguments.next().is_none_or(|first| first != CLIENTS) {
        return false;
    }
    let groups: Vec<_> = arguments.collect();
    let groups: Option<Vec<_>> = groups.chunks(3).map(Group::parse).collect();
    let Some(groups) = groups else {
        fail("the benchmark alone starts its clients");
    };
    Flavor::MultiThread
        .builder()
        .build()
        .unwrap()
        .block_on(async {
            let mut all = JoinSet::new();
            for group in groups {
                for _ in 0..group.count {
                    all.spawn(group.run_one());
                }
            }
            // Each client ends when the server does.
            while all.join_next().await.is_some() {}
        });
    true
}

impl Group {
    fn parse(words: &[String]) -> Option<Self> {
        let [server, count, manner] = words else {
            return None;
        };
        Some(Self {
            server: server.parse().ok()?,
            count: count.parse().ok()?,
            manner: match &**manner {
                SLOW => Manner::IsSlow,
                pause => Manner::Asks(pause.parse().ok()?),
            },
        })
    }

    async fn run_one(self) -> io::Result<()> {
        // Spreads the clients' requests over time.
        sleep(SPREAD.mul_f64(fastrand::f64())).await;
        loop {
            let stream = TcpStream::connect(self.server).await?;
            stream.set_nodelay(true)?;
            // Opens the next connection when the server closes this one.
            let _ = match self.manner {
                Manner::Asks(pause) => ask(stream, Duration::from_millis(pause)).await,
                Manner::IsSlow => begin(stream).await,
            };
        }
    }
}

/// Sends requests until the server closes the connection.
async fn ask(mut stream: TcpStream, pause: Duration) -> io::Result<()> {
    let mut response = Vec::with_capacity(1024);
    loop {
        stream.write_all(REQUEST).await?;
        response.clear();
        while !response.ends_with(BODY.as_bytes()) {
            if stream.read_buf(&mut response).await? == 0 {
                return Ok(());
            }
        }
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}

async fn begin(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(&REQUEST[..REQUEST.len() / 2]).await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}
