#!/usr/bin/python3
"""What holds for every verb of fo: help, wrong words, colours."""

import re
import shutil
import subprocess

import fo
import tap

CHANGES = ["create", "list", "show", "edit", "rotate", "suspend", "resume",
           "revoke", "delete"]
VERBS = ["init", *(f"{kind} {verb}" for kind in ("agent", "human")
                   for verb in CHANGES),
         "policy check", "policy test", "policy explain",
         "store check", "store index", "store replay", "audit", "audit seal",
         "audit verify", "who", "doctor",
         "auth login", "auth status", "auth rotate", "auth logout",
         "setup claude", "setup cursor", "check", "hook claude",
         "hook cursor", "signer", "signer add", "signer list",
         "signer remove", "signer lock", "signer unlock", "key generate",
         "key jwk", "key thumbprint", "proof sign", "proof verify", "verify",
         "ssh", "run", "target", "completion", "manual", "version", "help"]


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


# ---- what comes out of the table of verbs -----------------------------------

GROUPS = ["agent", "audit", "auth", "hook", "human", "key", "policy",
          "proof", "setup", "signer", "store", "who"]


class Manual(fo.Case):
    def page(self, *group):
        text = self.ok("manual", *group)
        path = self.dir / "page.1"
        path.write_text(text)
        return text, path

    def test_every_verb_is_in_a_page_that_mandoc_takes_without_a_word(self):
        missing = list(VERBS)
        for group in ([], *([g] for g in GROUPS)):
            text, path = self.page(*group)
            done = subprocess.run(
                ["mandoc", "-T", "lint", "-W", "style", path],
                capture_output=True, text=True)
            said = [line for line in done.stdout.splitlines()
                    if "referenced manual not found" not in line
                    and "outdated mandoc.db" not in line]
            self.assertEqual(said, [], group)
            missing = [v for v in missing if f".Ss fo {v}\n" not in text]
        self.assertEqual(missing, [])

    def test_a_page_has_every_option_and_example_of_its_verbs(self):
        _, path = self.page("policy")
        shown = subprocess.run(["mandoc", "-T", "ascii", path], text=True,
                               capture_output=True).stdout
        shown = re.sub(".\b", "", shown)
        for verb in ("check", "test", "explain"):
            for word in re.findall(r"^  (--[\w-]+)", self.ok(
                    "help", "policy", verb), re.M):
                self.assertIn(word, shown)
        self.assertIn("--shell 'rm -fr /'", shown)
        self.assertIn("    - case: nobody wipes the disk", shown)

    def test_a_group_that_there_is_not_is_refused(self):
        self.refused(2, "must be agent", "manual", "agents")


class Completion(fo.Case):
    def script(self, shell):
        path = self.dir / f"fo.{shell}"
        path.write_text(self.ok("completion", shell))
        (self.bin / "fo").symlink_to(fo.FO)
        return path

    def bash(self, path, *words):
        done = subprocess.run(
            ["bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@");'
             'COMP_CWORD=$(($# - 1)); _fo; printf "%s\\n"'
             ' "${COMPREPLY[@]}"', "bash", path, *words],
            capture_output=True, text=True, env=self.env)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def fish(self, path, *words):
        line = " ".join(words)
        done = subprocess.run(
            ["fish", "-c", f"source {path}; complete -C '{line}'"],
            capture_output=True, text=True, env=self.env)
        self.assertEqual(done.stderr, "")
        return [l.split("\t")[0] for l in done.stdout.splitlines()]

    def zsh(self, path, *words):
        # what the script would describe, by a _describe of our own
        text = (f"_describe() {{ print -l -- ${{(P)3}} }}\n"
                f"_files() {{ print FILES }}\n"
                f"words=({' '.join(words[:-1])} '{words[-1]}')\n"
                f"CURRENT={len(words)}\n"
                f"f() {{\n{path.read_text()}\n}}\nf\n")
        done = subprocess.run(["zsh", "-fc", text], capture_output=True,
                              text=True, env=self.env)
        self.assertEqual(done.stderr, "")
        return [l.split(":")[0] for l in done.stdout.splitlines()
                if l.split(":")[0].startswith(words[-1])]

    def test_each_shell_completes_verbs_and_options(self):
        firsts = list(dict.fromkeys(v.split()[0] for v in VERBS))
        for shell in ("bash", "fish", "zsh"):
            with self.subTest(shell):
                if not shutil.which(shell):
                    self.fail(f"{shell} is not installed")
                (self.bin / "fo").unlink(missing_ok=True)
                path = self.script(shell)
                complete = getattr(self, shell)
                self.assertEqual(sorted(complete(path, "fo", "")),
                                 sorted(firsts))
                self.assertEqual(complete(path, "fo", "ag"), ["agent"])
                self.assertEqual(sorted(complete(path, "fo", "agent", "")),
                                 sorted(CHANGES))
                self.assertEqual(complete(path, "fo", "agent", "ro"),
                                 ["rotate"])
                self.assertEqual(
                    complete(path, "fo", "agent", "rotate", "x", "--ov"),
                    ["--overlap"])
                self.assertIn("--json", complete(
                    path, "fo", "version", "--"))
                self.assertNotIn("--config", complete(
                    path, "fo", "version", "--"))

    def test_another_shell_is_refused(self):
        self.refused(2, "bash, zsh or fish", "completion", "tcsh")


if __name__ == "__main__":
    tap.main()
