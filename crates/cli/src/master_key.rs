//! Where the master key comes from: a setting, a file, a command, a key management service, or, while developing, a
//! file that the server makes itself.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tenon_credentials::modes::sigv4::{self, Signed, Signer};
use tenon_credentials::vault::{MasterKey, Vault};
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::{Clock, Rng, Secret};
use url::Url;

use crate::config::{Config, Mode, Security};

/// Name of the master key that a development server makes.
const MASTER_KEY_FILE: &str = "master.key";
const COMMAND_MAX: Duration = Duration::from_secs(30);
const KMS_MAX: Duration = Duration::from_secs(20);
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Opens the vault with the configured master key and the earlier ones.
pub async fn open_vault(config: &Config, egress: &Egress, clock: &dyn Clock, rng: &Arc<dyn Rng>) -> Result<Vault> {
    let master = master_key(config, egress, clock, &**rng).await?;
    let previous = config
        .security
        .previous_master_keys
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| parse_key(text).context("security.previous_master_keys"))
        .collect::<Result<Vec<_>>>()?;
    Ok(Vault::new(master, previous, Arc::clone(rng)))
}

async fn master_key(config: &Config, egress: &Egress, clock: &dyn Clock, rng: &dyn Rng) -> Result<MasterKey> {
    let security = &config.security;
    let sources = [
        ("master_key", &security.master_key),
        ("master_key_file", &security.master_key_file),
        ("master_key_command", &security.master_key_command),
        ("master_key_kms_file", &security.master_key_kms_file),
    ];
    let named: Vec<&str> = sources
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| *name)
        .collect();
    if named.len() > 1 {
        bail!(
            "security: {} are set; name one source of the master key",
            named.join(" and ")
        );
    }
    match named.first() {
        Some(&"master_key") => parse_key(&security.master_key).context("security.master_key"),
        Some(&"master_key_file") => read_key(Path::new(&security.master_key_file)).context("security.master_key_file"),
        Some(&"master_key_command") => {
            let text = printed(&security.master_key_command)
                .await
                .context("security.master_key_command")?;
            parse_key(text.expose().trim()).context("security.master_key_command")
        }
        Some(_) => decrypted(security, egress, clock)
            .await
            .context("security.master_key_kms_file"),
        None => own_key(config, rng),
    }
}

/// The key of a development server, made at its first start.
fn own_key(config: &Config, rng: &dyn Rng) -> Result<MasterKey> {
    let path = config.storage.data_dir.join(MASTER_KEY_FILE);
    match config.security.mode {
        Mode::Production => bail!(
            "security.master_key_file is not set. A production server needs a master key of its own: write 32 random \
             bytes as base64 to a file (head -c 32 /dev/urandom | base64), keep a copy in a safe place, and set \
             TENON_SECURITY_MASTER_KEY_FILE"
        ),
        Mode::Development if path.is_file() => read_key(&path),
        Mode::Development => {
            let mut bytes = [0; 32];
            rng.fill(&mut bytes);
            let text = STANDARD.encode(bytes);
            write_private(&path, &text)?;
            tracing::info!(path = %path.display(), "made a master key; keep a copy, nothing stored can be read without it");
            parse_key(&text)
        }
    }
}

/// What a command prints.
async fn printed(command: &str) -> Result<Secret> {
    let mut process = tokio::process::Command::new("/bin/sh");
    process
        .args(["-c", command])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_MAX, process.output())
        .await
        .with_context(|| format!("the command did not end within {} s", COMMAND_MAX.as_secs()))?
        .context("the command cannot be run")?;
    if !output.status.success() {
        bail!("the command ended with {}", output.status);
    }
    let text = String::from_utf8(output.stdout)
        .ok()
        .context("the command printed no text")?;
    Ok(Secret::from(text))
}

/// Asks a key management service to decrypt the key (`TrentService.Decrypt` of AWS KMS).
async fn decrypted(security: &Security, egress: &Egress, clock: &dyn Clock) -> Result<MasterKey> {
    let path = Path::new(&security.master_key_kms_file);
    let blob = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    for (name, value) in [
        ("kms_region", &security.kms_region),
        ("kms_access_key_id", &security.kms_access_key_id),
        ("kms_secret_access_key", &security.kms_secret_access_key),
    ] {
        if value.is_empty() {
            bail!("security.{name} is not set; it is needed to decrypt the master key");
        }
    }
    let endpoint = match security.kms_endpoint.as_str() {
        "" => format!("https://kms.{}.amazonaws.com/", security.kms_region),
        endpoint => endpoint.to_owned(),
    };
    let url = Url::parse(&endpoint).context("security.kms_endpoint is not a URL")?;
    let body = json!({ "CiphertextBlob": blob.trim() }).to_string();
    let headers = [
        ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target".to_owned(), "TrentService.Decrypt".to_owned()),
    ];
    let secret = Secret::new(security.kms_secret_access_key.as_str());
    let session = Secret::new(security.kms_session_token.as_str());
    let signer = Signer {
        access_key_id: &security.kms_access_key_id,
        secret_access_key: &secret,
        session_token: Some(&session),
        region: &security.kms_region,
        service: "kms",
    };
    let signed = Signed {
        method: "POST",
        url: &url,
        headers: &headers,
        payload: Some(body.as_bytes()),
    };
    let proof = sigv4::sign(&signer, &signed, clock.now());
    let mut request = Request::new(http::Method::POST, url.clone())
        .timeout(KMS_MAX)
        .redirects(Redirects::Return);
    for (name, value) in &headers {
        request = request.header(name, value)?;
    }
    for (name, value) in &proof {
        request = request.header(name, value.expose())?;
    }
    let response = egress
        .send(request.body("application/x-amz-json-1.1", body))
        .await
        .with_context(|| format!("{url} cannot be reached"))?;
    let status = response.status;
    let reply = Secret::from(
        response
            .text(REPLY_BYTES_MAX)
            .await
            .context("the answer cannot be read")?,
    );
    let reply: Value = serde_json::from_str(reply.expose()).unwrap_or_default();
    if !status.is_success() {
        let kind = reply.get("__type").and_then(Value::as_str).unwrap_or("an error");
        bail!("the key management service answered {status}: {kind}");
    }
    let plain = reply
        .get("Plaintext")
        .and_then(Value::as_str)
        .and_then(|text| STANDARD.decode(text).ok())
        .context("the answer holds no Plaintext")?;
    // What was encrypted is the key itself, or its text.
    if plain.len() == 32 {
        return MasterKey::new(plain).context("a master key is 32 bytes");
    }
    let text = Secret::from(
        String::from_utf8(plain)
            .ok()
            .context("the decrypted key is not 32 bytes")?,
    );
    parse_key(text.expose().trim())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{}", path.display()))
}

fn read_key(path: &Path) -> Result<MasterKey> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse_key(text.trim()).with_context(|| format!("in {}", path.display()))
}

fn parse_key(text: &str) -> Result<MasterKey> {
    let bytes = hex::decode(text)
        .ok()
        .filter(|bytes| bytes.len() == 32)
        .or_else(|| STANDARD.decode(text).ok())
        .context("a master key is 32 bytes written as base64 or hex")?;
    MasterKey::new(bytes).context("a master key is 32 bytes written as base64 or hex")
}
