"""The business's software: pywa, unmodified, with its own webhook server on Flask, and what it was told.

Only the base URL is another. The handshake, the signatures and the answers to notifications are pywa's.
"""

import http.server
import json
import logging
import threading
import urllib.parse

import flask
import werkzeug.serving
from pywa import WhatsApp

VERIFY = "a token of the business"
logging.getLogger("werkzeug").setLevel(logging.ERROR)


class Business:
    def __init__(self, demo):
        self.app = flask.Flask("business")
        # Every notification: its headers, its body, and with what status pywa answered it.
        self.notifications = []
        self.app.after_request(self._note)
        # What is here by name, its bytes and its kind, can be fetched by a link.
        self.files = {}
        self.app.add_url_rule("/files/<name>", "file", self._file)
        self.client = WhatsApp(
            phone_id=demo["phone_number_id"],
            token=demo["token"],
            waba_id=demo["waba_id"],
            business_portfolio_id=demo["business_id"],
            app_id=demo["app_id"],
            app_secret=demo["app_secret"],
            verify_token=VERIFY,
            server=self.app,
            webhook_endpoint="/webhook",
        )
        self.client.api._session.base_url = demo["base_url"] + "/v24.0"
        self.told = {}
        for kind in [
            "message",
            "edited_message",
            "deleted_message",
            "message_status",
            "callback_button",
            "callback_selection",
            "identity_change",
            "template_status_update",
            "user_marketing_preferences",
        ]:
            kept = self.told[kind] = []
            getattr(self.client, f"on_{kind}")(lambda _, update, kept=kept: kept.append(update))
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, self.app, threaded=True)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            self.client.override_waba_callback_url(self.address + "/webhook", VERIFY)
        except BaseException:
            self.close()
            raise

    def _note(self, answer):
        request = flask.request
        if request.method == "POST":
            self.notifications.append((dict(request.headers), request.get_data(), answer.status_code))
        return answer

    def _file(self, name):
        data, kind = self.files.get(name) or flask.abort(404)
        return flask.Response(data, content_type=kind)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Callback:
    """An address that is told what happens, and believes everything."""

    def __init__(self):
        values = self.values = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                self.answer(query["hub.challenge"][0])

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                values.append(body["entry"][0]["changes"][0]["value"])
                self.answer("")

            def answer(self, text):
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def message(self, text):
        """The message with this text, if it came."""
        came = [one for value in list(self.values) for one in value.get("messages", [])]
        return next((one for one in came if one.get("text") == {"body": text}), None)

    def statuses(self, id):
        """What was told of the message with this id."""
        return [one for value in list(self.values) for one in value.get("statuses", []) if one["id"] == id]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
