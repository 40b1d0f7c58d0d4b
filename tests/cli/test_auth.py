#!/usr/bin/python3
"""fo auth: a person's own key on this machine, made, registered, replaced and
removed; with a signer and without.
"""

import json
import os
import stat
import subprocess
import time

import fo
import tap
import tpm

SIGNER = fo.BUILD.resolve() / "tools/signer/fo-signer"


class Case(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.folder = self.dir / "home/.config/firstops"
        self.key = self.folder / "key.pem"
        self.public = self.folder / "key.jwk"
        self.next = self.folder / "key.pem.next"

    def login(self, *more):
        return self.ok("auth", "login", "--local", *more).strip()

    def register(self, name="alice"):
        return self.admin("human", "create", name, "--owner", "team-web",
                          "--accounts", name, "--jwk", self.public).strip()

    def thumbprint(self, path):
        return self.ok("key", "thumbprint", path).strip()

    def status(self, code=0):
        return self.json(code, "auth", "status", config=True)

    def signer(self, *options):
        runtime = self.dir / "runtime"
        runtime.mkdir(mode=0o700)
        self.env["XDG_RUNTIME_DIR"] = str(runtime)
        daemon = subprocess.Popen([SIGNER, *map(str, options)], env=self.env,
                                  cwd=self.dir, stdin=subprocess.DEVNULL)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        end = time.monotonic() + 20
        while self.fo("signer", "list").returncode != 0:
            self.assertIsNone(daemon.poll(), "the signer ended")
            self.assertLess(time.monotonic(), end, "it did not start")
            time.sleep(0.02)
        return daemon

    def held(self):
        """What the signer has, by thumbprint."""
        said = self.json(0, "signer", "list")
        return {key["thumbprint"]: key for key in said["keys"]}


class Login(Case):
    def test_a_key_is_made_for_its_owner_alone_and_its_public_half(self):
        for umask in (0o000, 0o022, 0o077):
            before = os.umask(umask)
            try:
                done = self.expect(0, "auth", "login", "--local")
            finally:
                os.umask(before)
            modes = [stat.S_IMODE(p.stat().st_mode) for p in
                     (self.folder, self.key, self.public)]
            self.assertEqual(modes, [0o700, 0o600, 0o644])
            jwk = json.loads(self.public.read_text())
            self.assertEqual(sorted(jwk), ["crv", "kty", "x", "y"])
            jkt = self.thumbprint(self.key)
            self.assertEqual((done.stdout, self.thumbprint(self.public)),
                             (jkt + "\n", jkt))
            self.assertIn(f"the key is in {self.key}", done.stderr)
            self.assertIn("fo human create YOUR-NAME", done.stderr)
            self.assertNotIn("PRIVATE", done.stderr)
            self.assertEqual(sorted(os.listdir(self.folder)),
                             ["key.jwk", "key.pem"])
            self.ok("auth", "logout")

    def test_json_says_where_it_is(self):
        said = self.json(0, "auth", "login", "--local")
        self.assertEqual(said, {
            "ok": True, "thumbprint": self.thumbprint(self.key),
            "file": str(self.key), "jwk": str(self.public)})

    def test_there_is_one_key_and_it_is_not_overwritten(self):
        self.login()
        before = self.key.read_bytes(), self.public.read_bytes()
        self.refused(1, "fo auth rotate", "auth", "login", "--local")
        self.assertEqual((self.key.read_bytes(), self.public.read_bytes()),
                         before)

    def test_how_it_is_registered_has_to_be_said(self):
        self.refused(2, "say --local", "auth", "login")
        self.assertFalse(self.folder.exists())

    def test_another_folder_of_settings_is_used(self):
        self.env["XDG_CONFIG_HOME"] = str(self.dir / "xdg")
        self.login()
        self.assertTrue((self.dir / "xdg/firstops/key.pem").exists())
        self.assertEqual(self.status(1)["why"], "unknown_key")
        self.assertEqual(list((self.dir / "home").iterdir()), [])

    def test_a_key_whose_public_half_cannot_be_written_is_none(self):
        self.public.mkdir(parents=True)
        self.refused(3, "key.jwk", "auth", "login", "--local")
        self.assertEqual(os.listdir(self.folder), ["key.jwk"])
        self.public.rmdir()
        self.login()

    def test_a_home_that_cannot_be_written_to_is_told(self):
        self.env["HOME"] = "/proc/none"
        self.refused(3, "/proc/none", "auth", "login", "--local")


class Status(Case):
    def test_without_a_key_it_says_how_to_get_one(self):
        self.refused(1, "fo auth login --local", "auth", "status")

    def test_it_says_whose_key_it_is_and_what_it_is_good_for(self):
        jkt = self.login()
        said = self.status(1)
        self.assertEqual((said["ok"], said["why"], said["name"],
                          said["thumbprint"], said["key"]),
                         (False, "unknown_key", None, jkt, str(self.key)))
        self.register()
        said = self.status()
        self.assertEqual((said["ok"], said["why"], said["name"],
                          said["owner"]), (True, "ok", "alice", "team-web"))
        text = self.admin("auth", "status")
        self.assertEqual(text, f"key         {self.key}\n"
                         f"thumbprint  {jkt}\n"
                         "principal   human alice of team-web\n"
                         "state       in force\n")
        self.admin("human", "suspend", "alice")
        self.assertEqual(self.status(1)["why"], "suspended")
        self.admin("human", "resume", "alice")
        self.admin("human", "revoke", "alice", "--key", jkt)
        self.assertEqual(self.status(1)["why"], "revoked_key")

    def test_a_store_that_cannot_be_read_is_trouble(self):
        self.login()
        done = self.expect(3, "auth", "status", "--config",
                           "/none/firstops.yaml")
        self.assertIn("state       /none does not exist\n", done.stdout)
        self.key.chmod(0o644)
        self.refused(3, "chmod 600", "auth", "status", config=True)

    def test_the_key_that_signs_is_the_one_that_is_shown(self):
        first = self.login()
        self.ok("key", "generate", "--out", "other.pem")
        other = self.thumbprint("other.pem")
        self.signer()
        self.ok("signer", "add", "other.pem")
        said = self.status(1)
        self.assertEqual(said["thumbprint"], other)
        self.assertTrue(said["key"].startswith("signer:"), said)
        self.env["FO_PRIVATE_KEY_PATH"] = str(self.key)
        self.assertEqual(self.status(1)["thumbprint"], first)


class Rotate(Case):
    def test_the_old_key_signs_until_the_new_one_is_registered(self):
        old = self.login()
        self.register()
        done = self.expect(0, "auth", "rotate")
        new = done.stdout.strip()
        self.assertNotEqual(new, old)
        self.assertIn("fo human rotate YOUR-NAME --jwk key.jwk", done.stderr)
        self.assertIn("fo auth rotate --done", done.stderr)
        self.assertEqual(stat.S_IMODE(self.next.stat().st_mode), 0o600)
        self.assertEqual((self.thumbprint(self.key),
                          self.thumbprint(self.next),
                          self.thumbprint(self.public)), (old, new, new))
        self.assertEqual(self.status()["thumbprint"], old)
        self.admin("human", "rotate", "alice", "--jwk", self.public)
        self.ok("auth", "rotate", "--done")
        self.assertEqual(self.status()["thumbprint"], new)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["key.jwk", "key.pem"])
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o600)

    def test_there_is_one_new_key_at_a_time(self):
        self.login()
        self.ok("auth", "rotate")
        before = self.next.read_bytes(), self.public.read_bytes()
        self.refused(1, "fo auth rotate --done", "auth", "rotate")
        self.assertEqual((self.next.read_bytes(), self.public.read_bytes()),
                         before)

    def test_without_a_key_there_is_nothing_to_replace(self):
        self.refused(1, "fo auth login --local", "auth", "rotate")
        self.refused(1, "fo auth rotate", "auth", "rotate", "--done")
        self.assertFalse(self.folder.exists())
        self.login()
        before = self.key.read_bytes()
        self.refused(1, "fo auth rotate makes one", "auth", "rotate",
                     "--done")
        self.assertEqual(self.key.read_bytes(), before)


class Logout(Case):
    def test_nothing_of_the_key_is_left(self):
        self.login()
        self.ok("auth", "rotate")
        done = self.expect(0, "auth", "logout")
        self.assertIn("until fo human revoke", done.stderr)
        self.assertEqual(os.listdir(self.folder), [])
        self.refused(1, "No such file", "auth", "logout")

    def test_who_has_no_key_gets_no_folder_either(self):
        self.refused(1, "No such file", "auth", "logout")
        self.assertEqual(list((self.dir / "home").iterdir()), [])

    def test_a_key_that_waits_alone_goes_too(self):
        self.login()
        self.ok("auth", "rotate")
        self.key.unlink()
        self.ok("auth", "logout")
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_cannot_be_removed_is_told(self):
        self.key.mkdir(parents=True)
        self.refused(3, "key.pem", "auth", "logout")


class WithSigner(Case):
    def test_the_signer_gets_the_key_and_forgets_it(self):
        self.signer()
        jkt = self.login()
        self.assertEqual(list(self.held()), [jkt])
        self.register()
        self.assertTrue(self.status()["key"].startswith("signer:"))
        done = self.expect(0, "auth", "logout")
        self.assertEqual(self.held(), {})
        self.assertNotIn("fo: ", done.stderr)

    def test_a_new_key_takes_the_place_of_the_old_one_on_its_terms(self):
        self.signer("--askpass", "/bin/true")
        old = self.login()
        self.ok("signer", "add", self.key, "--name", "laptop", "--targets",
                "pam://bastion/claude/* pam://bastion/sshd/alice",
                "--lifetime", "8h", "--confirm")
        terms = dict(self.held()[old])
        new = self.ok("auth", "rotate").strip()
        self.assertEqual(list(self.held()), [old])
        self.ok("auth", "rotate", "--done")
        held = self.held()
        self.assertEqual(list(held), [new])
        for one in (terms, held[new]):
            self.assertAlmostEqual(one.pop("lifetime_s"), 8 * 3600, delta=60)
            one.pop("thumbprint")
        self.assertEqual(held[new], terms)
        self.assertEqual((terms["name"], terms["confirm"]), ("laptop", True))

    def test_a_signer_that_has_not_the_old_key_does_not_get_the_new_one(self):
        self.login()
        self.signer()
        self.ok("key", "generate", "--out", "other.pem")
        self.ok("signer", "add", "other.pem")
        before = self.held()
        self.ok("auth", "rotate")
        self.ok("auth", "rotate", "--done")
        self.assertEqual(self.held(), before)

    def test_a_signer_that_was_killed_is_none(self):
        self.signer().kill()
        self.login()
        self.register()
        self.assertEqual(self.status()["key"], str(self.key))
        self.ok("auth", "rotate")
        self.ok("auth", "rotate", "--done")
        self.ok("auth", "logout")

    def test_what_a_signer_does_not_take_is_told_and_no_failure(self):
        self.signer()
        for n in range(8):
            self.ok("key", "generate", "--out", f"{n}.pem")
            self.ok("signer", "add", f"{n}.pem")
        done = self.expect(0, "auth", "login", "--local")
        self.assertIn("fo: the signer does not hold the key: ", done.stderr)
        self.assertTrue(self.key.exists())

    def test_a_key_that_cannot_be_read_may_be_in_the_signer_yet(self):
        self.signer()
        self.login()
        self.key.chmod(0o644)
        done = self.expect(0, "auth", "logout")
        self.assertIn("fo signer list", done.stderr)


class Tpm(Case):
    def setUp(self):
        super().setUp()
        if tpm.missing():
            tap.skip(f"needs {tpm.missing()}")
        device = tpm.Tpm()
        self.env.update(device.__enter__().env)
        self.addCleanup(device.__exit__)

    def test_a_key_that_cannot_leave_is_made_used_and_replaced(self):
        self.signer()
        done = self.expect(0, "auth", "login", "--local", "--tpm")
        jkt = done.stdout.strip()
        self.assertIn("BEGIN TSS2 PRIVATE KEY", self.key.read_text())
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o600)
        self.assertEqual(self.thumbprint(self.public), jkt)
        # it cannot be given away: a signer has it when it starts
        self.assertIn("the signer does not hold the key", done.stderr)
        self.assertEqual(self.held(), {})
        self.register()
        self.assertEqual(self.status()["thumbprint"], jkt)
        said = self.json(1, "check", "--channel", "tool", "--what", "x",
                         config=True)
        self.assertEqual((said["why"], said["name"]), ("policy", "alice"))
        new = self.ok("auth", "rotate", "--tpm").strip()
        self.admin("human", "rotate", "alice", "--jwk", self.public)
        self.ok("auth", "rotate", "--done")
        self.assertEqual(self.status()["thumbprint"], new)
        self.assertIn("TSS2", self.key.read_text())
        self.ok("auth", "logout")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_signer_that_starts_with_it_is_asked(self):
        jkt = self.login("--tpm")
        self.register()
        self.signer("--load", self.key)
        self.assertEqual(list(self.held()), [jkt])
        said = self.status()
        self.assertTrue(said["key"].startswith("signer:"), said)
        self.assertEqual(said["thumbprint"], jkt)
        said = self.json(1, "check", "--channel", "tool", "--what", "x",
                         config=True)
        self.assertEqual((said["why"], said["name"]), ("policy", "alice"))
        self.ok("auth", "logout")
        self.assertEqual(self.held(), {})

    def test_without_a_tpm_nothing_is_left(self):
        self.env["TPM2OPENSSL_TCTI"] = "swtpm:path=/none"
        done = self.fo("auth", "login", "--local", "--tpm")
        self.assertEqual(done.returncode, 3, done)
        self.assertNotEqual(done.stderr, "")
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    tap.main()
