//! The older form of fixtures: a `mocks` folder with a file per value and per request (functions contract, 6.5).

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    identity::{Identity, plain_text},
    recording::{Batches, answer_text, read_json},
};

/// Headers that did not count when these fixtures were recorded.
const IGNORED_HEADERS: [&str; 8] = [
    "authorization",
    "user-agent",
    "nango-proxy-user-agent",
    "accept-encoding",
    "retries",
    "host",
    "connection-id",
    "provider-config-key",
];

/// The fixtures of one function in a `mocks` folder.
#[derive(Debug)]
pub struct Older {
    mocks: PathBuf,
    function: String,
}

impl Older {
    /// The fixtures of `function` in the folder `mocks`, if there are any.
    pub fn find(mocks: &Path, function: &str) -> Option<Self> {
        let own = mocks.join(function);
        let found = own.join("output.json").is_file()
            || folders(&own).iter().any(|model| model.join("batchSave.json").is_file());
        found.then(|| Self {
            mocks: mocks.to_owned(),
            function: function.to_owned(),
        })
    }

    /// `input` or `output`.
    pub fn value(&self, name: &str) -> Option<Value> {
        read_json(&self.mocks.join(&self.function).join(format!("{name}.json"))).ok()
    }

    /// What `nango.<name>` answers.
    pub fn canned(&self, name: &str) -> Option<Value> {
        read_json(&self.mocks.join("nango").join(format!("{name}.json"))).ok()
    }

    /// The records expected of `batchSave` or `batchDelete`.
    pub fn batches(&self, name: &str) -> Batches {
        folders(&self.mocks.join(&self.function))
            .into_iter()
            .filter_map(|model| {
                let records = read_json(&model.join(format!("{name}.json"))).ok()?;
                let model = model.file_name()?.to_str()?.to_owned();
                Some((model, records.as_array().cloned()?))
            })
            .collect()
    }

    /// The recorded answer to a request.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer(&self, request: &Identity) -> Result<String, String> {
        if request.written.split(['/', '\\']).any(|part| part == "..") {
            return Err(format!("the endpoint {} leads out of the recordings", request.written));
        }
        let written = request.written.trim_start_matches('/');
        let endpoint = self
            .mocks
            .join("nango")
            .join(&request.method)
            .join("proxy")
            .join(written);
        let by_hash = endpoint.join(&self.function);
        if by_hash.is_dir() {
            let exact = read_json(&by_hash.join(format!("{}.json", request.hash()))).ok();
            let found = exact.or_else(|| {
                files(&by_hash)
                    .iter()
                    .filter_map(|file| read_json(file).ok())
                    .find(|file| fits(file, request))
            });
            let found = found.map(|file| answer_text(file.get("response"), file.get("status"), file.get("headers")));
            return found
                .ok_or_else(|| format!("no recorded answer for {} in {}", request.describe(), by_hash.display()));
        }
        let file = endpoint.join(format!("{}.json", self.function));
        match read_json(&file) {
            Ok(response) => Ok(answer_text(Some(&response), None, None)),
            Err(reason) => Err(format!("no recorded answer for {}: {reason}", request.describe())),
        }
    }
}

/// Whether a file was recorded for this request.
fn fits(file: &Value, request: &Identity) -> bool {
    let Some(recorded) = file.get("requestIdentity") else {
        return false;
    };
    let counted = |headers: Vec<(String, String)>| -> Vec<(String, String)> {
        let lower = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value));
        lower
            .filter(|(name, _)| !IGNORED_HEADERS.contains(&name.as_str()))
            .collect()
    };
    same(pairs(&recorded["params"]), request.given.params.clone())
        && same(
            counted(pairs(&recorded["headers"])),
            counted(request.given.headers.clone()),
        )
        && match recorded.get("data") {
            Some(data) => request.data.fits(data),
            None => request.data.text().is_none(),
        }
}

fn same(mut recorded: Vec<(String, String)>, mut sent: Vec<(String, String)>) -> bool {
    recorded.sort();
    sent.sort();
    recorded == sent
}

/// `[["name", value], …]` as texts.
fn pairs(list: &Value) -> Vec<(String, String)> {
    let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), plain_text(pair.get(1)?)));
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    entries(dir, |path| path.is_dir())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    entries(dir, |path| {
        path.extension().is_some_and(|extension| extension == "json")
    })
}

fn entries(dir: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| wanted(path))
        .collect();
    paths.sort();
    paths
}
