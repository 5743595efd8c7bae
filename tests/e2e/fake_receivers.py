"""Servers that notifications go to: one for everything over HTTP, one for mail. They keep what they got."""
import email
import email.policy
import http.server
import json
import socket
import socketserver
import ssl
import threading
import time


class Got:
    def __init__(self, method, path, headers, body):
        self.at = time.monotonic()
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class HttpReceiver:
    """`answers[path]` is a list of (status, body) for the next requests of that path; then 200 with `otherwise`."""

    def __init__(self):
        self.got = []
        self.answers = {}
        self.otherwise = {}
        self.delays = {}
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                path = self.path.split("?")[0]
                delay = outer.delays.get(path, 0)
                if delay:
                    outer.stopping.wait(delay)
                with outer.changed:
                    outer.got.append(Got(self.command, self.path, dict(self.headers), body))
                    queue = outer.answers.get(path) or []
                    status, text = queue.pop(0) if queue else (200, outer.otherwise.get(path, "{}"))
                    outer.changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *args):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.stopping = threading.Event()
        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        with self.changed:
            return [one for one in self.got if one.path.split("?")[0] == path]

    def wait(self, path, count=1, seconds=20):
        """The requests of the path, once there are `count` of them."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                found = [one for one in self.got if one.path.split("?")[0] == path]
                left = deadline - time.monotonic()
                if len(found) >= count:
                    return found
                assert left > 0, f"{path}: {len(found)} of {count} requests within {seconds} s"
                self.changed.wait(left)

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


class MailReceiver:
    """SMTP with AUTH PLAIN and LOGIN, STARTTLS where there is a certificate."""

    def __init__(self, cert=None, key=None):
        self.got = []  # (from, [to], message)
        self.logins = []
        self.changed = threading.Condition()
        self.refusals = []  # answers to the next MAIL
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write((text + "\r\n").encode())

            def handle(self):
                self.say("220 fake")
                secure, sender, to = False, None, []
                while True:
                    line = self.rfile.readline().decode().rstrip("\r\n")
                    if not line:
                        return
                    verb = line.split(" ")[0].upper()
                    if verb == "EHLO":
                        self.say("250-fake")
                        if cert and not secure:
                            self.say("250-STARTTLS")
                        self.say("250 AUTH PLAIN")
                    elif verb == "STARTTLS":
                        self.say("220 go")
                        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                        context.load_cert_chain(cert, key)
                        self.request = context.wrap_socket(self.request, server_side=True)
                        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                        secure = True
                    elif verb == "AUTH":
                        words = line.split(" ")
                        if len(words) < 3:
                            self.say("334 ")
                            words.append(self.rfile.readline().decode().strip())
                        outer.logins.append((secure, words[2]))
                        self.say("235 ok")
                    elif verb == "MAIL":
                        if outer.refusals:
                            self.say(outer.refusals.pop(0))
                            continue
                        sender = line.split(":", 1)[1].split(" ")[0].strip("<>")
                        self.say("250 ok")
                    elif verb == "RCPT":
                        to.append(line.split(":", 1)[1].strip("<> "))
                        self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go")
                        lines = []
                        while True:
                            piece = self.rfile.readline()
                            if piece == b".\r\n":
                                break
                            lines.append(piece[1:] if piece.startswith(b"..") else piece)
                        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                        with outer.changed:
                            outer.got.append((sender, to, message, secure))
                            outer.changed.notify_all()
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 ok")

        class Quiet(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count=1, seconds=20):
        deadline = time.monotonic() + seconds
        with self.changed:
            while len(self.got) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.got)} of {count} mails within {seconds} s"
                self.changed.wait(left)
            return list(self.got)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
