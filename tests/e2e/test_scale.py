#!/usr/bin/python3
"""Many principals, many processes: the same system calls, one winner."""

import base64
import os
import pathlib
import re
import resource
import subprocess
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

HTU = "pam://bastion/probe/deploy"
PRINCIPAL = """\
---
version: 1
status: active
id: {id}
kind: agent
name: bot-{number}
owner: team-platform
groups: [agents]
policies: []
accounts: [deploy]
keys:
  - thumbprint: {jkt}
    created: 2026-01-01T00:00:00Z
...
"""


def prepare():
    global bot, client
    bot = world.Agent("build-bot")
    client = world.compile("pam_client")
    world.settle(bot)
    world.stack("probe", *world.OURS)


# ---- principals -------------------------------------------------------------

def populate(count):
    """Fill the store up to that many principals."""
    folder = world.STORE / "principals.d"
    have = sum(1 for _ in folder.iterdir())
    for number in range(have, count):
        # any bytes do: thumbprints are as good as random
        unique = uuid.uuid5(uuid.NAMESPACE_OID, str(number))
        jkt = base64.urlsafe_b64encode(unique.bytes * 2).decode().rstrip("=")
        name = f"fo_agent_{unique}"
        world.write(folder / f"{name}.yaml", PRINCIPAL.format(
            id=name, jkt=jkt, number=number))
        (world.STORE / "keys.d" / jkt).symlink_to(
            f"../principals.d/{name}.yaml")
    assert sum(1 for _ in folder.iterdir()) == count


def system_calls():
    """What one whole login asks of the kernel, by name.

    The least of five: a login that begins a new minute makes a folder more.
    brk is left out: how malloc grows the heap differs from one login to the
    next with the very same store.
    """
    counts = []
    for _ in range(5):
        done = world.run("strace", "-f", "-c", "-o", "/root/strace", client,
                         "probe", "deploy", input=bot.sign(HTU) + "\n")
        assert done.code == 0, done
        table = pathlib.Path("/root/strace").read_text()
        # % time, seconds, usecs/call, calls, (errors,) name
        found = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$",
                           table, re.MULTILINE)
        calls = {name: int(n) for n, name in found
                 if name not in ("total", "brk")}
        assert calls.get("readlinkat") or calls.get("readlink"), table
        counts.append(calls)
    return min(counts, key=lambda calls: sum(calls.values()))


def test_a_login_makes_the_same_system_calls_with_20000_principals():
    populate(10)
    few = system_calls()
    populate(20000)
    many = system_calls()
    assert few == many, {name: (few.get(name), many.get(name))
                         for name in sorted({*few, *many})
                         if few.get(name) != many.get(name)}


def test_a_large_store_is_listed_at_once_and_checked_in_little_memory():
    count = 100000 if "FIRSTOPS_DEEP" in os.environ else 20000
    populate(count)
    began = time.monotonic()
    lister = subprocess.Popen(["fo", "agent", "list"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    assert lister.stdout.readline().startswith(b"NAME")
    first = time.monotonic() - began
    lines = sum(1 for _ in lister.stdout)
    lister.stdout.close()
    assert lister.wait() == 0 and lines == count, lines
    done = world.on_terminal("fo", "store", "check", timeout=300)
    assert done.code == 0 and f"{count} principals read" in done.out, \
        done.out[-2000:]
    assert re.search(r"\rprincipals: \d+000 ", done.out), done.out[:200]
    # of all children that have ended so far, the largest
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"#   {count} principals: the list began after {first:.2f} s, the"
          f" check took at most {peak} MiB")
    assert first < 1 and peak < 200


# ---- processes --------------------------------------------------------------

def race(count):
    """So many processes offer one proof at once; what auth answered each."""
    clients = [subprocess.Popen([client, "probe", "deploy"], text=True,
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
               for _ in range(count)]
    proof = bot.sign(HTU)
    for one in clients:     # each has come as far as its question
        assert one.stdout.readline().startswith("ask "), one
    for one in clients:
        one.stdin.write(proof + "\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0] for one in clients]
    return [int(re.search(r"^auth (\d+)$", text, re.MULTILINE)[1])
            for text in said]


def test_of_100_processes_with_the_same_proof_exactly_one_gets_in():
    for _ in range(2):
        mark = log.mark()
        answers = race(100)
        assert sorted(answers) == [0] + [7] * 99, sorted(answers)
        log.one(mark, ev="auth", res="permit")
        assert world.until(lambda: len(log.events(
            mark, ev="auth", why="replay")) == 99), log.tail(mark)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
