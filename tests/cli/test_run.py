#!/usr/bin/python3
"""fo run: a command finds a fresh proof where it looks for a password, and
nothing is run where there is none for it."""

import base64
import json
import os
import socket

import fo
import tap

FOR = ("--host", "bastion", "--service", "postgresql", "--account", "etl")
HTU = "pam://bastion/postgresql/etl"


def claims(proof):
    part = proof.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Run(fo.Case):
    def setUp(self):
        super().setUp()
        self.key = self.dir / "key.pem"
        self.ok("key", "generate", "--out", self.key)
        self.env["FO_PRIVATE_KEY_PATH"] = str(self.key)

    def check(self, proof, htu=HTU):
        jkt = self.ok("key", "thumbprint", self.key).strip()
        self.ok("proof", "verify", "--htm", "PAM", "--htu", htu, "--jkt", jkt,
                input=proof)

    def test_the_command_finds_the_proof_in_its_variable(self):
        for more, name in (((), "PGPASSWORD"), (("--env", "SECRET"),
                                                "SECRET")):
            proof = self.ok("run", *FOR, *more, "printenv", name)
            self.check(proof.strip())

    def test_each_run_has_a_proof_of_its_own(self):
        made = [claims(self.ok("run", *FOR, "printenv", "PGPASSWORD"))["jti"]
                for _ in range(3)]
        self.assertEqual(len(set(made)), 3, made)

    def test_the_command_finds_a_line_in_its_descriptor(self):
        for fd in (0, 3, 9, 200):
            said = self.ok("run", *FOR, "--fd", fd, "bash", "-c",
                           f'cat <&{fd}; echo "${{PGPASSWORD-none}}"')
            proof, end, rest = said.partition("\n")
            self.check(proof)
            self.assertEqual(rest, "none\n")

    def test_no_other_descriptor_is_left_to_the_command(self):
        for more in ((), ("--fd", "7")):
            said = self.ok("run", *FOR, *more, "ls", "/proc/self/fd")
            # ls itself has the folder open
            self.assertEqual(len(said.split()), 5 if more else 4, said)

    def test_the_host_is_this_one_where_none_is_named(self):
        own = socket.gethostname().partition(".")[0]
        proof = self.ok("run", *FOR[2:], "printenv", "PGPASSWORD")
        self.assertEqual(claims(proof)["htu"],
                         f"pam://{own}/postgresql/etl")

    def test_the_commands_words_and_exit_code_are_its_own(self):
        done = self.expect(7, "run", *FOR, "--", "sh", "-c",
                           'echo "$@"; exit 7', "sh", "--host", "-x", "a b")
        self.assertEqual(done.stdout, "--host -x a b\n")

    def test_a_command_whose_reader_has_gone_is_ended(self):
        """SIGPIPE is ignored here, and must not be there."""
        done = self.ok("run", *FOR, "bash", "-c",
                       "yes | head -1; echo ${PIPESTATUS[0]}")
        self.assertEqual(done, "y\n141\n")

    def test_where_a_command_looks_has_to_be_known(self):
        done = self.expect(2, "run", "--host", "h", "--service", "sshd",
                           "--account", "deploy", "true")
        self.assertIn("--env NAME, or --fd NUMBER", done.stderr)
        for words, why in (
                (("--env", "A", "--fd", "3"), "two things"),
                (("--fd", "x"), "nor a number"),
                (("--fd", "-1"), "nor a number"),
                (("--fd", "1"), "nor a number"),
                (("--fd", "2"), "nor a number"),
                (("--fd", "1024"), "nor a number"),
                (("--env", "A=B"), "cannot be a variable"),
                (("--env", ""), "cannot be a variable")):
            done = self.expect(2, "run", *FOR, *words, "true")
            self.assertIn(why, done.stderr, words)

    def test_what_the_proof_is_for_has_to_be_said(self):
        for words in (("--service", "postgresql"), ("--account", "etl"), ()):
            done = self.expect(2, "run", "--host", "h", *words, "true")
            self.assertIn("--service and --account", done.stderr)
        done = self.expect(2, "run", "--host", "..", *FOR[2:], "true")
        self.assertIn("have to be names", done.stderr)
        self.expect(2, "run", *FOR)

    def test_nothing_is_run_without_a_key(self):
        self.key.unlink()
        mark = self.dir / "ran"
        done = self.expect(3, "run", *FOR, "touch", mark)
        self.assertIn("no such file", done.stderr)
        self.assertFalse(mark.exists())

    def test_a_command_that_is_not_there_is_named(self):
        done = self.expect(3, "run", *FOR, "/none/there")
        self.assertIn("/none/there: No such file", done.stderr)

    def test_a_service_that_carries_no_proof_is_found_before_it_is_tried(self):
        mark = self.dir / "ran"
        done = self.expect(1, "run", "--host", "h", "--service", "vsftpd",
                           "--account", "u", "--env", "P", "touch", mark)
        self.assertIn("128", done.stderr)
        self.assertFalse(mark.exists())
        done = self.expect(1, "run", "--host", "h" * 64, "--service",
                           "postgresql", "--account", "u" * 64, "touch", mark)
        self.assertIn("511", done.stderr)
        self.assertFalse(mark.exists())

    def test_the_proof_is_nowhere_else(self):
        done = self.expect(0, "run", *FOR, "sh", "-c",
                           'tr "\\0" "\\n" </proc/$$/cmdline')
        self.assertNotIn("eyJ", done.stdout + done.stderr)
        self.assertEqual(os.listdir(self.dir / "home"), [])


if __name__ == "__main__":
    tap.main()
