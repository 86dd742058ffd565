"""What README.md says somebody may type beside `make run`, typed: the customer writes, the API answers and asks, the
customer reads who can read that, and presses a button.

    build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import pathlib
import re
import subprocess
import tempfile
import unittest

from up import BINARY, PATIENCE, Up

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def commands():
    """The lines of the walk-through, each command with all its lines."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if "tradepost demo say" in block]
    lines = ""
    for line in block.splitlines(keepends=True):
        lines += line
        if subprocess.run(["bash", "-n"], input=lines, text=True, capture_output=True, check=False).returncode == 0:
            if lines.strip() and not lines.endswith("\\\n"):
                yield lines
                lines = ""
    assert not lines, f"not a command: {lines}"


class Terminal:
    """A shell in the folder of somebody who has cloned and built this."""

    def __init__(self, folder):
        self.shell = subprocess.Popen(
            ["bash"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def type(self, command):
        """What is typed has ended: with which status, and what it showed."""
        self.shell.stdin.write(command + "echo; echo ended $?\n")
        self.shell.stdin.flush()
        shown = ""
        for line in self.shell.stdout:
            if line.startswith("ended "):
                return shown
            shown += line
        raise AssertionError(f"the shell ended at {command}")

    def close(self):
        self.shell.stdin.close()
        self.shell.wait(PATIENCE)
        self.shell.stdout.close()


class Readme(unittest.TestCase):
    def test_the_walk_through(self):
        up = Up()
        self.addCleanup(up.close)
        folder = tempfile.TemporaryDirectory(prefix="tradepost-readme-")
        self.addCleanup(folder.cleanup)
        debug, data = pathlib.Path(folder.name, "target/debug"), pathlib.Path(folder.name, "build/try")
        debug.mkdir(parents=True)
        data.mkdir(parents=True)
        (debug / "tradepost").symlink_to(pathlib.Path(BINARY).resolve())
        (data / "up").symlink_to(up.data)
        terminal = Terminal(folder.name)
        self.addCleanup(terminal.close)
        shown = []
        for command in commands():
            answer = terminal.type(command)
            shown.append((command.split("\n")[0], answer))
            if command.startswith("send "):
                self.assertIn("wamid.", answer, command)
                # A person who types takes longer than the message.
                text = re.search(r'"(?:body|text)": "([^"]+)"', command).group(1)
                up.sees(text)
        read = [answer for command, answer in shown if command == "tradepost demo read"]
        self.assertEqual(len(read), 2, shown)
        told = re.search(r"^```text\n(.*?)^…\n```$", README.read_text(), re.MULTILINE | re.DOTALL).group(1)
        for screen in read:
            self.assertTrue(screen.startswith(told), screen)
        self.assertIn("No, it works.", read[0])
        self.assertIn("Did you pay 99 in Lisbon?", read[0])
        self.assertNotIn("[chosen] No", read[0])
        self.assertIn("you → Example Bank: [chosen] No", read[1])


if __name__ == "__main__":
    unittest.main()
