#!/usr/bin/python3
"""The conformance suite of proofs, as fo proof verify --batch answers it."""

import importlib.util
import json
import subprocess
import sys
import unittest

import fo
import tap

VECTORS = fo.TOP / "tests" / "vectors"

# What a line of a batch says, with the suite's names for it.
NAMES = ("proof", "htm", "htu", "nonce", "access_token", "at", "max_age",
         "clock_skew", "jkt")


def is_askable(case):
    """A batch requires the nonce that it is given, and asks for no other."""
    return case["nonce_rule"] == ("always" if case["nonce"] is not None
                                  else "ignore")


class Conformance(fo.Case):
    @unittest.skipUnless(importlib.util.find_spec("jwcrypto"),
                         "python3-jwcrypto is not installed")
    def test_the_suite_is_what_its_script_makes(self):
        done = subprocess.run([sys.executable, "-B",
                               VECTORS / "make_conformance.py", "--check"],
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_table_of_commands_is_what_its_script_makes(self):
        done = subprocess.run([sys.executable, "-B",
                               VECTORS / "make_commands.py", "--check"],
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_case_of_a_batch_has_the_stated_verdict(self):
        cases = json.loads((VECTORS / "conformance.json").read_text())
        asked = [c for c in cases if is_askable(c)]
        self.assertGreater(len(asked), len(cases) * 9 // 10)
        lines = [json.dumps({n: c[n] for n in NAMES}) for c in asked]
        out = self.ok("proof", "verify", "--batch",
                      input="\n".join(lines) + "\n").splitlines()
        self.assertEqual(len(out), len(asked))
        for case, line in zip(asked, out):
            with self.subTest(id=case["id"]):
                answer = json.loads(line)
                self.assertEqual(answer["ok"], case["expect"] == "accept")
                self.assertIn(answer["why"], case["why"])


if __name__ == "__main__":
    tap.main()
