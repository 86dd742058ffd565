"""schemathesis, unmodified: it makes up requests from /openapi.json, good ones and bad ones, and looks at the answers.

Nothing may end in a status of the five hundreds, every answer is one that the document describes, and without a good
token there is none but 401 with code 190. The seed is fixed, so what it finds it finds again.

    build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from up import Up

SCHEMATHESIS = pathlib.Path(__file__).resolve().parents[2] / "build/schemathesis/bin/st"
SEED = "20261128"
# Seconds for all of it.
BOUND = 80
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
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Up()
        demo = cls.up.demo
        cls.base, cls.token = demo["base_url"], demo["token"]
        cls.up.says("Good morning")
        template = ask("GET", f"{cls.base}/{demo['waba_id']}/message_templates", cls.token)[1]["data"][0]["id"]
        account = ask("GET", f"{cls.base}/{demo['waba_id']}?fields=owner_business_info", cls.token)[1]
        code = ask("POST", f"{cls.base}/{demo['phone_number_id']}/message_qrdls?prefilled_message=Hi", cls.token)[1]
        upload = ask("POST", f"{cls.base}/app/uploads?file_length=1000&file_type=image/png", cls.token)[1]["id"]
        cls.ids = {
            "phone_number_id": demo["phone_number_id"],
            "waba_id": demo["waba_id"],
            "business_id": account["owner_business_info"]["id"],
            "app_id": "app",
            "template_id": template,
            "upload_id": upload,
            "item": code["code"],
        }

    @classmethod
    def tearDownClass(cls):
        cls.up.close()

    def test_whatever_is_asked_the_answer_is_one_of_the_document(self):
        with tempfile.TemporaryDirectory(prefix="tradepost-schema-") as folder:
            config = pathlib.Path(folder, "schemathesis.toml")
            lines = ["[parameters]"] + [f'"path.{name}" = "{value}"' for name, value in self.ids.items()]
            config.write_text("\n".join(lines) + "\n")
            line = [str(SCHEMATHESIS), "--config-file", str(config), "run", f"{self.base}/openapi.json"]
            line += ["--header", f"Authorization: Bearer {self.token}", "--checks", ",".join(CHECKS)]
            line += ["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", SEED]
            line += ["--generation-database", "none", "--request-timeout", "20", "--warnings", "off", "--no-color"]
            # Without a registered number, nothing behind the first rule of sending would be reached.
            line += ["--exclude-path-regex", "/deregister$", "--continue-on-failure"]
            done = subprocess.run(line, cwd=folder, capture_output=True, timeout=BOUND, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode()[-20000:] + done.stderr.decode())
        self.assertTrue(self.up.runs())

    def test_a_wrong_token_is_401_with_code_190_everywhere(self):
        document = ask("GET", f"{self.base}/openapi.json")[1]
        asked = 0
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if "security" not in operation:
                    continue
                url = self.base + path
                for name in ["until", "signature", "media_id"]:
                    url = url.replace("{" + name + "}", self.ids.get(name, "6000000000000000"))
                for name, value in self.ids.items():
                    url = url.replace("{" + name + "}", value)
                for token in [None, "EAAB", "1|2"]:
                    status, answer = ask(method.upper(), url, token, {} if method == "post" else None)
                    self.assertEqual((status, answer["error"]["code"]), (401, 190), (method, path, token))
                    asked += 1
        self.assertGreater(asked, 100)


if __name__ == "__main__":
    unittest.main()
