#!/usr/bin/python3
"""A writing verb is killed after each of its system calls in turn: every file
is the old one or the new one, what is left half-done is named and in nobody's
way, there is no event of what did not happen, and no secret where it does not
belong.
"""

import errno
import re

import verbs

import tap

# A run that is not deep takes so many of the calls that change something.
SAMPLE = 16

# A file system that cannot rename without replacing, as NFS.
PLAIN = ("-e", f"renameat2={errno.EINVAL}")


def is_new(path):
    return path.rpartition("/")[2].startswith(".tmp-")


def chosen(calls):
    """After which calls to kill."""
    if verbs.DEEP:
        return [c.number for c in calls]
    changing = [c.number for c in calls if c.name in verbs.CHANGING
                and (c.name != "openat" or is_new(c.paths[0]))]
    return changing[::max(1, len(changing) // SAMPLE)]


def sweep(make, *options):
    """Kill a verb everywhere. What two kills leave behind in the same shape
    is judged once. Returns the verdicts: was it done?"""
    first = make()
    numbers = chosen(first.calls(*options))
    first.doCleanups()
    seen = {}

    def kill(stage, number):
        stage.reset()
        done = stage.disturbed("-K", str(number), *options)
        # the last calls of two runs differ by a few
        assert done.returncode in (verbs.KILLED, 0), done.stderr
        try:
            stage.judge_secrets(done)
            shape = stage.shape()
            if shape not in seen:
                if options:
                    stage.remove_second_names()
                seen[shape] = stage.is_done()
                stage.judge()
            return seen[shape]
        except AssertionError as error:
            raise AssertionError(f"killed after call {number} of"
                                 f" {stage.words}: {error}") from error

    verdicts = set(verbs.at_once(make, numbers, kill))
    # a sweep that never stood before and behind the change shows nothing
    assert verdicts == {False, True}, verdicts


def test_fo_agent_create_that_writes_the_key_to_a_file():
    sweep(verbs.Create)


def test_fo_agent_create_that_prints_the_key():
    sweep(verbs.CreateOnce)


def test_fo_agent_create_where_files_are_linked_to_their_names():
    sweep(verbs.Create, *PLAIN)


def test_fo_init_where_files_are_linked_to_their_names():
    sweep(verbs.Init, *PLAIN)


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


def test_what_is_acknowledged_is_on_disk():
    """A file is synced before it gets its name and its folder after, the
    reservation of a key before the file that lists it, and all of it before
    the event and before the answer."""
    stage = verbs.Create()
    try:
        calls = stage.calls()
    finally:
        stage.doCleanups()
    steps = []
    for call in calls:
        name = call.file.rsplit("/", 1)[-1]
        what = ("key" if name == "out.pem" else "tmp"
                if name.startswith(".tmp-") else name)
        if call.name in ("symlinkat", "renameat2", "fsync") or \
                call.name == "write" and what in ("key", "tmp", "log"):
            steps.append(f"{call.name} {what}")
    assert steps == [
        "write key", "fsync key", "fsync scene",
        "symlinkat keys.d", "fsync keys.d",
        "write tmp", "fsync tmp", "renameat2 principals.d",
        "fsync principals.d", "write log"], steps


def test_a_list_of_targets_is_on_disk_with_the_folders_that_lead_to_it():
    stage = verbs.AddFirst()
    try:
        calls = stage.calls()
    finally:
        stage.doCleanups()
    steps = [f"{c.name} {c.paths[-1] if c.paths else c.file}" for c in calls
             if c.name in ("mkdirat", "renameat", "fsync")]
    assert [re.sub(" .*/", " ", step) for step in steps] == [
        "mkdirat .config", "fsync home", "mkdirat firstops", "fsync .config",
        "fsync .tmp-targets.yaml", "renameat targets.yaml",
        "fsync firstops"], steps


if __name__ == "__main__":
    tap.main()
