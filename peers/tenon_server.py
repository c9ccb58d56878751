"""Throw-away Tenon servers for tests that drive the built binary from outside.

    with Server(engine="sqlite") as server:
        server.url, server.keys["dev"], server.keys["account"]

The binary is TENON_BIN, or is built: with --release when target/release/tenon exists, else with the dev profile.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def binary():
    """Path of an up-to-date tenon binary."""
    if path := os.environ.get("TENON_BIN"):
        return Path(path)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    release = (target / "release" / "tenon").exists()
    command = ["cargo", "build", "--quiet", "--package", "tenon-cli"] + (["--release"] if release else [])
    subprocess.run(command, cwd=ROOT, check=True)
    return target / ("release" if release else "debug") / "tenon"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A throw-away PostgreSQL server."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="tenon-pg-")
        script = ROOT / "scripts" / "postgres"
        self.url = subprocess.run([script, "start", self.dir], check=True, capture_output=True, text=True).stdout.strip()
        return self

    def __exit__(self, *_):
        subprocess.run([ROOT / "scripts" / "postgres", "stop", self.dir], check=False)


class Server:
    """A running server with a data directory of its own."""

    def __init__(self, engine="sqlite", args=(), env=None, database_url=None):
        self.engine, self.args, self.env = engine, list(args), dict(env or {})
        self.database_url, self.postgres, self.keys = database_url, None, {}

    def __enter__(self):
        self.bin = binary()
        self.dir = Path(tempfile.mkdtemp(prefix="tenon-"))
        if self.engine == "postgres" and not self.database_url:
            self.postgres = Postgres().__enter__()
            self.database_url = self.postgres.url
        self.start(free_port())
        return self

    def database(self):
        return ["--database-url", self.database_url] if self.database_url else []

    def start(self, port):
        """Starts the process (again) on a port and waits until it is healthy."""
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.log = open(self.dir / "server.log", "ab")
        out = self.dir / "stdout.log"
        command = [self.bin, "serve", "--data-dir", self.dir / "data", "--port", str(port),
                   "--allow-private-addresses", *self.database(), *self.args]
        with open(out, "ab") as stdout:
            self.process = subprocess.Popen(command, stdout=stdout, stderr=self.log, env={**os.environ, **self.env})
        deadline = time.time() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            if self.process.poll() is not None or time.time() > deadline:
                raise RuntimeError(f"the server did not start:\n{(self.dir / 'server.log').read_text()[-4000:]}")
            time.sleep(0.05)
        for name, key in re.findall(r"^\s+(\w+)\s+([0-9a-f-]{36})$", out.read_text(), re.M):
            self.keys.setdefault(name, key)

    def cli(self, *args):
        """Runs `tenon …` on this server's data and returns what it printed."""
        common = ["--data-dir", str(self.dir / "data"), *self.database()]
        done = subprocess.run([self.bin, args[0], *common, *args[1:]], capture_output=True, text=True, env={**os.environ, **self.env})
        if done.returncode:
            raise RuntimeError(f"tenon {' '.join(args)} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def key(self, name, *scopes, account=False):
        """Makes an API key with the given scopes."""
        target = ["--account"] if account else ["--environment", "dev"]
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        return json.loads(self.cli("keys", "create", *target, "--name", name, *wanted, "--json"))["secret"]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __exit__(self, kind, *_):
        self.stop()
        self.log.close()
        if kind is not None or os.environ.get("TENON_KEEP_LOGS"):
            print(f"server log: {(self.dir / 'server.log').read_text()[-3000:]}")
        if self.postgres:
            self.postgres.__exit__()
        shutil.rmtree(self.dir, ignore_errors=True)
