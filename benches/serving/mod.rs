//! A hyper HTTP/1 server, and its clients in a process of their own.

pub(crate) mod clients;
pub(crate) mod load;
mod server;
pub(crate) mod slow;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const BODY: &str = "hello\n";
