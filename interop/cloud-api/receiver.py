"""A callback of the business: hands every request to pywa's own handlers and keeps what it was sent."""

import http.server
import threading
import urllib.parse


class Receiver:
    def __init__(self):
        self.client = None
        self.bodies = []
        self.answers = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                token, challenge = query["hub.verify_token"][0], query["hub.challenge"][0]
                text, status = receiver.client.webhook_challenge_handler(token, challenge)
                self.answer(status, text)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(body)
                signature = self.headers["X-Hub-Signature-256"]
                text, status = receiver.client.webhook_update_handler(body, signature)
                receiver.answers.append((status, text))
                self.answer(status, text)

            def answer(self, status, text):
                text = (text or "").encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
