"""The API's former SDK for Node, unmodified: it insists on TLS, so this also tests that of the host.

build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import contextlib
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

from files import MP3, MP4, PDF, WEBP, png
from up import Up, until

VERIFY = "a token of the business"


def certificate(folder):
    """A certificate of this machine that signed itself, and its key."""
    certificate, key = pathlib.Path(folder, "certificate.pem"), pathlib.Path(folder, "key.pem")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    line += ["-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(line, check=True, capture_output=True)
    return str(certificate), str(key)


class Sdk:
    """The program of the business that uses the SDK."""

    def __init__(self, demo, certificate):
        environment = {
            **os.environ,
            "NODE_ENV": "production",
            "NODE_EXTRA_CA_CERTS": certificate,
            "WA_BASE_URL": "localhost",
            "WA_PORT": str(urllib.parse.urlsplit(demo["base_url"]).port),
            "CLOUD_API_VERSION": "v24.0",
            "CLOUD_API_ACCESS_TOKEN": demo["token"],
            "M4D_APP_ID": demo["app_id"],
            "M4D_APP_SECRET": demo["app_secret"],
            "WA_PHONE_NUMBER_ID": demo["phone_number_id"],
            "WA_BUSINESS_ACCOUNT_ID": demo["waba_id"],
            "WEBHOOK_ENDPOINT": "webhook",
            "WEBHOOK_VERIFICATION_TOKEN": VERIFY,
        }
        self.process = subprocess.Popen(
            ["node", "conversation.cjs"],
            cwd=pathlib.Path(__file__).with_name("sdk"),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said, self.asked = [], 0
        threading.Thread(target=self._listen, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.hears('its port', lambda line: 'port' in line)['port']}/webhook"

    def _listen(self):
        for line in self.process.stdout:
            # The SDK writes its own log beside.
            if line.startswith("{"):
                self.said.append(json.loads(line))

    def hears(self, what, fits):
        def found():
            assert self.process.poll() is None, f"the SDK's process ended with {self.process.returncode}"
            failed = [line for line in self.said if "failed" in line]
            assert not failed, failed
            return [line for line in self.said if fits(line)]

        return until(what, found)[0]

    def call(self, call, *words):
        """Calls the SDK: the status and the body that it was answered."""
        self.asked += 1
        ask = {"id": self.asked, "call": call, "words": words}
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        line = self.hears(call, lambda line: line.get("id") == ask["id"])
        return line["status"], line["body"]

    def taken(self, what, fits):
        """Waits for a notification, rightly signed, whose message or status fits, and gives it."""

        def of(line):
            right = "notification" in line and line["status"] == 200
            value = line["notification"]["entry"][0]["changes"][0]["value"] if right else {}
            return (value.get("messages") or value.get("statuses") or [None])[0]

        return of(self.hears(what, lambda line: of(line) and fits(of(line))))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Conversation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as started:
            folder = started.enter_context(tempfile.TemporaryDirectory(prefix="tradepost-tls-"))
            cls.certificate, key = certificate(folder)
            cls.up = Up(
                TRADEPOST_HOST__LISTEN__TLS__CERTIFICATE=cls.certificate,
                TRADEPOST_HOST__LISTEN__TLS__KEY=key,
            )
            started.callback(cls.up.close)
            cls.sdk = Sdk(cls.up.demo, cls.certificate)
            started.callback(cls.sdk.close)
            # The SDK has no call for this: its listener answers the handshake.
            override = {"override_callback_uri": cls.sdk.address, "verify_token": VERIFY}
            answer = cls.ask("POST", f"{cls.up.demo['waba_id']}/subscribed_apps", override)
            assert answer == (200, {"success": True}), answer
            cls.anna = cls.up.chat("+4915112340003", "Anna")
            cls.anna.run("share-number", cls.anna.business, "--yes")
            cls.anna.says("Good morning")
            cls.first = cls.sdk.taken("the message", lambda one: one.get("text") == {"body": "Good morning"})
            cls.to = int(cls.first["from"])
            cls.close = started.pop_all().close

    @classmethod
    def tearDownClass(cls):
        cls.close()

    @classmethod
    def ask(cls, method, path, body=None, kind="application/json"):
        """A call that the SDK does not have, over TLS too."""
        demo = cls.up.demo
        headers = {"Authorization": f"Bearer {demo['token']}", "Content-Type": kind}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(f"{demo['base_url']}/v24.0/{path}", data, headers, method=method)
        trusting = ssl.create_default_context(cafile=cls.certificate)
        try:
            with urllib.request.urlopen(request, timeout=20, context=trusting) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    @classmethod
    def upload(cls, name, mime, data):
        form = '--edge\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n--edge\r\n'
        form += f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {mime}\r\n\r\n'
        body = form.encode() + data + b"\r\n--edge--\r\n"
        path = f"{cls.up.demo['phone_number_id']}/media"
        status, answer = cls.ask("POST", path, body, "multipart/form-data; boundary=edge")
        assert status == 200, answer
        return answer["id"]

    def send(self, kind, *words):
        status, answer = self.sdk.call(f"messages.{kind}", *words)
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["contacts"][0]["wa_id"], str(self.to))
        id = answer["messages"][0]["id"]
        self.assertTrue(id.startswith("wamid."))
        return id

    def test_all_that_it_can_send_arrives(self):
        self.assertTrue(self.up.demo["base_url"].startswith("https://"))
        text = self.send("text", {"body": "From the SDK", "preview_url": False}, self.to)
        self.anna.sees("From the SDK")
        for status in ["sent", "delivered", "read"]:
            self.sdk.taken(status, lambda one: one["id"] == text and one.get("status") == status)
        language = {"policy": "deterministic", "code": "en_US"}
        self.send("template", {"name": "hello_world", "language": language}, self.to)
        self.anna.sees("Hello World")
        self.send("text", {"body": "As you said"}, self.to, self.first["id"])
        self.anna.sees("As you said")
        place = {"latitude": 52.52, "longitude": 13.405, "name": "The shop", "address": "Berlin"}
        self.send("location", place, self.to)
        self.anna.sees("The shop")
        card = {
            "name": {"formatted_name": "Ada Banks", "first_name": "Ada"},
            "phones": [{"phone": "+4930111111", "type": "WORK"}],
        }
        self.send("contacts", [card], self.to)
        self.anna.sees("Ada Banks")
        picture, film = self.upload("a.png", "image/png", png()), self.upload("a.mp4", "video/mp4", MP4)
        self.send("image", {"id": picture, "caption": "A picture"}, self.to)
        self.send("video", {"id": film, "caption": "A film"}, self.to)
        self.send("audio", {"id": self.upload("a.mp3", "audio/mpeg", MP3)}, self.to)
        self.send("sticker", {"id": self.upload("a.webp", "image/webp", WEBP)}, self.to)
        terms = {"id": self.upload("a.pdf", "application/pdf", PDF), "filename": "terms.pdf", "caption": "The terms"}
        self.send("document", terms, self.to, self.first["id"])
        for words in ["A picture", "A film", "terms.pdf", "The terms"]:
            self.anna.sees(words)

    def test_buttons_and_lists_are_answered(self):
        buttons = [{"type": "reply", "reply": {"id": id, "title": id.title()}} for id in ["agree", "refuse"]]
        question = {"type": "button", "body": {"text": "Do you agree?"}, "action": {"buttons": buttons}}
        sent = self.send("interactive", question, self.to)
        self.anna.sees("Do you agree?")
        self.anna.answers("--button", "agree")
        answer = self.sdk.taken("the button", lambda one: one.get("context", {}).get("id") == sent)
        self.assertEqual(
            answer["interactive"], {"type": "button_reply", "button_reply": {"id": "agree", "title": "Agree"}}
        )
        rows = [{"id": "am", "title": "Morning", "description": "9 to 12"}, {"id": "pm", "title": "Evening"}]
        question = {
            "type": "list",
            "header": {"type": "text", "text": "Delivery"},
            "body": {"text": "When may we come?"},
            "footer": {"text": "The bank"},
            "action": {"button": "Times", "sections": [{"title": "Tomorrow", "rows": rows}]},
        }
        sent = self.send("interactive", question, self.to)
        self.anna.sees("When may we come?")
        self.anna.answers("--row", "pm")
        answer = self.sdk.taken("the row", lambda one: one.get("context", {}).get("id") == sent)
        self.assertEqual(
            answer["interactive"], {"type": "list_reply", "list_reply": {"id": "pm", "title": "Evening"}}
        )

    def test_what_the_person_sends_is_taken_by_its_listener(self):
        path = pathlib.Path(self.anna.folder, "card.png")
        path.write_bytes(png())
        self.anna.says("--file", str(path), "My card")
        picture = self.sdk.taken("the picture", lambda one: one.get("image", {}).get("caption") == "My card")
        status, about = self.ask("GET", picture["image"]["id"])
        self.assertEqual((status, about["mime_type"], about["file_size"]), (200, "image/png", len(png())))
        self.assertTrue(about["url"].startswith("https://"))
        self.anna.says("--location", "52.5163,13.3777", "A gate")
        place = self.sdk.taken("the place", lambda one: one.get("location", {}).get("name") == "A gate")
        self.assertEqual((place["location"]["latitude"], place["location"]["longitude"]), (52.5163, 13.3777))
        self.anna.says("Grüße 👋")
        self.sdk.taken("letters of all kinds", lambda one: one.get("text") == {"body": "Grüße 👋"})

    def test_its_listener_looks_at_signatures(self):
        request = urllib.request.Request(self.sdk.address, b"{}", {"X-Hub-Signature-256": "sha256=" + 64 * "0"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        self.assertEqual(refused.exception.code, 401)

    def test_read_marks_and_typing(self):
        mark = {"status": "read", "message_id": self.first["id"]}
        self.assertEqual(self.sdk.call("messages.status", mark), (200, {"success": True}))

    def test_the_pin_is_set(self):
        self.assertEqual(self.sdk.call("twoStepVerification.setPin", 271828), (200, {"success": True}))
        path = f"{self.up.demo['phone_number_id']}/register"
        status, answer = self.ask("POST", path, {"messaging_product": "whatsapp", "pin": "314159"})
        self.assertEqual((status, answer["error"]["code"]), (400, 133005))
        right = self.ask("POST", path, {"messaging_product": "whatsapp", "pin": "271828"})
        self.assertEqual(right, (200, {"success": True}))

    def test_mistakes_are_told(self):
        status, answer = self.sdk.call("messages.text", {"body": "Hello"}, "NaN")
        self.assertEqual(status, 400)
        self.assertIn(answer["error"]["code"], [100, 131009])
        status, answer = self.sdk.call("messages.text", {"body": ""}, self.to)
        self.assertEqual(status, 400)
        self.assertIn(answer["error"]["code"], [100, 131008, 131009])
        language = {"policy": "deterministic", "code": "en_US"}
        status, answer = self.sdk.call(
            "messages.template", {"name": "no_such_template", "language": language}, self.to
        )
        self.assertEqual((status, answer["error"]["code"]), (404, 132001))


if __name__ == "__main__":
    unittest.main()
