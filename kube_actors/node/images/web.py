"""The program behind the image ``kube-actors/web``: a small real HTTP/1.1 server.

It says who answers, ``{"pod", "version", "message", "node", "pid", "path"}``, so that load
balancing and rollouts can be seen from outside. It is run as a script by ``python -I -S`` and
imports almost nothing, because it starts once per pod. On SIGTERM it reports unready, goes on
serving for ``LAMEDUCK_S`` seconds (1), finishes what is in flight and exits 0: also for who has
connected and not asked yet, for a while. ``/sleep/<ms>`` answers late.

Environment: ``POD_IP``, ``PORT`` (8080), ``VERSION``, ``MESSAGE`` or ``MESSAGE_FILE`` (read again
for every request; default ``etc/web/message`` below ``KUBE_ACTORS_ROOT``), ``LAMEDUCK_S``.
"""

import os
import select
import signal
import socket
import sys
import time

HEAD_BYTES_MAX = 16384
BODY_BYTES_MAX = 1 << 20
CONNECTIONS_MAX = 4096
DRAIN_S_MAX = 20.0
SILENCE_S_MAX = 5.0
IDLE_S_MAX = 75.0

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """Encode a JSON string; the json module would double the start-up time."""
    body = "".join(_ESCAPES.get(c) or (c if c >= " " else f"\\u{ord(c):04x}") for c in text)
    return f'"{body}"'


def message() -> str:
    """Read the mounted message each time: a ConfigMap may have changed."""
    root = os.environ.get("KUBE_ACTORS_ROOT", ".")
    path = os.path.join(root, os.environ.get("MESSAGE_FILE", "etc/web/message").lstrip("/"))
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return os.environ.get("MESSAGE", "")


class Connection:
    """One client: bytes not yet parsed, bytes not yet sent, and what it waits for."""

    __slots__ = (
        *("answer_at", "answer_path", "asked", "close"),
        *("pending", "received", "sock", "touched"),
    )

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock = sock
        self.received = b""
        self.pending = b""
        self.close = False
        self.asked = False
        self.answer_at = 0.0
        self.answer_path = ""
        self.touched = now


class Server:
    """A poll loop over one listener and its connections."""

    def __init__(self, address: str, port: int, lameduck_s: float) -> None:
        self.lameduck_s = lameduck_s
        self.listener: socket.socket | None = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(1024)
        self.listener.setblocking(False)
        self.connections: dict[int, Connection] = {}
        self.poller = select.poll()
        self.poller.register(self.listener, select.POLLIN)
        self.terminated_at = 0.0

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT and the lame-duck time are over."""
        woken, waker = socket.socketpair()
        for end in (woken, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for which in (signal.SIGTERM, signal.SIGINT):
            signal.signal(which, self.terminate)
        self.poller.register(woken, select.POLLIN)
        while not self.is_done():
            for number, event in self.poller.poll(self.timeout_ms()):
                if number == woken.fileno():
                    woken.recv(64)
                elif self.listener is not None and number == self.listener.fileno():
                    self.accept()
                else:
                    self.serve(number, event)
            self.answer_due()

    def terminate(self, _number: int, _frame: object) -> None:
        """Note the first SIGTERM or SIGINT, from which the lame-duck time counts."""
        self.terminated_at = self.terminated_at or time.monotonic()

    def timeout_ms(self) -> float | None:
        """How long to poll until something is due; None with no client and no end near."""
        due = [c.answer_at for c in self.connections.values() if c.answer_at]
        if self.terminated_at:
            due.append(time.monotonic() + 0.05)
        if self.connections:
            due.append(time.monotonic() + IDLE_S_MAX)
        return max(0.0, (min(due) - time.monotonic()) * 1000) if due else None

    def is_done(self) -> bool:
        """Stop accepting after the lame-duck time, end once nothing is in flight."""
        now = time.monotonic()
        if not self.terminated_at or now < self.terminated_at + self.lameduck_s:
            return False
        if self.listener is not None:
            self.accept()
            self.poller.unregister(self.listener)
            self.listener.close()
            self.listener = None
        ended_s = self.terminated_at + self.lameduck_s
        silent = now < ended_s + SILENCE_S_MAX
        busy = any(
            c.received or c.pending or c.answer_at or (silent and not c.asked)
            for c in self.connections.values()
        )
        return not busy or now > ended_s + DRAIN_S_MAX

    def accept(self) -> None:
        """Take in all that have connected; beyond ``CONNECTIONS_MAX`` they are closed at once."""
        while self.listener is not None:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if len(self.connections) >= CONNECTIONS_MAX:
                sock.close()
                continue
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[sock.fileno()] = Connection(sock, time.monotonic())
            self.poller.register(sock, select.POLLIN)

    def drop(self, connection: Connection) -> None:
        """Close a connection, whatever is still pending for it."""
        number = connection.sock.fileno()
        self.poller.unregister(number)
        del self.connections[number]
        connection.sock.close()

    def serve(self, number: int, event: int) -> None:
        """Read what came on a connection and go on with it; one that ended or broke is dropped."""
        connection = self.connections.get(number)
        if connection is None:
            return
        connection.touched = time.monotonic()
        try:
            if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                data = connection.sock.recv(65536)
                if not data:
                    self.drop(connection)
                    return
                connection.received += data
            self.advance(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)

    def advance(self, connection: Connection) -> None:
        """Parse what came, send what is pending."""
        while not connection.answer_at and not connection.close and self.parse(connection):
            pass
        while connection.pending:
            try:
                sent = connection.sock.send(connection.pending)
            except BlockingIOError:
                self.poller.modify(connection.sock, select.POLLIN | select.POLLOUT)
                return
            connection.pending = connection.pending[sent:]
        if connection.close and not connection.answer_at:
            self.drop(connection)
        else:
            self.poller.modify(connection.sock, select.POLLIN)

    def parse(self, connection: Connection) -> bool:
        """Take one request off the front; False when it is not complete."""
        head, found, rest = connection.received.partition(b"\r\n\r\n")
        if not found:
            if len(head) > HEAD_BYTES_MAX:
                self.respond(connection, "431 Request Header Fields Too Large", "{}", True)
            return False
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = headers.get("content-length", "0")
        if len(parts) != 3 or not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.respond(connection, "400 Bad Request", "{}", True)
            return False
        if len(rest) < int(length):
            return False
        connection.received = rest[int(length) :]
        connection.asked = True
        wants_close = headers.get("connection", "").lower() == "close" or parts[2] == "HTTP/1.0"
        connection.close = connection.close or wants_close
        path = parts[1].partition("?")[0]
        delay_ms = path.removeprefix("/sleep/")
        if path.startswith("/sleep/") and delay_ms.isdigit():
            connection.answer_at = time.monotonic() + min(int(delay_ms), 60000) / 1000
            connection.answer_path = path
            return False
        self.answer(connection, path, head_only=parts[0] == "HEAD")
        return True

    def answer_due(self) -> None:
        """Answer the late requests whose time has come, and drop idle connections."""
        now = time.monotonic()
        for connection in list(self.connections.values()):
            if connection.answer_at and connection.answer_at <= now:
                connection.answer_at = 0.0
                self.answer(connection, connection.answer_path)
                try:
                    self.advance(connection)
                except OSError:
                    self.drop(connection)
            elif not connection.pending and now - connection.touched > IDLE_S_MAX:
                self.drop(connection)

    def answer(self, connection: Connection, path: str, head_only: bool = False) -> None:
        """Answer one path: health and readiness by their name, anything else with who answers."""
        status = "200 OK"
        if path in ("/healthz", "/readyz"):
            if path == "/readyz" and self.terminated_at:
                status = "503 Service Unavailable"
            body = '{"ok": %s}' % ("true" if status[0] == "2" else "false")
        else:
            fields = {
                "pod": os.environ.get("POD_NAME", ""),
                "version": os.environ.get("VERSION", ""),
                "message": message(),
                "node": os.environ.get("NODE_NAME", ""),
                "pid": str(os.getpid()),
                "path": path,
            }
            pairs = (f"{quoted(key)}: {quoted(value)}" for key, value in fields.items())
            body = "{" + ", ".join(pairs) + "}"
        self.respond(connection, status, body, connection.close, head_only)

    def respond(
        self,
        connection: Connection,
        status: str,
        body: str,
        close: bool,
        head_only: bool = False,
    ) -> None:
        """Queue a response; it closes the connection on request and once the server is ending."""
        connection.close = close or bool(self.terminated_at)
        data = body.encode() + b"\n"
        ending = "Connection: close\r\n" if connection.close else ""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n{ending}\r\n"
        )
        connection.pending += head.encode() + (b"" if head_only else data)


def main() -> None:
    """Serve as the environment says until the end, and say on stdout when it begins and ends."""
    address = os.environ.get("POD_IP", "127.0.0.1")
    port = int(os.environ.get("PORT", "8080"))
    version = os.environ.get("VERSION", "")
    server = Server(address, port, float(os.environ.get("LAMEDUCK_S", "1")))
    sys.stdout.write(f"listening on {address}:{port}, version {version}\n")
    sys.stdout.flush()
    server.run()
    sys.stdout.write("terminated: everything in flight was answered\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
