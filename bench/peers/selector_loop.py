"""The least that a Python server can do: one selector, every request
answered the same.
"""

import os
import selectors
import socket
import sys

ANSWER = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"
    b'{"status":"ACCEPTED"}'
)
READ_BYTES = 65_536


def main() -> int:
    """Serve until SIGTERM; a request is taken for whole when it came in
    one piece, as small ones do.
    """
    selector = selectors.DefaultSelector()
    listening = socket.create_server(("127.0.0.1", int(os.environ["BENCH_PORT"])), backlog=4096)
    selector.register(listening, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listening:
                client, _ = listening.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(client, selectors.EVENT_READ, client)
            elif key.data.recv(READ_BYTES):
                key.data.send(ANSWER)
            else:
                selector.unregister(key.data)
                key.data.close()


if __name__ == "__main__":
    sys.exit(main())
