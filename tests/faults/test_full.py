#!/usr/bin/python3
"""The verbs that write are run on a file system that is full, and on one that
is mounted read-only: they say so, and all files are as they were.
"""

import errno
import os
import shutil
import subprocess

import verbs

import tap
from test_verb_calls import check_truth, check_words

# What these have made is taken by the next run of them.
GO_ON = (verbs.Init, verbs.Replay, verbs.AddFirst)

# The scene is put on a file system of its own; what the verb makes of it is
# kept beside it.
FULL = """
top=$1; shift
cp -a "$top" "$top.aside" &&
mount -t tmpfs -o mode=755,size=256k tmpfs "$top" &&
cp -a "$top.aside/." "$top" || exit 99
cat /dev/zero >"$top/ballast" 2>&-
"$@"; code=$?
rm "$top/ballast" && cp -a "$top" "$top.after" || exit 99
exit $code
"""
READ_ONLY = """
top=$1; shift
mount --bind "$top" "$top" && mount -o remount,bind,ro "$top" || exit 99
"$@"; code=$?
cp -a "$top" "$top.after" || exit 99
exit $code
"""


def run(stage, script):
    argv = ["unshare", "-m", "sh", "-c", script, "sh", stage.scene,
            *stage.argv]
    done = subprocess.run([str(a) for a in argv], capture_output=True,
                          text=True, env=stage.env, umask=stage.umask)
    shutil.rmtree(stage.scene)
    (stage.dir / "scene.after").rename(stage.scene)
    return done


def refused(make, script, error):
    if os.geteuid() != 0:
        tap.skip("needs root to mount")
    stage = make()
    try:
        done = run(stage, script)
        assert done.returncode == 3, (done.returncode, done.stderr)
        stage.judge_secrets(done)
        check_words(done.stderr, error)
        check_truth(stage, stage.is_done(), done.stderr)
        now = stage.state()
        assert now.items() >= stage.before.items(), done.stderr
        assert now == stage.before or make in GO_ON, done.stderr
        stage.judge()
    finally:
        stage.doCleanups()


def test_a_full_file_system_is_told_and_leaves_every_file_as_it_was():
    for make in (verbs.Create, verbs.CreateOnce, verbs.Revoke,
                 verbs.Init, verbs.Replay, verbs.Generate, verbs.Add,
                 verbs.AddFirst, verbs.Remove):
        refused(make, FULL, errno.ENOSPC)


def test_a_read_only_file_system_is_told_and_leaves_every_file_as_it_was():
    for make in verbs.VERBS:
        refused(make, READ_ONLY, errno.EROFS)


if __name__ == "__main__":
    tap.main()
