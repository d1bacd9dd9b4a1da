#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A bad network between two interfaces: packets are lost, late and out of order.

    bad_network.py NAME_A NAME_B SEED CONTROL

Makes two tun devices and carries packets between them; an address, and for one of them a network
namespace, is given to them by others. CONTROL is a fifo that takes lines "LOSS_PERCENT DELAY_MS
JITTER_MS". The delay of each packet is its own, so that jitter changes their order. No kernel module
but tun is needed. Prints "ready" when the devices are there.
"""
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000


def make_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main():
    name_a, name_b, seed, control = sys.argv[1:]
    a, b = make_tun(name_a), make_tun(name_b)
    other = {a: b, b: a}
    # both ways, so that it has no end when a writer closes it
    orders = os.open(control, os.O_RDWR | os.O_NONBLOCK)
    chance = random.Random(seed)
    loss, delay, jitter = 0.0, 0.0, 0.0
    waiting = []
    number = 0
    print("ready", flush=True)
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for fd in select.select([a, b, orders], [], [], timeout)[0]:
            data = os.read(fd, 65536)
            if fd == orders:
                loss, delay, jitter = map(float, data.split(b"\n")[-2].split())
            elif chance.random() * 100 >= loss:
                due = time.monotonic() + (delay + chance.random() * jitter) / 1000
                number += 1
                heapq.heappush(waiting, (due, number, other[fd], data))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, fd, data = heapq.heappop(waiting)
            try:
                os.write(fd, data)
            except OSError:
                pass  # a device that is down, or whose queue is full, loses the packet


main()
