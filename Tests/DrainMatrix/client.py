"""Clients of one server: client.py KIND PORT STATE COUNT. Prints "ready" and waits for a line. Then prints how many slow requests
were answered, or "idle" and waits for the end of its input."""

import asyncio
import http.client
import socket
import ssl
import sys
import threading
import time

kind, port, state, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
trusting = ssl._create_unverified_context()


class HTTP1:
    def __init__(self):
        self.connection = (
            http.client.HTTPSConnection("127.0.0.1", port, context=trusting)
            if kind == "https1"
            else http.client.HTTPConnection("127.0.0.1", port)
        )

    def ask(self, path):
        method, content = ("POST", b"y" * 100) if path == "/post" else ("GET", None)
        self.connection.request(method, "/slow" if path == "/post" else path, content)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200


class HTTP2:
    def __init__(self):
        import httpx

        self.client = httpx.Client(http2=True, verify=False, timeout=30, base_url=f"https://127.0.0.1:{port}")

    def ask(self, path):
        answer = self.client.post("/slow", content=b"y" * 100) if path == "/post" else self.client.get(path)
        assert answer.status_code == 200 and answer.http_version == "HTTP/2"


class GRPC:
    def __init__(self):
        import grpc

        options = [("grpc.use_local_subchannel_pool", 1)]
        if kind == "grpc-keepalive":
            options += [("grpc.keepalive_time_ms", 700), ("grpc.keepalive_permit_without_calls", 1)]
            options += [("grpc.http2.max_pings_without_data", 0)]
        self.call = grpc.insecure_channel(f"127.0.0.1:{port}", options=options).unary_unary("/test/Any")

    def ask(self, path):
        # A connection that cannot be made on a busy machine is tried again; a call that was sent is not.
        assert self.call(path.replace("/post", "/slow").encode(), timeout=30, wait_for_ready=True)


class WebSocket:
    loop = asyncio.new_event_loop()

    def __init__(self):
        self.socket = None
        if not WebSocket.loop.is_running():
            threading.Thread(target=WebSocket.loop.run_forever, daemon=True).start()

    async def talk(self, path):
        import websockets

        if not self.socket:
            self.socket = await websockets.connect(f"ws://127.0.0.1:{port}", ping_interval=0.7, max_size=None)
        await self.socket.send(path.replace("/post", "/slow"))
        assert await self.socket.recv()

    def ask(self, path):
        asyncio.run_coroutine_threadsafe(self.talk(path), WebSocket.loop).result(30)


class Redis:
    def __init__(self):
        self.socket = None

    def ask(self, path):
        if not self.socket:
            self.socket = socket.create_connection(("127.0.0.1", port))
        command = {"/quick": b"PING\r\n", "/big": b"INFO ALL\r\n"}.get(path, b"BLPOP none 5\r\n")
        self.socket.sendall(command)
        assert self.socket.recv(65536)


def new():
    kinds = {"https2": HTTP2, "grpc": GRPC, "grpc-keepalive": GRPC, "websocket": WebSocket, "redis": Redis}
    return kinds.get(kind, HTTP1)()


answered = []


def slow(client, path):
    try:
        client.ask(path)
        answered.append(client)
    except Exception as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)


def start(clients, path):
    threads = [threading.Thread(target=slow, args=(client, path), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    return threads


warm = state not in ("first", "idle-new")
clients = [new() for _ in range(count)]
for client in clients if warm else []:
    client.ask("/quick")
time.sleep(0.7 if warm else 0)
threads = start(clients, "/slow") if state == "before" else []
time.sleep(0.5)
print("ready", flush=True)
sys.stdin.readline()
time.sleep(0.3)
if state in ("first", "later", "post"):
    threads = start(clients, "/post" if state == "post" else "/slow")
elif state in ("idle", "idle-new", "idle-big"):
    for client in clients:
        client.ask("/big" if state == "idle-big" else "/quick")
    print("idle", flush=True)
    sys.stdin.read()
for thread in threads:
    thread.join(30)
print(f"answered {len(answered)}", flush=True)
