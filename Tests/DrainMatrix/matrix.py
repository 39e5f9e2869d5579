#!/usr/bin/env python3
"""The drain with real servers and clients: matrix.py --ebb PATH [--short] [--ports].

Each cell is a run of ebb with 5 clients and a server that SIGKILL ends when the stop signal is forwarded. Prints the table of
Draining.md, and exits with 1 if a cell is wrong that `KNOWN` does not name. With --ports ebb knows the protocol of each port.
"""

import argparse
import concurrent.futures
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
COUNT = 5
OPTIONS = ["-t", "30s", "--delay", "1s", "--drain-timeout", "12s", "--drain-quiet", "1s", "--log", "json", "--group"]

SLOW = {
    "first": "first request of a connection",
    "later": "request on a kept connection",
    "post": "POST on a kept one",
    "before": "in flight at the signal",
}
IDLE = {"idle": "kept", "idle-big": "after 200 kB", "idle-new": "after one request"}

# Server, protocol, kind of client, protocol for --ports.
ROWS = [
    ("uvicorn", "HTTP/1.1", "http1", "http"),
    ("java", "HTTP/1.1", "http1", "http"),
    ("nginx", "HTTP/1.1, TLS", "https1", "https"),
    ("nginx", "HTTP/2, TLS", "https2", "https"),
    ("haproxy", "HTTP/1.1, TLS", "https1", "https"),
    ("haproxy", "HTTP/2, TLS", "https2", "https"),
    ("hypercorn", "HTTP/1.1, TLS", "https1", "https"),
    ("hypercorn", "HTTP/2, TLS", "https2", "https"),
    ("java", "HTTP/1.1, TLS", "https1", "https"),
    ("go", "HTTP/1.1, TLS", "https1", "https"),
    ("go", "HTTP/2, TLS", "https2", "https"),
    ("grpcio", "gRPC", "grpc", "grpc"),
    ("grpcio", "gRPC, keepalive", "grpc-keepalive", "grpc"),
    ("websockets", "WebSocket, pings", "websocket", "ws"),
    ("redis", "RESP", "redis", "tcp"),
]
SHORT = {("nginx", "https1"), ("haproxy", "https2"), ("hypercorn", "https2"), ("grpcio", "grpc-keepalive"), ("websockets", "websocket")}

# Cells that may be wrong, as Draining.md explains. One answered request over TLS 1.3, HTTP/2 or gRPC looks like one without
# an answer. And after a request in flight at the signal the server may have sent a frame before the first sample.
KNOWN = {("idle-new", kind) for kind in ("https1", "https2", "grpc", "grpc-keepalive")}
KNOWN |= {("before", kind) for kind in ("grpc", "grpc-keepalive", "websocket")}
# Without --ports the protocol is unknown if no connection comes after the signal.
UNKNOWN = {("post", "https2"), ("first", "websocket")}


def free_port():
    """A port below the kernel's ephemeral range, so that no client and no server on port 0 gets it meanwhile."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


class Material:
    """Certificates, configurations and compiled programs."""

    def __init__(self, folder, servers):
        self.folder = folder
        self.key, self.certificate = folder + "/key.pem", folder + "/certificate.pem"
        run = lambda *words: subprocess.run(words, check=True, capture_output=True, cwd=folder)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate,
            "-days", "2", "-subj", "/CN=localhost")
        run("openssl", "pkcs12", "-export", "-in", self.certificate, "-inkey", self.key, "-out", "store.p12", "-passout",
            "pass:changeit")
        with open(folder + "/both.pem", "w") as both:
            both.write(open(self.key).read() + open(self.certificate).read())
        if "java" in servers:
            run("javac", "-d", folder, HERE + "/Server.java")
        if "go" in servers:
            environment = dict(os.environ, GOFLAGS="-mod=mod", GO111MODULE="off", GOCACHE=folder + "/go")
            subprocess.run(["go", "build", "-o", folder + "/server", HERE + "/server.go"], check=True, env=environment)
        self.backend_port = free_port()
        self.backend = subprocess.Popen([PYTHON, HERE + "/backend.py", "plain", str(self.backend_port)], stderr=subprocess.DEVNULL)
        wait_for(self.backend_port)

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w") as file:
            file.write(text)
        return path

    def command(self, server, client, port):
        tls = client.startswith("https")
        files = [self.certificate, self.key]
        if server == "uvicorn":
            return [PYTHON, "-m", "uvicorn", "--app-dir", HERE, "--log-level", "critical", "--timeout-keep-alive", "60",
                    "--port", str(port), "backend:app"]
        if server == "hypercorn":
            return [PYTHON, "-m", "hypercorn", "--keep-alive", "60", "--certfile", files[0], "--keyfile", files[1],
                    "--error-logfile", "/dev/null", "-b", f"127.0.0.1:{port}", "backend:app"]
        if server == "java":
            return ["java", "-cp", self.folder, "Server", str(port)] + ([self.folder + "/store.p12"] if tls else [])
        if server == "go":
            return [self.folder + "/server", str(port)] + files
        if server == "grpcio":
            return [PYTHON, HERE + "/backend.py", "grpc", str(port)]
        if server == "websockets":
            return [PYTHON, HERE + "/backend.py", "websocket", str(port)]
        if server == "redis":
            return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        if server == "nginx":
            http2 = " http2" if client == "https2" else ""
            return ["nginx", "-e", "/dev/null", "-c", self.write(f"nginx-{port}.conf", f"""
                daemon off; master_process off; pid {self.folder}/nginx-{port}.pid;
                events {{ }}
                http {{
                  access_log off; keepalive_timeout 60s;
                  {" ".join(f"{kind}_temp_path {self.folder}/{kind}-{port};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
                  server {{
                    listen 127.0.0.1:{port} ssl{http2}; ssl_certificate {files[0]}; ssl_certificate_key {files[1]};
                    ssl_protocols TLSv1.3;
                    location / {{ proxy_pass http://127.0.0.1:{self.backend_port}; }}
                  }}
                }}""")]
        assert server == "haproxy", server
        return ["haproxy", "-db", "-q", "-f", self.write(f"haproxy-{port}.cfg", f"""
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend front
  bind 127.0.0.1:{port} ssl crt {self.folder}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3
  default_backend back
backend back
  server one 127.0.0.1:{self.backend_port}
""")]


def end(process):
    """Ends a process and the process groups that its children lead: the server of an ebb that is still draining."""
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
            for child in children.read().split():
                os.killpg(int(child), signal.SIGKILL)
    except OSError:
        pass  # it has ended, or a child leads no group
    process.kill()
    process.wait()


def cell(ebb, material, row, state, delayed, give):
    """Returns whether all slow requests were answered, or the drain of idle connections ended by quiet, and the reason.
    None instead of True or False: the clients did not start."""
    server, _, client, protocol = row
    port, far = free_port(), free_port()
    words = [ebb] + OPTIONS + ["--rewrite", "TERM:KILL", "--ports", f"{port}={protocol}" if give else str(port), "--"]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("EBB_")}
    environment = dict(outer, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE="1")
    processes = []

    def start(words, **pipes):
        processes.append(subprocess.Popen(words, env=environment, text=True, **pipes))
        return processes[-1]

    try:
        supervisor = start(words + material.command(server, client, port), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(port)
        if delayed:
            start([PYTHON, HERE + "/relay.py", str(far), str(port)])
            wait_for(far)
        time.sleep(0.5)
        clients = start(
            [PYTHON, HERE + "/client.py", client, str(far if delayed else port), state, str(COUNT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if clients.stdout.readline() != "ready\n":
            return None, "no client"
        supervisor.send_signal(signal.SIGTERM)
        clients.stdin.write("go\n")
        clients.stdin.flush()
        if state in SLOW:
            answered = clients.stdout.readline().strip()
            if answered == f"answered {COUNT}":
                return True, answered
            print(row[:2], state, delayed, clients.stderr.read(), supervisor.communicate(timeout=60)[1], file=sys.stderr)
            return False, answered
        _, log = supervisor.communicate(timeout=60)
        if clients.stdout.readline() != "idle\n":
            return None, "no client"
        report = json.loads([line for line in log.splitlines() if '"exited"' in line][-1])
        return report["drain_ended_by"] == "quiet", report["drain_ended_by"]
    finally:
        for process in reversed(processes):
            end(process)


def result(ebb, material, row, state, delayed, give):
    """The result of a cell. A busy machine delays a ping, which can hold idle connections to the bound: a second attempt
    decides. A lost request has none."""
    right, reason = cell(ebb, material, row, state, delayed, give)
    if right is False and state in IDLE and (state, row[2]) not in KNOWN:
        return cell(ebb, material, row, state, delayed, give)
    return right, reason


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ebb", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--ports", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.short or (row[0], row[2]) in SHORT]
    if options.only:
        rows = [row for row in rows if row[0] in options.only.split(",")]
    states = ["first", "post", "idle"] if options.short else list(SLOW) + list(IDLE)
    with tempfile.TemporaryDirectory() as folder:
        material = Material(folder, {row[0] for row in rows})
        try:
            cells = [(row, state, delayed) for row in rows for state in states for delayed in (False, True)]
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                results = dict(zip(cells, pool.map(
                    lambda one: result(options.ebb, material, *one, options.ports), cells)))
        finally:
            material.backend.kill()
            material.backend.wait()
    print("| server | protocol | " + " | ".join((SLOW | IDLE)[state] for state in states) + " |")
    print("|---|---|" + "---|" * len(states))
    bad = []
    for row in rows:
        texts = []
        for state in states:
            both = [results[row, state, delayed] for delayed in (False, True)]
            good, wrong = ("kept", "lost") if state in SLOW else ("quiet", "bound")
            marks = [good if right else wrong if right is not None else "?" for right, _ in both]
            texts.append(marks[0] if marks[0] == marks[1] else " / ".join(marks))
            for delayed, (right, word) in zip((False, True), both):
                known = KNOWN if options.ports else KNOWN | UNKNOWN
                if not right and (state, row[2]) not in known:
                    bad.append(f"{row[0]}, {row[1]}, {state}, {10 if delayed else 0} ms: {word}")
        print(f"| {row[0]} | {row[1]} | " + " | ".join(texts) + " |")
    for line in bad:
        print("unexpected: " + line)
    slow = [right for (_, state, _), (right, _) in results.items() if state in SLOW]
    print(f"slow cells kept {sum(right is True for right in slow)} of {len(slow)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
