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
# Long enough for a machine that does much else, short for whoever waits.
SLOWEST_MS = 3000


def copy(path, to):
    """A file, a link or a folder, as it is."""
    if not path.is_symlink() and path.is_dir():
        shutil.copytree(path, to)
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


class Swap(fo.Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            tap.skip("only root can make what strangers own")
        self.store()
        self.made = self.agent()
        self.jkt, = (p.name for p in (self.etc / "keys.d").iterdir())

    def evil(self, good):
        """The like of a file or folder, with another word in it. Whoever
        reads that was deceived."""
        path = self.dir / "evil"
        copy(good, path)
        for file in path.iterdir() if path.is_dir() else [path]:
            file.write_text(file.read_text()
                            .replace("bastion", "evil-host")
                            .replace("build-bot", "evil-bot"))
        return path

    def swapped(self, what, name, want, good, kinds):
        evil = None if good.is_symlink() else self.evil(good)
        twin = self.etc / "twin"
        kept = self.dir / "kept"
        copy(good, kept)
        for kind in kinds:
            with self.subTest(kind.__name__):
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

    def test_firstops_yaml_is_read_as_it_was_or_refused(self):
        self.swapped("config", "-", "bastion", self.config,
                     [symlink, hard_link, of_another, writable, fifo,
                      folder, device])

    def test_a_principal_is_read_as_it_was_or_refused(self):
        path = self.etc / "principals.d" / f"{self.made}.yaml"
        self.swapped("principal", self.made, "build-bot", path,
                     [symlink, hard_link, of_another, writable, fifo,
                      folder, device])

    def test_the_folder_of_principals_is_taken_as_it_was_or_refused(self):
        path = self.etc / "principals.d"
        self.swapped("principal", self.made, "build-bot", path,
                     [symlink, of_another, writable])

    def test_the_link_of_a_key_is_read_as_it_was_or_refused(self):
        path = self.etc / "keys.d" / self.jkt
        self.swapped("find", self.jkt, self.made, path,
                     [link_elsewhere, long_link, text, fifo, folder, device])


if __name__ == "__main__":
    tap.main()
