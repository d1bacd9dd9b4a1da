# SPDX-License-Identifier: MIT
"""A journal for one program: fake_journal.py RECORDS PROGRAM ARGUMENT...

Binds the journal's socket, starts PROGRAM with a standard error that systemd would call a stream to
the journal (JOURNAL_STREAM), and appends each record that comes as a line of JSON to the file RECORDS.
Ends with the program and its status. Wants /run/systemd to be its own: see unshare(1).
"""
import json
import os
import signal
import socket
import subprocess
import sys

PATH = "/run/systemd/journal/socket"


def fields_of(datagram):
    fields = {}
    for line in datagram.decode("utf-8").split("\n"):
        if line:
            key, value = line.split("=", 1)
            fields[key] = value
    return fields


def main():
    records = sys.argv[1]
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(PATH)
    journal.settimeout(0.1)
    ours, theirs = socket.socketpair()
    status = os.fstat(theirs.fileno())
    environment = dict(os.environ, JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}")
    program = subprocess.Popen(sys.argv[2:], stderr=theirs, env=environment)
    theirs.close()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: program.send_signal(n))
    is_running = True
    with open(records, "a", encoding="utf-8") as out:
        while True:
            try:
                out.write(json.dumps(fields_of(journal.recv(65536))) + "\n")
                out.flush()
            except socket.timeout:
                # once more after its end: what it said last may still be in the socket
                if not is_running:
                    break
                is_running = program.poll() is None
    ours.close()
    return program.returncode


sys.exit(main())
