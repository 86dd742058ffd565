"""schemathesis, unmodified: it makes up requests from /openapi.json, good ones and bad ones, and looks at the answers.

Nothing may end in a status of the five hundreds, every answer is one that the document describes, and without a good
token there is none but 401 with code 190. The seed is fixed, so what it finds it finds again.

    build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from files import png
from receiver import VERIFY, Callback
from test_foreign import form, template
from up import Up, until

SCHEMATHESIS = pathlib.Path(__file__).resolve().parents[2] / "build/schemathesis/bin/st"
SEED = "20261128"
# Of each operation, beside what is made up of the document's own bounds.
EXAMPLES = 60
# Seconds after which it hangs; it takes about one.
BOUND = 180
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
]


def ask(method, url, token=None, body=None):
    """A request by hand: its status and its JSON."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if isinstance(body, tuple):
        headers["Content-Type"], body = body
    elif isinstance(body, dict):
        headers["Content-Type"], body = "application/json", json.dumps(body).encode()
    elif body is not None:
        headers |= {"Content-Type": "application/octet-stream", "file_offset": "0"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as started:
            # Otherwise most messages would meet the limit of messages to one person, and nothing behind it.
            cls.up = Up(TRADEPOST_HOST__MESSAGING__PAIR_MS="0", TRADEPOST_HOST__MESSAGING__PER_SECOND="0")
            started.callback(cls.up.close)
            callback = Callback()
            started.callback(callback.close)
            demo = cls.up.demo
            cls.base, cls.token = demo["base_url"], demo["token"]
            phone, account = demo["phone_number_id"], demo["waba_id"]
            override = {"override_callback_uri": callback.url, "verify_token": VERIFY}
            cls.has("POST", f"{account}/subscribed_apps", override)
            cls.up.says("Good morning")
            first = until("the first message", lambda: callback.message("Good morning"))
            upload = cls.has("POST", f"app/uploads?file_length={len(png())}&file_type=image/png")["id"]
            cls.ids = {
                "phone_number_id": phone,
                "waba_id": account,
                "business_id": demo["business_id"],
                "app_id": "app",
                "template_id": cls.has("GET", f"{account}/message_templates?name=hello_world")["data"][0]["id"],
                "upload_id": cls.has("POST", "app/uploads?file_length=1000&file_type=image/png")["id"],
                "media_id": cls.has("POST", f"{phone}/media", form("image/png", png()))["id"],
                "item": cls.has("POST", f"{phone}/message_qrdls", {"prefilled_message": "Hi"})["code"],
            }
            cls.more = {
                "customer": first["from"],
                "user_id": first["from_user_id"],
                "message_id": first["id"],
                "handle": cls.has("POST", upload, png())["h"],
                "spare": cls.has("POST", f"{account}/message_templates", template("a_spare_one"))["id"],
                "callback": callback.url,
                "verify_token": VERIFY,
            }
            cls.close = started.pop_all().close

    @classmethod
    def tearDownClass(cls):
        cls.close()

    @classmethod
    def has(cls, method, path, body=None):
        status, answer = ask(method, f"{cls.base}/{path}", cls.token, body)
        assert status == 200, (method, path, answer)
        return answer

    def test_1_a_wrong_token_is_401_with_code_190_everywhere(self):
        document = ask("GET", f"{self.base}/openapi.json")[1]
        asked = 0
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if "security" not in operation:
                    continue
                url = self.base + path
                for name in ["until", "signature"]:
                    url = url.replace("{" + name + "}", "6000000000000000")
                for name, value in self.ids.items():
                    url = url.replace("{" + name + "}", value)
                for token in [None, "EAAB", "1|2"]:
                    status, answer = ask(method.upper(), url, token, {} if method == "post" else None)
                    self.assertEqual((status, answer["error"]["code"]), (401, 190), (method, path, token))
                    asked += 1
        self.assertGreater(asked, 100)

    def test_2_whatever_is_asked_the_answer_is_one_of_the_document(self):
        with tempfile.TemporaryDirectory(prefix="tradepost-schema-") as folder:
            config = pathlib.Path(folder, "schemathesis.toml")
            hooks = pathlib.Path(__file__).with_name("schema_hooks.py")
            lines = [f'hooks = "{hooks}"', "[parameters]"]
            lines += [f'"path.{name}" = "{value}"' for name, value in self.ids.items()]
            config.write_text("\n".join(lines) + "\n")
            line = [str(SCHEMATHESIS), "--config-file", str(config), "run", f"{self.base}/openapi.json"]
            line += ["--header", f"Authorization: Bearer {self.token}", "--checks", ",".join(CHECKS)]
            line += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", SEED]
            line += ["--generation-database", "none", "--request-timeout", "20", "--warnings", "off", "--no-color"]
            # Without a registered number, nothing behind the first rule of sending would be reached.
            line += ["--exclude-path-regex", "/deregister$", "--continue-on-failure"]
            ids, answers = json.dumps(self.ids | self.more), pathlib.Path(folder, "answers.json")
            environment = {**os.environ, "TRADEPOST_IDS": ids, "TRADEPOST_ANSWERS": str(answers)}
            done = subprocess.run(line, cwd=folder, capture_output=True, timeout=BOUND, check=False, env=environment)
            self.assertEqual(done.returncode, 0, done.stdout.decode()[-20000:] + done.stderr.decode())
            counted = json.loads(answers.read_text())
        # Otherwise it would have met nothing but the first rule of everything.
        done = {operation[:-4] for operation in counted if operation[-3:] == "200"}
        self.assertGreater(len(done), 40, counted)
        for operation in ["POST /{phone_number_id}/messages", "GET /{media_id}", "GET /{waba_id}/message_templates"]:
            self.assertGreater(counted.get(f"{operation} 200", 0), 10, operation)
        self.assertTrue(self.up.runs())
        # Whatever of it got to the customer, who may be blocked by now, their device is as it was.
        phone, customer = self.ids["phone_number_id"], self.more["customer"]
        block = {"messaging_product": "whatsapp", "block_users": [{"user": customer}]}
        ask("DELETE", f"{self.base}/{phone}/block_users", self.token, block)
        self.up.says("Still here")
        last = {"messaging_product": "whatsapp", "to": customer, "text": {"body": "We too"}}
        self.has("POST", f"{phone}/messages", last)
        self.up.sees("We too")


if __name__ == "__main__":
    unittest.main()
