#!/usr/bin/python3
"""Each system call of a writing verb fails in turn, as on a disk that is full,
broken or read-only: the old file stays, and what fo says is true, names the
place, says what to do and gives no secret away.
"""

import errno
import os

import verbs

import tap

# A run that is not deep takes so many failures of each verb.
SAMPLE = 24

CREATING = ("ENOSPC", "EDQUOT", "EROFS", "EACCES")
ERRORS = {
    "openat": ("EACCES", "EMFILE", "EINTR"),
    "read": ("EINTR",),
    "getdents64": (),
    "newfstatat": (),
    "readlinkat": (),
    "fcntl": (),
    "lseek": (),
    "close": (),
    "flock": ("EINTR", "ENOLCK"),
    # never interrupted for as few bytes as are asked for
    "getrandom": (),
    "write": ("ENOSPC", "EDQUOT", "EINTR"),
    "pwrite64": ("ENOSPC", "EDQUOT", "EINTR"),
    "ftruncate": ("ENOSPC", "EROFS"),
    "fsync": ("ENOSPC", "EDQUOT", "EROFS", "EINTR"),
    "fchmod": ("EROFS", "EPERM"),
    "fchown": ("EROFS", "EPERM"),
    "unlinkat": ("EROFS",),
    "socket": ("EMFILE",),
    "connect": ("EINTR",),
    "mkdirat": CREATING,
    "symlinkat": CREATING,
    "linkat": CREATING,
    # what the C library makes of renameat2 without flags
    "renameat": CREATING,
    "renameat2": CREATING,
}
MAKES = (".tmp-", ".lock", "out.pem", "log", "new-")

# Whoever cannot do this, does not say that it is done.
NEEDED = ("write", "fsync", "renameat", "mkdirat", "symlinkat")

# What is said where no file is to blame.
NO_FILE = ("no randomness from the kernel", "the cryptographic library failed",
           "standard output: the result could not be written",
           "the private key could not be written and is lost",
           "the machine's boot id cannot be read",
           "its birth cannot be read; check the folder")

# What is said of a change that was made, if not as it should have been; the
# first two of what may have been a part of it.
DONE = ("was written, but", "links were made", "the change has been made",
        "what was asked for is done", "revoke the agent", "it is gone, but")


def failures(calls):
    """Trials: a call, the error that it is to have, and whether the verb must
    fail then."""
    trials = []
    for call in calls:
        if call.name not in ERRORS:
            continue
        words = ("EIO",) + ERRORS[call.name]
        if call.name == "openat" and any(
                call.paths[0].rpartition("/")[2].startswith(m)
                for m in MAKES):
            words += CREATING[:-1]
        trials += [(call.number, getattr(errno, w),
                    call.name in NEEDED and w != "EINTR") for w in words]
    return trials if verbs.DEEP else trials[::max(1, len(trials) // SAMPLE)]


def check_words(text, error):
    """What went wrong, where, and what to do."""
    assert text.startswith("fo: "), text
    if any(words in text for words in NO_FILE):
        return
    assert os.strerror(error) in text, text
    assert " /" in text or ":/" in text or "user " in text, text
    assert ";" in text.partition(os.strerror(error))[2], text


def check_truth(stage, done, text):
    """What it says is what is there."""
    if "nothing was changed" in text:
        assert stage.state() == stage.before, text
    if done:
        assert any(words in text for words in DONE), text
        told = stage.ev != "" and "not every audit sink" not in text
        assert len(stage.new_events(stage.ev)) == told, text
        return
    assert not any(words in text for words in DONE[2:]), text
    assert not stage.out.exists(), text
    assert not stage.unfinished(), text
    assert not stage.new_events(stage.ev), text


def sweep(make):
    """Let a verb fail everywhere; what looks the same is judged once."""
    first = make()
    trials = failures(first.calls())
    first.doCleanups()
    seen = set()

    def fail(stage, trial):
        number, error, must_fail = trial
        stage.reset()
        answer = stage.disturbed("-n", f"{number}={error}")
        try:
            stage.judge_secrets(answer)
            done = stage.is_done()
            look = (answer.returncode, answer.stderr.count("\n"),
                    stage.shape(), os.strerror(error) in answer.stderr)
            if answer.returncode == 0:
                assert done and answer.stderr == "", answer.stderr
                assert not must_fail, "it says that it did what it could not"
                assert len(stage.new_events(stage.ev)) == (stage.ev != "")
            else:
                assert answer.returncode in (1, 2, 3), answer.returncode
                check_words(answer.stderr, error)
                check_truth(stage, done, answer.stderr)
            if look not in seen:
                seen.add(look)
                stage.judge()
            return answer.returncode
        except AssertionError as reason:
            raise AssertionError(
                f"call {number} of {stage.words} failed with"
                f" {errno.errorcode[error]}:\n{answer.stdout}"
                f"{answer.stderr}[{answer.returncode}]\n{reason}"
            ) from reason

    codes = set(verbs.at_once(make, trials, fail))
    # a sweep without a refusal, or without a success, shows nothing
    assert codes >= {0, 3}, codes


def test_fo_agent_create_that_writes_the_key_to_a_file():
    sweep(verbs.Create)


def test_fo_agent_create_that_prints_the_key():
    sweep(verbs.CreateOnce)


def test_fo_agent_revoke():
    sweep(verbs.Revoke)


def test_fo_agent_rotate():
    sweep(verbs.Rotate)


def test_fo_agent_delete():
    sweep(verbs.Delete)


def test_fo_store_index():
    sweep(verbs.Index)


def test_fo_init():
    sweep(verbs.Init)


def test_fo_store_replay():
    sweep(verbs.Replay)


def test_fo_key_generate():
    sweep(verbs.Generate)


def test_fo_target_add():
    sweep(verbs.Add)


def test_fo_target_add_that_makes_the_list():
    sweep(verbs.AddFirst)


def test_fo_target_remove():
    sweep(verbs.Remove)


def test_a_file_that_keeps_a_second_name_is_not_called_unwritten():
    """Where files are linked to their names, the name before may stay: the
    agent is there, with its key and its event, and refused until then."""
    stage = verbs.Create()
    try:
        done = stage.disturbed("-e", f"renameat2={errno.EINVAL}",
                               "-e", f"unlinkat={errno.EIO}")
        assert done.returncode == 3, done.stderr
        left, = stage.unfinished()
        assert f"was written, but has a second name, {left}" in done.stderr
        stage.refused(1, "", "store", "check", config=True)
        stage.remove_second_names()
        assert stage.is_done() and len(stage.new_events(stage.ev)) == 1
        stage.judge()
    finally:
        stage.doCleanups()


def test_each_line_of_a_key_and_each_part_of_a_proof_is_known_for_a_secret():
    stage = verbs.Create()
    try:
        key = stage.scene / "first.pem"
        proof = stage.sign("pam://bastion/sshd/deploy", key=key)
        lines = key.read_text().splitlines()[1:-1]
        assert len(lines) == 3 and lines[0].startswith(verbs.KEY_BEGINS)
        for part in [*lines, *proof.split(".")]:
            assert verbs.SECRET.fullmatch(part), part
        known = stage.pieces(proof)
        assert lines[2][-verbs.PIECE:] in known
        assert proof[-verbs.PIECE:] in known
    finally:
        stage.doCleanups()


if __name__ == "__main__":
    tap.main()
