"""`tradepost up` as a test sees it: a relay, a host, a sample business and its customer in one process."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

BINARY = os.environ.get("TRADEPOST_BINARY", "target/debug/tradepost")
PATIENCE = 60


def until(what, wanted):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = wanted()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen in {PATIENCE} seconds")


class Up:
    def __init__(self, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="tradepost-up-")
        self.data = self.folder.name
        self.log = open(os.path.join(self.data, "log"), "wb")
        line = [BINARY, "up", "--data", self.data, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            line, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
        )
        path = pathlib.Path(self.data, "demo.json")
        try:
            until("tradepost up", lambda: self.runs() and path.exists())
        except AssertionError:
            self.close()
            raise
        self.demo = json.loads(path.read_text())

    def runs(self):
        if self.process.poll() is None:
            return True
        self.log.flush()
        said = pathlib.Path(self.data, "log").read_text(errors="replace")
        raise AssertionError(f"tradepost up ended with {self.process.returncode}:\n{said}")

    def demo_command(self, *words):
        line = [BINARY, "demo", words[0], "--data", self.data, *words[1:]]
        done = subprocess.run(line, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, (line, done.stderr.decode())
        return done.stdout.decode()

    def says(self, text):
        """The customer writes."""
        self.demo_command("say", text)

    def answers(self, *choice):
        """The customer presses a button or picks a row."""
        self.demo_command("answer", *choice)

    def sees(self, text):
        """Waits until the customer's screen shows this."""
        return until(f"the customer sees {text!r}", lambda: text in self.demo_command("read"))

    def chat(self, number, name, device="a device"):
        """Somebody else with `tradepost chat`."""
        return Chat(self, number, name, device)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()


class Chat:
    """A person with `tradepost chat`, registered at the relay of `tradepost up`, in a chat with its business."""

    def __init__(self, up, number, name, device):
        self.up, self.number = up, number
        self.business = up.demo["business_number"]
        self.folder = os.path.join(up.data, f"chat {number} {device}")
        self.shown = ""
        # The relay is one for development: it tells the code itself.
        self.run("register", number, "--name", name, "--relay", up.demo["relay_url"], "--dev")

    def run(self, *words):
        self.up.runs()
        environment = {**os.environ, "TRADEPOST_DATA": self.folder}
        line = [BINARY, "chat", *words]
        done = subprocess.run(line, capture_output=True, timeout=PATIENCE, check=False, env=environment)
        assert done.returncode == 0, (line, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def says(self, *words):
        """Writes to the business, or sends it a file, a place, a card: what `tradepost chat send` takes."""
        self.run("send", self.business, *words)

    def reads(self, *words):
        """All that came until now, as it was shown."""
        self.shown += self.run("receive", *words)
        return self.shown

    def sees(self, text):
        """Waits until this is shown, and gives the number of its message."""
        until(f"{self.number} sees {text!r}", lambda: text in self.reads())
        before = self.shown[: self.shown.index(text)]
        return re.findall(r"^#(\d+) ", before, re.MULTILINE)[-1]

    def history(self):
        """The whole chat with the business, for programs."""
        return json.loads(self.run("history", self.business, "--limit", "1000", "--json"))["messages"]

    def answers(self, *choice):
        """Presses a button or picks a row."""
        self.run("answer", self.business, *choice)
