# SPDX-License-Identifier: MIT
"""What systemd does for a service of Type=notify: fake_systemd.py MESSAGES [OPTION]... -- PROGRAM ARGUMENT...

  --listen ADDRESS:PORT   a listening socket for the program, also several
  --datagram PORT         a socket that nobody can connect to
  --watchdog USEC         the interval of the watchdog
  --abstract              the notify socket has no path

Appends each message of the program as a JSON list of its lines to the file MESSAGES. Ends with the
program and its status.
"""
import argparse
import json
import os
import signal
import socket
import sys


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("messages")
    parser.add_argument("--listen", action="append", default=[])
    parser.add_argument("--datagram", type=int)
    parser.add_argument("--watchdog")
    parser.add_argument("--abstract", action="store_true")
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def listening(options):
    sockets = []
    for place in options.listen:
        address, port = place.rsplit(":", 1)
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, int(port)))
        one.listen()
        sockets.append(one)
    if options.datagram:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", options.datagram))
        sockets.append(one)
    return sockets


def start(options, path, sockets):
    pid = os.fork()
    if pid > 0:
        return pid
    # out of the way first: one may have a number that another one is to get
    moved = [os.dup2(one.fileno(), 100 + i) for i, one in enumerate(sockets)]
    for i, fd in enumerate(moved):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.environ["NOTIFY_SOCKET"] = path
    if moved:
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(moved))
        os.environ["LISTEN_FDNAMES"] = ":".join(["asmd.socket"] * len(moved))
    if options.watchdog:
        os.environ["WATCHDOG_PID"] = str(os.getpid())
        os.environ["WATCHDOG_USEC"] = options.watchdog
    os.execvp(options.program[0], options.program)


def main():
    options = parse()
    path = os.path.abspath(options.messages) + ".socket"
    if options.abstract:
        path = "@" + path
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path.replace("@", "\0", 1))
    notify.settimeout(0.1)
    pid = start(options, path, listening(options))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: os.kill(pid, n))
    status = None
    with open(options.messages, "a", encoding="utf-8") as out:
        while True:
            try:
                out.write(json.dumps(notify.recv(4096).decode().split("\n")) + "\n")
                out.flush()
            except socket.timeout:
                # once more after its end: what it said last may still be in the socket
                if status is not None:
                    break
                ended, wait_status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    status = os.waitstatus_to_exitcode(wait_status)
    if not options.abstract:
        os.unlink(path)
    return status if status >= 0 else 128 - status


sys.exit(main())
