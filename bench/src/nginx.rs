//! nginx as a plain reverse proxy, the baseline of the proxy figures.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// A running nginx.
pub struct Nginx {
    child: Child,
    _folder: tempfile::TempDir,
    /// Host and port.
    pub authority: String,
}

impl Nginx {
    /// Starts one in front of `upstream`; `None` when nginx is not installed.
    pub fn start(upstream: &str) -> Result<Option<Self>> {
        let Some(program) = ["/usr/sbin/nginx", "/usr/bin/nginx"]
            .into_iter()
            .find(|path| fs::exists(path).unwrap_or(false))
        else {
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let dir = folder.path().display();
        let config = format!(
            "worker_processes 1; daemon off; pid {dir}/pid; error_log {dir}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; \
             uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e; keepalive_requests 10000000;\n\
             upstream api {{ server {upstream}; keepalive 64; }}\n\
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://api; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; proxy_set_header Authorization \"Bearer key\"; }} }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nginx cannot be started")?;
        std::thread::sleep(Duration::from_millis(500));
        Ok(Some(Self {
            child,
            _folder: folder,
            authority: format!("127.0.0.1:{port}"),
        }))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGKILL would leave the worker process behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
