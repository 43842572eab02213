//! The clients: this benchmark again, in another process, so that the server's processor time is its alone.

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

/// The first argument of a process that is one.
const CLIENTS: &str = "clients";
/// In place of a pause.
const SLOW: &str = "slow";

/// Within this they begin.
const SPREAD: Duration = Duration::from_millis(100);

/// So many that do the same.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) server: SocketAddr,
    pub(crate) count: u64,
    pub(crate) manner: Manner,
}

#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Request after request, with a pause of so many milliseconds between them.
    Asks(u64),
    /// Connection after connection, each until the server closes it for want of a header's end.
    IsSlow,
}

/// They are gone when this is dropped.
pub(crate) struct Clients(Child);

impl Clients {
    pub(crate) fn start(crowds: &[Crowd]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg(CLIENTS);
        for crowd in crowds {
            let pause = match crowd.manner {
                Manner::Asks(pause) => pause.to_string(),
                Manner::IsSlow => SLOW.to_owned(),
            };
            command.args([crowd.server.to_string(), crowd.count.to_string(), pause]);
        }
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // If it has ended, there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether this process was one of clients, which are gone now.
pub(crate) fn run_if_asked() -> bool {
    let mut arguments = env::args().skip(1);
    if arguments.next().is_none_or(|first| first != CLIENTS) {
        return false;
    }
    let crowds: Vec<_> = arguments.collect();
    let crowds: Option<Vec<_>> = crowds.chunks(3).map(Crowd::parse).collect();
    let Some(crowds) = crowds else {
        fail("the benchmark alone starts its clients");
    };
    Flavor::MultiThread
        .builder()
        .build()
        .unwrap()
        .block_on(async {
            let mut all = JoinSet::new();
            for crowd in crowds {
                for _ in 0..crowd.count {
                    all.spawn(crowd.run_one());
                }
            }
            // Each ends when the server is gone.
            while all.join_next().await.is_some() {}
        });
    true
}

impl Crowd {
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
        // So that they do not all do the same at the same moment.
        sleep(SPREAD.mul_f64(fastrand::f64())).await;
        loop {
            let stream = TcpStream::connect(self.server).await?;
            stream.set_nodelay(true)?;
            // If the server closes the connection: the next one.
            let _ = match self.manner {
                Manner::Asks(pause) => ask(stream, Duration::from_millis(pause)).await,
                Manner::IsSlow => begin(stream).await,
            };
        }
    }
}

/// Until the server closes the connection.
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
