//! The build process: compiles one source and ends.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use tenon_compiler::{Detail, Entry, Evaluate, Thrown, compile_text, definition};

use super::message::{self, Answer, Order, Question};

/// Stack of the compiler. Parsers go down with the nesting of the source.
const STACK_BYTES: usize = 64 << 20;

/// Answers one order from standard input.
pub fn run() -> ExitCode {
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(serve);
    match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let order: Order = read()?;
    let entry = Entry {
        path: format!("{}/{}.ts", order.integration, order.name),
        integration: order.integration,
        name: order.name,
        folder: None,
    };
    let (compiled, diagnostics) = compile_text(&entry, &order.code, &Server);
    let mut answer = Answer {
        messages: diagnostics.iter().map(|found| found.render(false)).collect(),
        ..Answer::default()
    };
    if let Some(function) = compiled {
        answer.kind = match &function.definition.detail {
            Detail::Sync(_) => Some("sync".to_owned()),
            Detail::Action(_) => Some("action".to_owned()),
            Detail::OnEvent { .. } => Some("on-event".to_owned()),
            Detail::Function(_) => None,
        };
        answer.flow = definition::flow_config(&function.definition, &function.js, &function.ts, None);
        answer.js = Some(function.js);
    }
    write(&Question::Finished(Box::new(answer)))
}

fn read<T: DeserializeOwned>() -> io::Result<T> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn write(message: &Question) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&message::line(message))?;
    out.flush()
}

/// The server evaluates bundles, in its sandbox.
struct Server;

impl Evaluate for Server {
    fn evaluate(&self, _entry: &Entry, js: &str) -> Result<String, Thrown> {
        let lost = |error: io::Error| Thrown::from(format!("the server is gone: {error}"));
        write(&Question::Evaluate(js.to_owned())).map_err(lost)?;
        read::<Result<String, Thrown>>().map_err(lost)?
    }
}
