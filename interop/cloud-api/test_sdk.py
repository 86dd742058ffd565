"""The API's former SDK for Node, unmodified: it insists on TLS, so this also tests that of the host."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse

from pywa import WhatsApp

from receiver import Receiver
from up import Up, until


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tradepost-tls-")
        cls.certificate = pathlib.Path(cls.folder.name, "certificate.pem")
        key = pathlib.Path(cls.folder.name, "key.pem")
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        line += ["-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out", str(cls.certificate)]
        subprocess.run(line, check=True, capture_output=True)
        cls.up = Up(
            TRADEPOST_HOST__LISTEN__TLS__CERTIFICATE=str(cls.certificate),
            TRADEPOST_HOST__LISTEN__TLS__KEY=str(key),
        )

    @classmethod
    def tearDownClass(cls):
        cls.up.close()
        cls.folder.cleanup()

    def test_it_sends_over_tls(self):
        demo = self.up.demo
        self.assertTrue(demo["base_url"].startswith("https://"))
        # The customer writes first, and a message of theirs is needed to answer it: a callback tells its id.
        receiver = Receiver()
        self.addCleanup(receiver.close)
        os.environ["SSL_CERT_FILE"] = str(self.certificate)
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE")
        client = WhatsApp(
            phone_id=demo["phone_number_id"],
            token=demo["token"],
            waba_id=demo["waba_id"],
            app_secret=demo["app_secret"],
            verify_token="v",
            server=None,
        )
        client.api._session.base_url = demo["base_url"] + "/v24.0"
        receiver.client = client
        came = []
        client.on_message(lambda _, message: came.append(message))
        client.override_waba_callback_url(receiver.url, "v")
        self.up.says("Good morning")
        until("the message", lambda: came)

        port = urllib.parse.urlsplit(demo["base_url"]).port
        environment = {
            **os.environ,
            "NODE_ENV": "production",
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "WA_BASE_URL": "localhost",
            "WA_PORT": str(port),
            "CLOUD_API_VERSION": "v24.0",
            "CLOUD_API_ACCESS_TOKEN": demo["token"],
            "WA_PHONE_NUMBER_ID": demo["phone_number_id"],
            "TO": demo["customer_number"].lstrip("+"),
            "WAMID": came[0].id,
        }
        sdk = pathlib.Path(__file__).with_name("sdk")
        done = subprocess.run(
            ["node", "conversation.cjs"], cwd=sdk, env=environment, capture_output=True, timeout=60, check=False
        )
        lines = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
        answers = {line["name"]: line for line in lines}
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        for name in ["text", "template", "buttons", "reply"]:
            answer = answers[name]
            self.assertEqual(answer["status"], 200, answer)
            self.assertTrue(answer["body"]["messages"][0]["id"].startswith("wamid."))
        self.assertEqual(answers["read"]["body"], {"success": True})
        self.assertEqual(answers["nobody"]["status"], 400)
        self.assertIn(answers["nobody"]["body"]["error"]["code"], [100, 131009])
        self.up.sees("From the SDK")
        self.up.sees("As you said")
        self.up.answers("--button", "agree")


if __name__ == "__main__":
    unittest.main()
