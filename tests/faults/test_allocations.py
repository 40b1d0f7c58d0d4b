#!/usr/bin/python3
"""Each allocation of a login fails in turn, once, or with all after it.

The module's own and those that libpam, jansson, libyaml and libcrypto make
for it are counted alike, between its being entered and left.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import logins  # noqa: E402
import sample  # noqa: E402
import world  # noqa: E402

# One allocation in so many fails alone, and of those one in so many with all
# that come after it.
STRIDE = 1 if logins.DEEP else 37
ALL_AFTER = 4 if logins.DEEP else 1

benches = []


def numbers(who):
    """Which allocation fails, and whether alone."""
    count = benches[0].log_in(who, "alloc").allocs
    assert count > 100, count
    print(f"# {count} allocations")
    for i, n in enumerate(range(1 + sample.first(STRIDE), count + 1, STRIDE)):
        yield "alloc", n
        if i % ALL_AFTER == 0:
            yield "alloc+", n


def trouble_or(want):
    """Memory is no reason to refuse a proof: beside what becomes of the login
    with enough of it, only trouble of ours may come of it."""
    def one(bench, who, trial):
        kind, number = trial
        login = bench.log_in(who, kind, number)
        # Who is reserved, and so worth an event, is not known without the
        # configuration.
        wrong = logins.judge(bench, login, want == logins.CRED_INSUFFICIENT)
        if wrong:
            return wrong
        if login.fds > 0:
            return f"{login.fds} descriptors left open"
        phase, answer = login.last
        if answer == want and (answer or login.permitted):
            return None
        whys = [e["why"] for e in login.of(phase) if e["res"] != "permit"]
        if not set(whys) <= set(logins.AUTH_ANSWERS) or phase == "auth" \
                and [logins.AUTH_ANSWERS[w] for w in whys] != [answer]:
            return f"{phase} answers {answer} for {whys}"
        return None
    return one


def sweep(want, *who):
    login = benches[0].log_in(who)
    assert login.last[1] == want and (want or login.permitted), login
    one = trouble_or(want)
    logins.sweep(benches, numbers(who),
                 lambda bench, trial: one(bench, who, trial))


def test_no_allocation_that_fails_makes_a_refusal_of_a_challenges_answer():
    sweep(logins.SUCCESS, "sshd", "deploy", "challenge")


def test_no_allocation_that_fails_makes_a_refusal_of_a_proof_without_nonce():
    sweep(logins.SUCCESS, "db", "robot", "plain")


def test_no_allocation_that_fails_loses_a_login_on_its_way_to_setcred():
    sweep(logins.SUCCESS, "sshd", "deploy", "challenge,")


def test_no_allocation_that_fails_lets_a_proof_for_another_service_pass():
    sweep(logins.AUTH_ERR, "db", "robot", "target")


def test_no_allocation_that_fails_lets_a_proof_without_the_nonce_pass():
    sweep(logins.AUTH_ERR, "sshd", "deploy", "plain")


def test_no_allocation_that_fails_lets_a_stale_proof_pass():
    sweep(logins.AUTH_ERR, "db", "robot", "stale")


def test_no_allocation_that_fails_lets_a_key_that_nobody_registered_pass():
    sweep(logins.AUTH_ERR, "db", "robot", "unknown")


def test_no_allocation_that_fails_lets_pass_what_only_looks_like_a_proof():
    sweep(logins.AUTH_ERR, "db", "robot", "garbled")


def test_no_allocation_that_fails_lets_an_account_pass_that_is_not_the_agents():
    sweep(logins.AUTH_ERR, "db", "alice", "plain")


def test_no_allocation_that_fails_lets_a_forged_signature_pass():
    sweep(logins.AUTH_ERR, "db", "robot", "forged")


def test_no_allocation_that_fails_lets_a_revoked_agent_pass():
    sweep(logins.AUTH_ERR, "db", "robot", "revoked")


def test_no_allocation_that_fails_lets_a_revoked_key_pass():
    sweep(logins.AUTH_ERR, "db", "robot", "rotated")


def test_no_allocation_that_fails_hides_a_policy_that_denies():
    sweep(logins.AUTH_ERR, "closed", "robot", "plain")


def test_no_allocation_that_fails_lets_a_proof_pass_twice():
    sweep(logins.AUTH_ERR, "db", "robot", "again")


def test_no_allocation_that_fails_makes_a_password_a_proof():
    sweep(logins.CRED_INSUFFICIENT, "sshd", "deploy", "password")


def prepare():
    logins.prepare()
    logins.prepare_refusals()
    secrets = logins.key_lines()
    benches.extend(logins.Bench(n, secrets) for n in range(2))


if __name__ == "__main__":
    world.main(prepare)
