//! The client against real sockets on loopback.

mod decompression;
mod exchange;
mod policy;
mod redirects;
mod support;
mod tls;
