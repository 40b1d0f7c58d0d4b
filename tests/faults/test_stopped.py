#!/usr/bin/python3
"""A login stopped in its middle delays no other, and comes too late.

The real module in the real libpam is stopped before one of its system calls,
between the client's answer and the end of auth. While it stands there others
log in, in the same /run/firstops. It goes on when its proof is too old.
"""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import logins  # noqa: E402
import world  # noqa: E402

WHO = ("sshd", "deploy", "challenge")
MAX_AGE_S = 1
# A login beside one that is stopped takes as long as any.
BESIDE_MS = 1000
# Before the client's answer, and after it.
ANSWERED = 2
BENCHES = 8


class Beside(logins.Bench):
    """More logins in the /run/firstops of another bench."""

    def __init__(self, bench):
        self.number = f"{bench.run.name}-beside"
        super().__init__(self.number)
        self.program.stdin.close()
        self.program.wait(10)
        self.program.stdout.close()
        self.run, self.kept = bench.run, bench.kept
        self.program = subprocess.Popen(
            [logins.HELPERS / "login", logins.CONFDIR,
             f"/run/faults/{self.number}.log", self.run, logins.KEY,
             logins.MODULE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def log_in_now(self):
        """As things are, with nothing going wrong."""
        self.events()
        self.order(*WHO, "none", 0, 0)
        return self.finish()


def calls_after_answer(bench):
    """Numbers of the calls, and of the one that spends the proof."""
    login = bench.log_in(WHO, "list")
    assert login.permitted, login
    numbers, spends, window, number = [], None, 0, 0
    for name, _ in login.calls:
        if name == "window":
            window += 1
            continue
        number += 1
        if window == ANSWERED:
            numbers.append(number)
            if name == "mknodat":
                spends = number
    assert spends in numbers, login.calls
    return numbers, spends


def stop(bench, beside, number):
    """Stop a login there, let another in, and go on too late."""
    bench.clean()
    beside.kept = bench.kept
    bench.events()
    bench.order(*WHO, "before", number, 0)
    for _ in bench.answer():
        pass
    too_late = int(time.time()) + MAX_AGE_S + 1
    other = beside.log_in_now()
    while time.time() < too_late:
        time.sleep(too_late - time.time())
    bench.order("go")
    return other, bench.finish()


def judge(number, spends, other, login):
    """What is wrong, or None."""
    if not other.permitted:
        return f"another was kept out: {other.answers} {other.lines}"
    if other.ms >= BESIDE_MS:
        return f"another had to wait for {other.ms} ms"
    if number > spends:
        return None if login.permitted else \
            f"its proof was spent in time: {login.answers} {login.lines}"
    if login.last != ("auth", logins.AUTH_ERR):
        return f"it answers {login.last}"
    why = [e["why"] for e in login.of("auth")]
    return None if why == ["stale"] else f"its events say {why}"


benches = []


def test_a_login_stopped_in_its_middle_delays_no_other_and_comes_too_late():
    numbers, spends = calls_after_answer(benches[0][0])
    near = {spends + i for i in (-1, 0, 1)}
    chosen = numbers if logins.DEEP else sorted(
        set(numbers[::len(numbers) // 12]) | near & set(numbers))

    def attempt(pair, number):
        return judge(number, spends, *stop(*pair, number))
    logins.sweep(benches, chosen, attempt)


def prepare():
    logins.prepare(MAX_AGE_S)
    for number in range(BENCHES):
        bench = logins.Bench(number)
        benches.append((bench, Beside(bench)))


if __name__ == "__main__":
    if os.uname().machine != "x86_64":
        print("1..0 # SKIP calls are known by their registers of x86-64")
        sys.exit(0)
    world.main(prepare)
