"""An HTTPS server without signal handling: server.py PORT CERTIFICATE KEY. It answers / immediately, and /delay/SECONDS after that time."""

import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/delay/"):
            time.sleep(float(self.path[len("/delay/"):]))
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 100

    def handle_error(self, *_):
        """A client that closes its connection is not worth a line."""


server = Server(("127.0.0.1", port), Handler)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
# The thread of a connection does the handshake, at its first read.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
