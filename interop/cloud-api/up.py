"""`tradepost up` as a test sees it: a relay, a host, a sample business and its customer in one process."""

import json
import os
import pathlib
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

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()
