#!/usr/bin/python3
"""Each system call of a login fails in turn.

The real module in the real libpam: what it calls between being entered and
being left, in all phases, is counted once, and then each call fails with each
error, or transfers less than was asked for. So it is done to logins that are
to be permitted, and to those that are to be refused for one reason each.
"""

import errno
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import logins  # noqa: E402
import sample  # noqa: E402
import world  # noqa: E402

ERRORS = ["EIO", "ENOSPC", "EMFILE", "ENOMEM", "EACCES", "EINTR", "EAGAIN",
          "ENOENT", "EEXIST"]

# What is there, what is not, and what nobody knows.
TELLING = {"EIO", "ENOENT", "EEXIST"}

# A run that is not deep takes so many failures of each refusal.
SAMPLE = 30

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

# Where these folders are said to be missing they are made, and are there, by
# auth after the answer and by the opening of a session.
MAKING = (2, 5)
MADE = r"/|/run(/firstops(/(replay(/0)?|pending|sessions))?)?"

# Where these are missing they are made with another call, or need not be.
MISSED_ONCE = {"mknodat": r"/run/firstops/replay/.*",
               "openat": r"/run/firstops/(events|replay/0/floor)"}

# Small files that are read in one piece, or not believed.
READ_ONCE = r"/proc/|/run/firstops/replay/"

# Where a path shows which part of the work a call belongs to. A walk begins
# at "/": there the next path that is on the list tells.
PARTS = [
    (r"/dev/urandom", "seed"),
    (r"/proc/\w+/(loginuid|sessionid)", "ids"),
    (r"/etc/firstops/\w+\.yaml", "config"),
    (r"/etc/firstops/keys\.d/.", "key"),
    (r"/etc/firstops/principals\.d", "principal"),
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
        self.repeated = False # it was made a moment ago

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
    writing = False # a record, of whose sid there must be no other
    for i, call in enumerate(calls):
        # The next path that tells; a socket and randomness have none.
        call.part = next(filter(None, (part_of(c.path) for c in calls[i:])),
                         "audit")
        call.repeated = (call.name, call.path) in [
            (c.name, c.path) for c in calls[max(0, i - 4):i]]
        if call.name == "socket":
            call.part = "audit"
        if call.name == "getrandom" and call.part != "session":
            call.part = "io" # the nonce, and the sid of the decision
        if call.name in ("openat", "renameat2") and "/.new-" in call.path:
            writing = call.name == "openat"
        # From the lock to its end, and a listing from opening to closing.
        if sweep_begins is None and not writing and (call.name == "flock"
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


def calls_of(login, windows, who):
    """The calls of a login in which nothing goes wrong."""
    calls, window = [], 0
    for name, path in login.calls:
        if name == "window":
            window += 1
        else:
            calls.append(Call(len(calls) + 1, name, path, window))
    assert window == windows, f"{window} windows, not {windows}"
    name_parts(calls, who[2].endswith(","))
    return calls


def harmless(call):
    return call.name == "close" or call.part in HARMLESS


def failures(call):
    """The errors that this call can be given."""
    if call.name in NO_ERROR:
        return []
    # Who is said not to run any more has no record: that is no fault.
    gone = call.part == "sweep" and re.match(r"/proc/\d+/stat", call.path)
    return [e for e in ERRORS if not (gone and e == "ENOENT")] \
        + ["short"] * (call.name in CAN_BE_SHORT)


def telling_trials(calls):
    """Each call with the errors that can make a difference, and one of the
    others."""
    calls = [call for call in calls if failures(call)]
    for i, call in enumerate(calls):
        mine = failures(call)
        for error in mine:
            if error in TELLING or mine.index(error) == i % len(mine):
                yield call, error


def trials(calls, every):
    """Each call with every error, or with those that tell; in an ordinary run
    every second one, with one of them in turn."""
    if logins.DEEP and every:
        return [(call, e) for call in calls for e in failures(call)]
    if logins.DEEP:
        return telling_trials(calls)
    calls = [call for call in calls if failures(call)]
    return [(call, failures(call)[(i + sample.SEED) % len(failures(call))])
            for i, call in enumerate(calls[sample.first(2)::2])]


def fault_of(call, error):
    if error == "short":
        return "short", call.number, 1
    return "error", call.number, getattr(errno, error)


def fail_once(bench, who, trial):
    """(login, what is wrong with it) where that call fails, and no other."""
    call, error = trial
    fault = fault_of(call, error)
    # Where a minute ends meanwhile, calls have other numbers. What must hold
    # whatever failed holds there too.
    for _ in range(TRIES):
        login = bench.log_in(who, *fault)
        hit = is_hit(call, login)
        wrong = logins.judge(bench, login, not hit or call.part == "audit")
        if hit or wrong:
            break
    return login, wrong or judge_hit(call, login)


def attempt(who):
    def one(bench, trial):
        login, wrong = fail_once(bench, who, trial)
        return wrong or judge_why(*trial, login) \
            or judge_again(bench, who, login)
    return one


def judge_again(bench, who, login):
    """Whatever failed when a proof was taken, it is not taken again."""
    if not login.permitted or who[2] != "plain":
        return None
    login = bench.log_in_next((*who[:2], "again"))
    return None if login.answers == {"auth": logins.AUTH_ERR} \
        else f"permitted again: {login.answers}"


def same_in_each(path):
    """A path without what is another one in each login: the ids of processes,
    sockets and sessions, hashes of proofs, minutes."""
    return re.sub(r"[\w-]{22,}|\d+", "*", path)


def is_hit(call, login):
    """Was it the call that was meant?"""
    return [(name, same_in_each(path)) for name, path in login.calls] \
        == [(call.name, same_in_each(call.path))]


def judge_hit(call, login):
    """Did that call fail, and was everything given back?"""
    if not is_hit(call, login):
        return f"hit {login.calls}"
    leaked = login.fds - (call.name == "close")
    return f"{leaked} descriptors left open" if leaked > 0 else None


def is_handled(call, error):
    """Does the module do the call again, or without it?"""
    return error == "EINTR" and call.name in AGAIN \
        or error == "short" and call.name == "read" \
        and not re.match(READ_ONCE, call.path) \
        or error == "EAGAIN" and call.name == "sendmsg" \
        or error == "ENOSPC" and call.name in AFTER_SWEEP \
        or error in ("EINTR", "short") and call.name == "getrandom" \
        and call.window == 1 \
        or error == "ENOENT" and (is_made(call) or
                                  call.name == "getdents64")
    # The getrandom is the nonce's, which is asked for until it is whole; and
    # a folder that is gone has, to the C library, no more entries.


def is_made(call):
    """Is what is missing there made, or not needed?"""
    if call.part in ("replay_store", "session") and call.window in MAKING \
            and call.name == "openat" and re.fullmatch(MADE, call.path):
        return True
    return not call.repeated and re.fullmatch(
        MISSED_ONCE.get(call.name, "-"), call.path) is not None


def judge_why(call, error, login):
    """Did it have the consequence that it must have?"""
    phase, answer = login.last
    handled = is_handled(call, error)
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
    if call.part in ("key", "principal"):
        # Who is missing is unknown, or, once let in, revoked.
        gone = "unknown_key" if call.window < 3 else "revoked"
        return {gone if is_gone(call, error) else "store"}
    if call.path.endswith("/birth") and (error == "short" or
                                         is_gone(call, error)):
        return {"replay_newborn"} # torn or missing, and made anew
    if error == "EEXIST" and call.name in ("mknodat", "fchmodat"):
        return {"replay"}
    return {"audit"} if call.part == "file" else {call.part}


def is_gone(call, error):
    return error == "ENOENT" and call.name in ("openat", "readlinkat")


# ---- the tests --------------------------------------------------------------

benches = []


def sweep(*who, every=False):
    login = benches[0].log_in(who, "list")
    assert login.permitted, login
    # before and after the answer, and four phases
    calls = calls_of(login, 6, who)
    assert len(calls) > 400, len(calls)
    print(f"# {len(calls)} calls")
    logins.sweep(benches, trials(calls, every), attempt(who))


def test_no_call_that_fails_lets_anybody_in_who_answered_a_challenge():
    sweep("sshd", "deploy", "challenge", every=True)


def test_no_call_that_fails_lets_anybody_in_without_a_nonce():
    sweep("db", "robot", "plain")


def test_no_call_that_fails_lets_anybody_in_by_way_of_another_process():
    sweep("sshd", "deploy", "challenge,")


# ---- who is to be refused ---------------------------------------------------

def attempt_refusal(who, why):
    def one(bench, trial):
        login, wrong = fail_once(bench, who, trial)
        return wrong or judge_no_permit(who, login) \
            or judge_refusal(*trial, login, why)
    return one


def judge_no_permit(who, login):
    if list(login.answers) != ["auth"] or login.answers["auth"] == 0:
        return f"permitted: {login.answers}"
    if login.spent != (who[2] == "again"):
        return f"{login.spent} proofs on record"
    if login.left:
        return f"a record of a login: {login.left}"
    return None


def judge_refusal(call, error, login, why):
    """It is refused for the reason that it is to be refused for, or else for
    what failed."""
    want = {why}
    if not harmless(call) and not is_handled(call, error):
        want |= reasons(call, error) - {"audit"} # it stays what it is
    phase, answer = login.last
    told = {e["why"] for e in login.of(phase)}
    if not told <= want:
        return f"{phase} gives {told} as the reason, not {want}"
    if answer not in {logins.AUTH_ANSWERS.get(w) or logins.AUTH_ERR
                      for w in told or {why}}:
        return f"{phase} answers {answer} for {told}"
    return None


def sweep_refusal(why, *who):
    login = benches[0].log_in(who, "list")
    assert login.answers == {"auth": logins.AUTH_ERR}, login
    assert [e["why"] for e in login.of("auth")] == [why], login
    calls = calls_of(login, 3, who) # before and after the answer, and told
    found = sample.some(SAMPLE, telling_trials(calls))
    print(f"# {len(calls)} calls, {len(found)} failures")
    logins.sweep(benches, found, attempt_refusal(who, why))


def test_no_call_that_fails_lets_a_proof_pass_twice():
    sweep_refusal("replay", "db", "robot", "again")


def test_no_call_that_fails_lets_a_proof_without_the_nonce_pass():
    sweep_refusal("no_nonce", "sshd", "deploy", "plain")


def test_no_call_that_fails_lets_a_stale_proof_pass():
    sweep_refusal("stale", "db", "robot", "stale")


def test_no_call_that_fails_lets_a_proof_for_another_service_pass():
    sweep_refusal("wrong_htu", "db", "robot", "target")


def test_no_call_that_fails_lets_a_forged_signature_pass():
    sweep_refusal("bad_signature", "db", "robot", "forged")


def test_no_call_that_fails_lets_a_key_that_nobody_registered_pass():
    sweep_refusal("unknown_key", "db", "robot", "unknown")


def test_no_call_that_fails_lets_an_account_pass_that_is_not_the_agents():
    sweep_refusal("not_an_account", "db", "alice", "plain")


def test_no_call_that_fails_lets_a_revoked_agent_pass():
    sweep_refusal("revoked", "db", "robot", "revoked")


def test_no_call_that_fails_lets_a_revoked_key_pass():
    sweep_refusal("revoked_key", "db", "robot", "rotated")


def test_no_call_that_fails_hides_a_policy_that_denies():
    sweep_refusal("policy", "closed", "robot", "plain")


def prepare():
    logins.prepare()
    logins.prepare_refusals()
    secrets = logins.key_lines()
    benches.extend(logins.Bench(n, secrets) for n in range(2))


if __name__ == "__main__":
    if os.uname().machine != "x86_64":
        print("1..0 # SKIP calls are known by their registers of x86-64")
        sys.exit(0)
    world.main(prepare)
