//! A server on loopback that says byte for byte what a test wants, and remembers what it was asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tenon_egress::{Egress, EgressConfig, Limits, Policy, Resolve};
use tenon_model::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came: head (lower-case names are up to the sender) and body.
#[derive(Debug, Clone)]
pub struct Seen {
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What the server does with a request.
pub enum Reply {
    /// Says this and keeps the connection.
    Say(Vec<u8>),
    /// Says this and closes.
    SayAndClose(Vec<u8>),
    /// Says these pieces with pauses between them.
    Slowly(Vec<Vec<u8>>, Duration),
    /// Says this and then nothing, for a long time.
    Hang(Vec<u8>),
}

pub struct Server {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counter, log, answer) = (Arc::clone(&connections), Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self {
            address,
            connections,
            seen,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> Reply + Send + Sync + 'static>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        log.lock().unwrap().push(request.clone());
        match answer(&request) {
            Reply::Say(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
            Reply::SayAndClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Slowly(pieces, pause) => {
                for piece in pieces {
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                }
            }
            Reply::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end);
    let mut request = Seen { head, body: Vec::new() };
    if request.header("transfer-encoding").is_some() {
        while !buffer.ends_with(b"0\r\n\r\n") {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        request.body = std::mem::take(buffer);
    } else if let Some(length) = request.header("content-length") {
        let length: usize = length.parse().unwrap();
        while buffer.len() < length {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        request.body = buffer.drain(..length).collect();
    }
    Some(request)
}

/// A complete answer with a length.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

pub fn ok(body: &str) -> Reply {
    Reply::Say(answer("200 OK", &[], body.as_bytes()))
}

pub fn redirect(status: &str, location: &str) -> Reply {
    Reply::Say(answer(status, &[("location", location)], b""))
}

/// Answers with whatever a test says, and counts.
#[derive(Debug)]
pub struct FakeResolver {
    pub answers: Mutex<Vec<Vec<IpAddr>>>,
    pub asked: AtomicUsize,
}

impl FakeResolver {
    /// Each question gets the next answer; the last one is repeated.
    pub fn new(answers: Vec<Vec<&str>>) -> Arc<Self> {
        let parse = |list: Vec<&str>| list.into_iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().map(parse).collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Resolve for FakeResolver {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        Ok(if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        })
    }
}

pub fn client(limits: Limits) -> Egress {
    with(EgressConfig {
        policy: Policy::permissive(),
        limits,
        ..EgressConfig::default()
    })
}

pub fn with(config: EgressConfig) -> Egress {
    Egress::with_config(config, Arc::new(SystemClock::default())).unwrap()
}

pub fn permissive() -> Egress {
    client(Limits::default())
}
