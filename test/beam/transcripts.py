# SPDX-License-Identifier: MIT
"""Replays the transcripts of documents: what is typed there is typed again, into real shells, and what they
answer is compared with what the document shows.

    transcripts.py --host HOST --erl COMMAND --iex COMMAND [--folder DIR] [--only KIND]... [--all] DOCUMENT...

Blocks of a document, in their order:

    ```erl      1> Expression.          an Erlang shell; its answers follow
    ```iex      iex(1)> expression      iex; continuation lines begin with ...(1)>
                a line "$ command" before the first prompt starts the shell
    ```console  $ command               bash; what a command prints follows
    ```sh       a script for the same bash, which must succeed
    ```KIND not executed: REASON    is skipped, with the reason
    ```LANGUAGE with a first line "# file: PATH" or "%% file: PATH": written to that file

Blocks in comments of .erl files (between lines with ``` and ''') and indented blocks count as well if their
first line has a prompt. A prompt with number 1 begins a new shell, others go on in the one there is.

An expression without an answer in the document must not fail. Not compared are white space, ids, pids,
references and times; "..." stands for anything. Where a document says @vm it means this host. Prints TAP; status
1 if something differs.
"""

import argparse
import os
import re
import selectors
import signal
import subprocess
import sys
import time

TIMEOUT_S = 60
PROMPTS = {
    "erl": re.compile(r"(?:^|\n)(?:\([^()\s]+\))?\d+> $"),
    "iex": re.compile(r"(?:^|\n|> )iex(?:\([^()\s]*\))?\d*> $"),
}
CONTINUATION = re.compile(r"\.\.\.(?:\([^()\s]*\))?\d*> ")
# under an exception, a line for each function
STACK = re.compile(r"^\*\* .*?(?=\n {4,}|\Z)", re.DOTALL)
TYPED = {
    "erl": re.compile(r"^(?:\([^()\s]+\))?(\d+)> ?(.*)$"),
    "iex": re.compile(r"^(?:iex|\.\.\.)(?:\((?:[^()\s]*@[^()\s]*\))?(\d+)\)?)?> ?(.*)$"),
    "console": re.compile(r"^\$ (.*)$"),
}
VARYING = [
    # what a shell says of its jobs depends on whether it is interactive
    (re.compile(r"(?m)^bash: line \d+: +\d+ (Killed|Terminated|Done).*\n?"), ""),
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"#(PID|Ref|Port)<[0-9.]+>"), r"#\1<>"),
    (re.compile(r"<\d+\.\d+\.\d+>"), "<pid>"),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|us|MiB|KiB|min)\b"), "N units"),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d+)?Z?\b"), "TIME"),
]


class Shell:
    """A program that is typed to through a pipe."""

    def __init__(self, command, env, folder):
        self.process = subprocess.Popen(
            command, shell=isinstance(command, str), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=env, cwd=folder, start_new_session=True)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.text = ""

    def write(self, line):
        self.text = ""
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def read_until(self, is_there):
        """What it prints until is_there(text) is true, in full; None if it never is."""
        deadline = time.monotonic() + TIMEOUT_S
        while not is_there(self.text):
            if not self.selector.select(max(0, deadline - time.monotonic())):
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return None
            self.text += data.decode(errors="replace").replace("\r", "")
        return self.text

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def comparable(text):
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return "".join(text.split())


def is_like(expected, got):
    parts = [re.escape(part) for part in comparable(expected).split("...")]
    return re.fullmatch(".*".join(parts), comparable(got), re.DOTALL) is not None


def fenced_blocks(lines):
    """(line number, kind, lines) of Markdown: fenced, and indented with a prompt"""
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("```"):
            end = next(i for i in range(number + 1, len(lines)) if lines[i].startswith("```"))
            yield number + 2, line[3:].strip(), lines[number + 1:end]
            number = end + 1
        elif line.startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            block = [text[4:] for text in lines[number:end]]
            while block and not block[-1].strip():
                block.pop()
            yield number + 1, kind_of(block), block
            number = end
        else:
            number += 1


def comment_blocks(lines):
    """The same of the comments of a .erl file"""
    start = None
    for number, line in enumerate(lines):
        if line == "%% ```":
            start = number + 1
        elif line == "%% '''" and start is not None:
            block = [re.sub(r"^%% ?", "", text) for text in lines[start:number]]
            yield start + 1, kind_of(block), block
            start = None


COMMAND = re.compile(r"^(\$ |(sudo|scripts/|asmctl|asmd|erl|npm|apt-get|systemctl|mkdir) ?)\S")


def kind_of(block):
    for kind in ("erl", "iex"):
        if any(TYPED[kind].match(line) for line in block[:2]):
            return kind
    return "commands" if any(COMMAND.match(line) for line in block) else ""


def steps_of(kind, block):
    """[(prompt number, typed lines, printed lines)]"""
    steps = []
    for line in block:
        typed = TYPED[kind].match(line)
        if not typed and steps and kind == "erl" and not steps[-1][1][-1].rstrip().endswith("."):
            steps[-1][1].append(line)
            continue
        if not typed:
            if steps:
                steps[-1][2].append(line)
            continue
        text = typed.group(typed.lastindex)
        number = typed.group(1) if kind != "console" else None
        if kind == "iex" and number is None:
            number = "again" if line.startswith("...") else "next"
        goes_on = steps and not steps[-1][2] and kind != "console" and (
            line.startswith("...") or (kind == "erl" and number == steps[-1][0]))
        if goes_on:
            steps[-1][1].append(text)
        else:
            steps.append((number, [text], []))
    return steps


class Replay:
    def __init__(self, arguments):
        self.arguments = arguments
        self.env = dict(os.environ, TERM="dumb", NO_COLOR="1", PS1="", PS2="")
        self.shells = {}
        self.n_failed = 0

    def report(self, where, problem):
        if problem is None:
            print("ok - " + where, flush=True)
        else:
            self.n_failed += 1
            print("not ok - %s: %s" % (where, " ".join(problem.split())), flush=True)

    def local(self, text):
        return re.sub(r"@vm\b", "@" + self.arguments.host, text)

    def shell(self, kind, fresh, command=None):
        if fresh and kind in self.shells:
            self.shells.pop(kind).close()
        if kind not in self.shells:
            command = command or {"erl": self.arguments.erl, "iex": self.arguments.iex}.get(kind, ["bash"])
            self.shells[kind] = Shell(command, self.env, self.arguments.folder)
            if kind in PROMPTS:
                self.prompt(kind)
        return self.shells[kind]

    def with_environment(self, command):
        """A shell of a document has the PATH that the document has set before."""
        if "console" not in self.shells:
            return command
        text, _ = self.run_command("echo PATH=$PATH", None)
        return "export %s; %s" % (text.strip(), command)

    def prompt(self, kind):
        text = self.shells[kind].read_until(lambda text: PROMPTS[kind].search(text))
        return None if text is None else PROMPTS[kind].sub("", text)

    def run_expression(self, kind, number, lines, command):
        shell = self.shell(kind, number == "1", command)
        shell.write(self.local("\n".join(lines)))
        printed = self.prompt(kind)
        if printed is None:
            self.shells.pop(kind).close()
            return "(no prompt again within %d s) %s" % (TIMEOUT_S, shell.text)
        printed = CONTINUATION.sub("", printed)
        stack = STACK.match(printed)
        return stack.group() if stack else printed

    def run_command(self, command, expected):
        """What comes of a command in the background may come later."""
        shell = self.shell("console", fresh=False)
        mark = "--- end of command "
        shell.write("{ %s\n} </dev/null\nstatus=$?; echo; echo '%s'$status" % (self.local(command), mark))
        done = re.compile(re.escape(mark) + r"\d+\n")

        def is_there(text):
            return done.search(text) and (expected is None or is_like(expected, done.sub("", text)))
        text = shell.read_until(is_there) or shell.text
        status = re.search(re.escape(mark) + r"(\d+)", text)
        return done.sub("", text), None if status is None else int(status.group(1))

    def run_block(self, where, kind, block):
        target = re.match(r"^(?:#|%%) file: (\S+)$", block[0]) if block else None
        kind, _, reason = kind.partition(" not executed: ")
        if reason:
            print("ok - %s # SKIP %s" % (where, reason), flush=True)
        elif target:
            path = os.path.join(self.arguments.folder, target.group(1))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.local("\n".join(block[1:]) + "\n"))
        elif kind == "sh":
            text, status = self.run_command("\n".join(block), None)
            self.report(where, None if status == 0 else "expected status 0 got %s: %s" % (status, text))
        elif kind in TYPED:
            self.run_steps(where, kind, block)
        elif kind == "commands":
            self.report(where, "expected commands in a block that says what it is (console, sh) got an indented one")
        elif self.arguments.all:
            self.report(where, "expected a block that can be executed got '%s'" % kind)

    def run_steps(self, where, kind, block):
        start = None
        if kind != "console" and block[0].startswith("$ "):
            start = self.with_environment(block[0][2:])
        for number, typed, shown in steps_of(kind, block):
            expected = self.local("\n".join(shown))
            if kind == "console":
                got, _ = self.run_command(typed[0], expected)
            else:
                got = self.run_expression(kind, number, typed, start)
            failed = re.match(r"\*", got) is not None
            same = is_like(expected, got) if expected.strip() or kind == "console" else not failed
            self.report("%s %s" % (where, typed[0]), None if same else "expected %s got %s" % (expected, got))

    def run(self, name):
        with open(name, encoding="utf-8") as file:
            lines = file.read().split("\n")
        blocks = comment_blocks(lines) if name.endswith(".erl") else fenced_blocks(lines)
        for number, kind, block in blocks:
            if not self.arguments.only or kind in self.arguments.only:
                self.run_block("%s:%d" % (os.path.basename(name), number), kind, block)
        for shell in list(self.shells):
            self.shells.pop(shell).close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--erl", required=True)
    parser.add_argument("--iex", required=True)
    parser.add_argument("--folder", default=os.getcwd())
    parser.add_argument("--only", action="append")
    parser.add_argument("--all", action="store_true", help="each block must be one that is executed")
    parser.add_argument("documents", nargs="+")
    replay = Replay(parser.parse_args())
    for document in replay.arguments.documents:
        replay.run(document)
    sys.exit(1 if replay.n_failed else 0)


main()
