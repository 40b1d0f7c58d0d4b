#!/usr/bin/python3
"""Each system call of a login fails in turn.

The real module in the real libpam: what it calls between being entered and
being left, in all phases, is counted once, and then each call fails with each
error, or transfers less than was asked for.
"""

import errno
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import logins  # noqa: E402
import world  # noqa: E402

ERRORS = ["EIO", "ENOSPC", "EMFILE", "ENOMEM", "EACCES", "EINTR", "EAGAIN"]

# The kernel gives no error here: getpid and its like have none, and brk
# answers with the end that there is. Signals' calls fail for addresses that
# nobody can read, only. (Memory runs out in test_allocations.)
NO_ERROR = {"getpid", "gettid", "getuid", "geteuid", "getgid", "getegid",
            "brk", "rt_sigprocmask", "rt_sigpending"}
TRIES = 5
# Interrupted, these are made again.
AGAIN = {"read", "write", "pwrite64", "sendmsg"}
CAN_BE_SHORT = {"read", "write", "pwrite64", "getrandom"}

# Where the folder of used proofs is full, it is swept, and these made again.
AFTER_SWEEP = {"mknodat", "mkdirat", "fchmodat"}

# Small files that are read in one piece, or not believed.
READ_ONCE = r"/proc/|/run/firstops/replay/"

# Where a path shows which part of the work a call belongs to. A walk begins
# at "/": there the next path that is on the list tells.
PARTS = [
    (r"/dev/urandom", "seed"),
    (r"/proc/\w+/(loginuid|sessionid)", "ids"),
    (r"/etc/firstops/\w+\.yaml", "config"),
    (r"/etc/firstops/\w+\.d", "store"),
    (r"/proc/sys/kernel/random/boot_id", "replay_store"),
    (r"/run/firstops/replay", "replay_store"),
    (r"/run/firstops/events", "file"),
    (r"/run/firstops/(pending|sessions)", "session"),
    (r"/proc/\d+/stat", "session"),
    (r"socket:", "audit"),
]

# Whole windows that are one part: setcred, and the end of the session.
WINDOWS = {4: "setcred", 6: "close session"}

# What may fail and leave a permit a permit, with the reason.
HARMLESS = {
    "close": "the descriptor is gone whatever close says",
    "seed": "jansson takes the clock where it cannot have a random seed",
    "ids": "the event says that the login has no audit id",
    "sweep": "what is old is removed by a later login",
    "setcred": "the pending record is swept; setcred keeps nobody out",
    "here": "the record counts as another process's, which may less",
    "close session": "the session ends all the same, and its record is swept",
}


class Call:
    """One call of a login, and where in it."""

    def __init__(self, number, name, path, window):
        self.number, self.name, self.path = number, name, path
        self.window = window
        self.part = None

    def __repr__(self):
        return f"call {self.number} ({self.part}): {self.name} {self.path}"


def part_of(path):
    for pattern, part in PARTS:
        if re.match(pattern, path):
            return part
    return None


def name_parts(calls, other_handle):
    """Which part of the work each call belongs to."""
    sweep_begins = sweep_ends = None
    for i, call in enumerate(calls):
        # The next path that tells; a socket and randomness have none.
        call.part = next(filter(None, (part_of(c.path) for c in calls[i:])),
                         "audit")
        if call.name == "socket":
            call.part = "audit"
        if call.name == "getrandom" and call.part != "session":
            call.part = "io" # the nonce, and the sid of the decision
        # From the lock to its end, and a listing from opening to closing.
        if sweep_begins is None and (call.name == "flock"
                                     or call.path.endswith("/.")):
            sweep_begins = call.path.removesuffix("/.")
            sweep_ends = "flock" if call.name == "flock" else "close"
            call.part = "sweep"
        elif sweep_begins is not None:
            call.part = "sweep"
            if (call.name, call.path) == (sweep_ends, sweep_begins):
                sweep_begins = None
        if call.window == 4 and other_handle:
            if re.match(r"/proc/\d+/stat", call.path):
                call.part = "here"
        else:
            call.part = WINDOWS.get(call.window, call.part)


def calls_of(bench, who):
    """The calls of a login in which nothing goes wrong."""
    login = bench.log_in(who, "list")
    assert login.permitted, login
    calls, window = [], 0
    for name, path in login.calls:
        if name == "window":
            window += 1
        else:
            calls.append(Call(len(calls) + 1, name, path, window))
    assert window == 6, f"{window} windows, not 6: before and after the" \
        " answer, and four phases"
    assert len(calls) > 400, len(calls)
    name_parts(calls, who[2].endswith(","))
    return calls


def harmless(call):
    return call.name == "close" or call.part in HARMLESS


def trials(calls):
    """Each call with each error; in an ordinary run every second one, with
    one of them in turn."""
    calls = [call for call in calls if call.name not in NO_ERROR]
    if not logins.DEEP:
        calls = calls[::2]
    for i, call in enumerate(calls):
        errors = ERRORS + ["short"] * (call.name in CAN_BE_SHORT)
        if not logins.DEEP:
            errors = [errors[i % len(errors)]]
        for error in errors:
            yield call, error


def attempt(who):
    def one(bench, trial):
        call, error = trial
        fault = ("short", call.number, 1) if error == "short" else \
            ("error", call.number, getattr(errno, error))
        # Now and then malloc asks once more for memory, and all later calls
        # have another number. What must hold whatever failed holds there too.
        for _ in range(TRIES):
            login = bench.log_in(who, *fault)
            wrong = logins.judge(bench, login, call.part == "audit") \
                or judge_hit(call, login)
            if not wrong or not wrong.startswith("hit "):
                break
        return wrong or judge_why(call, error, login)
    return one


def judge_hit(call, login):
    """Was it the call that was meant, and was everything given back?"""
    if len(login.calls) != 1 or login.calls[0][0] != call.name:
        return f"hit {login.calls}"
    leaked = login.fds - (call.name == "close")
    return f"{leaked} descriptors left open" if leaked > 0 else None


def judge_why(call, error, login):
    """Did it have the consequence that it must have?"""
    phase, answer = login.last
    handled = error == "EINTR" and call.name in AGAIN \
        or error == "short" and call.name == "read" \
        and not re.match(READ_ONCE, call.path) \
        or error == "EAGAIN" and call.name == "sendmsg" \
        or error == "ENOSPC" and call.name in AFTER_SWEEP \
        or error in ("EINTR", "short") and call.name == "getrandom" \
        and call.window == 1 # the nonce's, which is asked for until it is whole
    if login.permitted:
        return None if harmless(call) or handled else "permitted"
    if handled or harmless(call):
        return f"{phase} answers {answer}: {login.lines}"
    return judge_reason(call, error, login, *login.last)


def judge_reason(call, error, login, phase, answer):
    want = reasons(call, error)
    why = {e["why"] for e in login.of(phase) if e["res"] != "permit"}
    if not why <= want:
        return f"{phase} gives {why} as the reason, not {want}"
    if phase == "auth" and answer not in {logins.AUTH_ANSWERS.get(w)
                                          or logins.AUTH_ERR for w in want}:
        return f"auth answers {answer} for {want}"
    return None


def reasons(call, error):
    """The truthful ones."""
    if error == "short" and call.path.endswith("/birth"):
        return {"replay_newborn"} # torn, and made anew
    return {"audit"} if call.part == "file" else {call.part}


# ---- the tests --------------------------------------------------------------

benches = []


def sweep(*who):
    calls = calls_of(benches[0], who)
    print(f"# {len(calls)} calls")
    logins.sweep(benches, trials(calls), attempt(who))


def test_no_call_that_fails_lets_anybody_in_who_answered_a_challenge():
    sweep("sshd", "deploy", "challenge")


def test_no_call_that_fails_lets_anybody_in_without_a_nonce():
    sweep("db", "robot", "plain")


def test_no_call_that_fails_lets_anybody_in_by_way_of_another_process():
    sweep("sshd", "deploy", "challenge,")


def prepare():
    logins.prepare()
    secrets = logins.key_lines()
    benches.extend(logins.Bench(n, secrets) for n in range(2))


if __name__ == "__main__":
    if os.uname().machine != "x86_64":
        print("1..0 # SKIP calls are known by their registers of x86-64")
        sys.exit(0)
    world.main(prepare)
