#!/usr/bin/python3
"""What holds for every verb of fo: help, wrong words, colours."""

import fo
import tap

CHANGES = ["create", "list", "show", "edit", "rotate", "suspend", "resume",
           "revoke", "delete"]
VERBS = ["init", *(f"{kind} {verb}" for kind in ("agent", "human")
                   for verb in CHANGES),
         "policy check", "policy test", "policy explain",
         "store check", "store index", "store replay", "doctor",
         "key generate", "key thumbprint", "proof sign", "proof verify",
         "verify", "ssh", "target", "completion", "manual", "version",
         "help"]


class Verbs(fo.Case):
    def test_help_lists_all_verbs(self):
        out = self.ok("help")
        lines = [l[2:18].strip() for l in out.splitlines()
                 if l.startswith("  ")]
        self.assertEqual(lines, VERBS)
        self.assertEqual(self.ok("--help"), out)
        self.assertEqual(self.expect(2).stderr, out)

    def test_every_verb_explains_itself(self):
        for verb in VERBS:
            with self.subTest(verb):
                out = self.ok("help", *verb.split())
                self.assertEqual(out.splitlines()[0].split(" [")[0].split(
                    " --")[0][:len(f"usage: fo {verb}")],
                    f"usage: fo {verb}")
                for part in ("\nOptions:\n", "\nExample:\n",
                             "\nExit codes:\n"):
                    self.assertIn(part, out)
                self.assertIn("fo ", out[out.index("Example:"):])
                for line in out.splitlines():
                    self.assertLessEqual(len(line), 84, line)
                if verb != "ssh":
                    self.assertEqual(self.ok(*verb.split(), "--help"), out)

    def test_a_wrong_verb_gets_the_nearest(self):
        for words, near in ((["verfy"], '"verify"'),
                            (["docter"], '"doctor"'),
                            (["agnet", "list"], '"agent list"'),
                            (["agent", "lsit"], '"agent list"'),
                            (["help", "docter"], '"doctor"')):
            with self.subTest(words=words):
                self.refused(2, f"did you mean {near}?", *words)
        self.refused(2, "fo help", "xyzzy")

    def test_half_a_verb_gets_the_other_half(self):
        done = self.refused(2, "needs one more word", "agent")
        self.assertIn("agent create", done.stderr)
        self.assertNotIn("store check", done.stderr)
        self.assertIn("agent create", self.ok("help", "agent"))

    def test_a_wrong_option_gets_the_nearest(self):
        self.refused(2, "did you mean --owner?", "agent", "create", "x",
                     "--ownr", "y")
        self.refused(2, "did you mean --json?", "version", "--jsno")
        self.refused(2, "-x", "version", "-x")
        self.refused(2, "takes no value", "version", "--json=1")
        self.refused(2, "needs a value", "agent", "create", "x", "--owner")
        self.refused(2, "given twice", "agent", "create", "x", "--owner",
                     "a", "--owner", "b")

    def test_missing_and_surplus_words_show_the_usage(self):
        self.refused(2, "usage: fo agent show", "agent", "show")
        self.refused(2, '"b" is one word too many', "agent", "show", "a",
                     "b")

    def test_the_version_is_told_in_words_and_json(self):
        version = self.json(0, "version")["version"]
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.ok("version"), f"fo (FirstOps) {version}\n")
        self.assertEqual(self.ok("--version"), f"fo (FirstOps) {version}\n")


if __name__ == "__main__":
    tap.main()
