#!/usr/bin/python3
"""What the store reads is swapped for something hostile between its checks and
its use: every reading is the good content or a refusal, and none waits.
"""

import os
import shutil
import subprocess

import verbs
import fo

import tap

SWAP = fo.BUILD / "tests" / "faults" / "swap"
ROUNDS = 10000 if verbs.DEEP else 700
STRANGER = 65534

# What a part says, and what its evil twin says instead.
LIES = {"bastion": "evil-host", "build-bot": "evil-bot",
        "[logins, gate]": "[logins]", "effect: deny": "effect: allow"}
GATE = """\
---
version: 1
policy: gate
rules:
  - rule: closed
    effect: deny
    channel: login
...
"""
# Of two policies, of which one denies what the other allows.
VERDICT = "deny gate/closed"

ANOTHER = "fo_agent_00000000-0000-4000-8000-000000000000"

# Long enough for a machine that does much else, short for whoever waits.
SLOWEST_MS = 3000


def copy(path, to):
    """A file, a link or a folder, as it is."""
    if not path.is_symlink() and path.is_dir():
        shutil.copytree(path, to, symlinks=True)
    else:
        shutil.copy2(path, to, follow_symlinks=False)


def remove(path):
    if not path.is_symlink() and path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def symlink(good, evil, twin):
    twin.symlink_to(evil)


def hard_link(good, evil, twin):
    os.link(evil, twin)


def of_another(good, evil, twin):
    copy(evil, twin)
    os.chown(twin, STRANGER, STRANGER)


def writable(good, evil, twin):
    copy(evil, twin)
    twin.chmod(0o775 if evil.is_dir() else 0o664)


def fifo(good, evil, twin):
    os.mkfifo(twin, 0o644)


def folder(good, evil, twin):
    twin.mkdir()


def device(good, evil, twin):
    os.mknod(twin, 0o20644, os.makedev(1, 5))


def text(good, evil, twin):
    twin.write_text(os.readlink(good))


def link_elsewhere(good, evil, twin):
    twin.symlink_to("/etc/shadow")


def long_link(good, evil, twin):
    twin.symlink_to(os.readlink(good) + "x" * 3000)


OF_A_FILE = (symlink, hard_link, of_another, writable, fifo, folder, device)
OF_A_FOLDER = (symlink, of_another, writable, fifo)


class Swap(fo.Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            tap.skip("only root can make what strangers own")
        self.store()
        self.made = self.agent()
        self.jkt, = (p.name for p in (self.etc / "keys.d").iterdir())
        self.write(self.etc / "policies.d" / "gate.yaml", GATE)
        group = self.etc / "groups.d" / "default.yaml"
        self.write(group, group.read_text().replace("[logins]",
                                                    "[logins, gate]"))
        self.admin("store", "check")

    def evil(self, good):
        """The like of a file or folder, with other words in it. Whoever
        reads one was deceived."""
        path = self.dir / "evil"
        copy(good, path)
        for file in [path, *path.rglob("*")]:
            if file.is_symlink():
                there = os.readlink(file).replace(self.made, ANOTHER)
                file.unlink()
                file.symlink_to(there)
            elif file.is_file():
                text = file.read_text()
                for word, lie in LIES.items():
                    text = text.replace(word, lie)
                file.write_text(text)
        return path

    def swapped(self, what, name, want, good, kinds):
        evil = None if good.is_symlink() else self.evil(good)
        twin = self.dir / "twin"
        kept = self.dir / "kept"
        copy(good, kept)
        for kind in kinds:
            with self.subTest(kind.__name__, read=what):
                kind(good, evil, twin)
                done = subprocess.run(
                    [SWAP, what, self.config, name, want, good, twin,
                     str(ROUNDS)], capture_output=True, text=True,
                    env=self.env, timeout=300)
                self.assertEqual(done.returncode, 0, done.stderr)
                right, refused, slowest = map(int, done.stdout.split())
                self.assertGreaterEqual(right + refused, ROUNDS)
                self.assertGreater(right, 0, "never saw the good one")
                self.assertGreater(refused, 0, "never saw the other")
                self.assertLess(slowest, SLOWEST_MS)
            for path in (good, twin):
                remove(path)
            copy(kept, good)
        remove(kept)
        if evil is not None:
            remove(evil)

    def test_firstops_yaml_is_read_as_it_was_or_refused(self):
        self.swapped("config", "-", "bastion", self.config, OF_A_FILE)

    def test_a_principal_is_read_as_it_was_or_refused(self):
        path = self.etc / "principals.d" / f"{self.made}.yaml"
        self.swapped("principal", self.made, "build-bot", path, OF_A_FILE)

    def test_a_group_is_read_as_it_was_or_refused(self):
        path = self.etc / "groups.d" / "default.yaml"
        self.swapped("verdict", "logins", VERDICT, path, OF_A_FILE)

    def test_a_policy_is_read_as_it_was_or_refused(self):
        path = self.etc / "policies.d" / "gate.yaml"
        self.swapped("verdict", "logins", VERDICT, path, OF_A_FILE)

    def test_the_folder_of_principals_is_taken_as_it_was_or_refused(self):
        path = self.etc / "principals.d"
        self.swapped("principal", self.made, "build-bot", path, OF_A_FOLDER)

    def test_the_folder_of_groups_is_taken_as_it_was_or_refused(self):
        path = self.etc / "groups.d"
        self.swapped("verdict", "logins", VERDICT, path, OF_A_FOLDER)

    def test_the_folder_of_policies_is_taken_as_it_was_or_refused(self):
        path = self.etc / "policies.d"
        self.swapped("verdict", "logins", VERDICT, path, OF_A_FOLDER)

    def test_the_folder_of_keys_is_taken_as_it_was_or_refused(self):
        self.swapped("find", self.jkt, self.made, self.etc / "keys.d",
                     OF_A_FOLDER)

    def test_the_store_itself_is_taken_as_it_was_or_refused(self):
        for what, name, want in (("config", "-", "bastion"),
                                 ("principal", self.made, "build-bot"),
                                 ("find", self.jkt, self.made),
                                 ("verdict", "logins", VERDICT)):
            self.swapped(what, name, want, self.etc, OF_A_FOLDER)

    def test_the_link_of_a_key_is_read_as_it_was_or_refused(self):
        path = self.etc / "keys.d" / self.jkt
        self.swapped("find", self.jkt, self.made, path,
                     (link_elsewhere, long_link, text, fifo, folder, device))


if __name__ == "__main__":
    tap.main()
