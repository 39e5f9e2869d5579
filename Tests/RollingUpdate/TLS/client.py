"""Clients that open a TLS connection for each request: client.py PORT QUICK PAUSE SLOW MILLISECONDS.

QUICK clients request / each PAUSE milliseconds, SLOW ones request what takes MILLISECONDS, one request after the other. At
SIGTERM each finishes its request. Then prints a line for each request: begin and end in nanoseconds of the monotonic clock,
and what became of it.
"""

import http.client
import signal
import ssl
import sys
import threading
import time

port, quick, pause, slow, duration = (int(word) for word in sys.argv[1:])
context = ssl._create_unverified_context()
is_over = threading.Event()
lines = []


def outcome(path):
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        return "answered" if response.status == 200 else "other"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "timeout"
    # RemoteDisconnected, an end of the connection in the handshake, half an answer.
    except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError, http.client.IncompleteRead):
        return "reset"
    except (OSError, http.client.HTTPException):
        return "other"
    finally:
        connection.close()


def repeat(path, interval, offset):
    begin = time.monotonic() + offset
    while not is_over.wait(max(0, begin - time.monotonic())):
        start = time.monotonic_ns()
        end_as = outcome(path)
        lines.append(f"{start} {time.monotonic_ns()} {end_as}")
        # A refusal comes immediately: without a pause it would be a flood of requests.
        begin = start / 1e9 + (interval if end_as == "answered" else max(interval, 0.1))


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
clients = [("/", pause / 1000, pause / 1000 * number / quick) for number in range(quick)]
clients += [(f"/delay/{duration / 1000}", 0, duration / 1000 * number / slow) for number in range(slow)]
threads = [threading.Thread(target=repeat, args=client) for client in clients]
for thread in threads:
    thread.start()
signal.sigwait([signal.SIGTERM])
is_over.set()
for thread in threads:
    thread.join()
print("\n".join(lines))
