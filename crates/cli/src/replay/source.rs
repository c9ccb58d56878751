//! Where a recording comes from: a file, or a run on a server.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use http::Method;
use tenon_app::operations::parse_id;
use tenon_runtime::cassette::Cassette;

use crate::authoring::client::{Client, refused};
use crate::authoring::settings::{ServerArgs, Settings};
use crate::failure::Failure;

/// Reads the recording: `-` is the standard input, the name of a file that file, an id the run on the server.
pub async fn load(what: &str, server: &ServerArgs, environment: &str, project: &Path) -> Result<(Cassette, String)> {
    let text = if what == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("the standard input")?;
        text
    } else if Path::new(what).is_file() {
        std::fs::read_to_string(what).with_context(|| format!("{what} cannot be read"))?
    } else if parse_id(what).is_some() {
        fetch(what, server, environment, project).await?
    } else {
        bail!(Failure::not_found(format!(
            "{what} is neither a file nor the id of a run; `tenon logs --kind action --failed` shows ids, such as 01jd3k5q8m2xa"
        )));
    };
    let cassette = Cassette::read(&text).map_err(|error| {
        let reason = anyhow!(error);
        Failure::new("invalid_recording", format!("{what} cannot be used: {reason:#}"))
    })?;
    Ok((cassette, text))
}

async fn fetch(id: &str, server: &ServerArgs, environment: &str, project: &Path) -> Result<String> {
    let settings = Settings::load(project);
    let key = settings.key(server, environment)?;
    let client = Client::new(&settings.host(server), key)?;
    let path = format!("/functions/runs/{id}/recording");
    // As text: a body in it is kept letter by letter.
    let answer = client.send(Method::GET, &path, http::HeaderMap::new(), None).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status.is_success() {
        return Ok(text);
    }
    bail!(refused(answer.status, serde_json::from_str(&text).unwrap_or_default()))
}
