"""The apps of the matrix: backend.py KIND PORT. They answer /quick immediately, /big with 200 kB, and /slow after 5 s."""

import asyncio
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SLOW = 5
BIG = b"x" * 200_000


def body(path):
    return BIG if path.endswith("big") else b"ok"


async def app(scope, receive, send):
    """The ASGI app of uvicorn and hypercorn."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/slow":
        await asyncio.sleep(SLOW)
    answer = body(scope["path"])
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class Plain(BaseHTTPRequestHandler):
    """The server behind nginx and haproxy."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/slow":
            time.sleep(SLOW)
        answer = body(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Threads(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 100


def grpc_server(port):
    import grpc
    from concurrent import futures

    def answer(request, context):
        if request == b"/slow":
            time.sleep(SLOW)
        return body(request.decode())

    class Any(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(answer)

    options = [("grpc.http2.min_recv_ping_interval_without_data_ms", 100), ("grpc.keepalive_permit_without_calls", 1), ("grpc.http2.max_ping_strikes", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(40), handlers=(Any(),), options=options)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


async def websocket_server(port):
    import websockets

    async def talk(socket, *_):
        async for message in socket:
            if message == "/slow":
                await asyncio.sleep(SLOW)
            await socket.send(body(message))

    async with websockets.serve(talk, "127.0.0.1", port, ping_interval=None, max_size=None):
        await asyncio.Future()


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "plain":
        Threads(("127.0.0.1", port), Plain).serve_forever()
    elif kind == "grpc":
        grpc_server(port)
    elif kind == "websocket":
        asyncio.run(websocket_server(port))
