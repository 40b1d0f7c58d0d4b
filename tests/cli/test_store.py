#!/usr/bin/python3
"""fo store: every problem is listed, and the index is made anew."""

import os

import fo
import tap


class Check(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.made = self.agent()
        self.path = self.etc / "principals.d" / f"{self.made}.yaml"

    def findings(self, code, level):
        answer = self.json(code, "store", "check", config=True)
        self.assertEqual(answer["ok"], code == 0)
        found = [f for f in answer["findings"] if f["level"] == level]
        for finding in found:
            if level != "ok":
                self.assertTrue(finding["remedy"], finding)
        return found

    def problem(self, text, level="fail"):
        """There is one problem, of this text."""
        found = self.findings(1 if level == "fail" else 0, level)
        self.assertEqual([text in f["what"] for f in found], [True], found)

    def jkt(self, name="build-bot"):
        return self.ok("key", "thumbprint", f"{name}.pem").strip()

    def test_a_store_that_is_right_has_no_problem(self):
        self.assertEqual(self.findings(0, "fail"), [])
        self.assertEqual(self.findings(0, "warn"), [])
        self.assertIn("0 failures", self.admin("store", "check"))

    def test_a_torn_principal(self):
        text = self.path.read_text()
        self.write(self.path, text[:text.rindex("...")])
        found = self.findings(1, "fail")
        self.assertEqual(len(found), 1, found)
        self.assertIn(str(self.path), found[0]["what"])

    def test_a_misspelt_key_with_its_line_and_the_right_one(self):
        text = self.path.read_text()
        line = text[:text.index("accounts:")].count("\n") + 1
        self.write(self.path, text.replace("accounts:", "acounts:"))
        found = self.findings(1, "fail")
        self.assertIn(f"{self.path}:{line}:", found[0]["what"])
        self.assertIn("accounts", found[0]["what"])

    def test_a_file_that_others_may_write(self):
        self.path.chmod(0o666)
        found = self.findings(1, "fail")
        self.assertEqual([str(self.path) in f["what"] for f in found], [True])

    def test_a_file_that_is_a_link_or_has_two_names_or_is_a_fifo(self):
        keep = self.dir / "keep.yaml"
        for name, spoil in (
                ("symlink", lambda: (self.path.rename(keep),
                                     self.path.symlink_to(keep))),
                ("hard link", lambda: (self.path.rename(keep),
                                       os.link(keep, self.path))),
                ("fifo", lambda: (self.path.rename(keep),
                                  os.mkfifo(self.path, 0o644)))):
            with self.subTest(name):
                spoil()
                self.assertIn(str(self.path),
                              self.findings(1, "fail")[0]["what"])
                self.path.unlink()
                keep.rename(self.path)
        self.assertEqual(self.findings(0, "fail"), [])

    def test_all_problems_are_listed_not_only_the_first(self):
        second = self.agent("second")
        third = self.agent("third")
        for made in (self.made, second):
            path = self.etc / "principals.d" / f"{made}.yaml"
            self.write(path, "version: 1\n")
        (self.etc / "keys.d" / self.jkt("third")).unlink()
        self.write(self.etc / "policies.d" / "bad.yaml", "rules: [\n")
        found = " ".join(f["what"] for f in self.findings(1, "fail"))
        for word in (self.made, second, third, "policy bad"):
            self.assertIn(word, found)

    def test_a_missing_link_and_its_remedy(self):
        (self.etc / "keys.d" / self.jkt()).unlink()
        self.problem("is missing")
        self.assertIn("fo store index", self.fo("store", "check",
                                                config=True).stdout)

    def test_a_link_to_another_principal(self):
        second = self.agent("second")
        link = self.etc / "keys.d" / self.jkt()
        link.unlink()
        link.symlink_to(f"../principals.d/{second}.yaml")
        found = self.findings(1, "fail")
        self.assertEqual([f"leads to {second}" in f["what"] for f in found],
                         [True])

    def test_a_link_that_is_none(self):
        link = self.etc / "keys.d" / self.jkt()
        link.unlink()
        self.write(link, "x\n")
        self.assertTrue(self.findings(1, "fail"))

    def test_a_thumbprint_that_two_principals_list(self):
        second = self.agent("second")
        path = self.etc / "principals.d" / f"{second}.yaml"
        self.write(path, path.read_text().replace(self.jkt("second"),
                                                  self.jkt()))
        found = " ".join(f["what"] for f in self.findings(1, "fail"))
        self.assertIn(f"thumbprint {self.jkt()}: both", found)

    def test_two_agents_of_one_name(self):
        second = self.agent("second")
        path = self.etc / "principals.d" / f"{second}.yaml"
        self.write(path, path.read_text().replace("name: second",
                                                  "name: build-bot"))
        self.problem("agent name build-bot: both")

    def test_a_key_that_ends_soon_is_a_warning(self):
        for name, expires in (("late", "30d"), ("soon", "6d"), ("off", "6d"),
                              ("never", None)):
            self.admin("agent", "create", name, "--owner", "team",
                       "--out", self.dir / f"{name}.pem",
                       *(("--expires", expires) if expires else ()))
        self.admin("agent", "suspend", "off")
        out = self.ok("store", "check", config=True)
        told = [line for line in out.splitlines() if "its last key" in line]
        self.assertEqual(len(told), 1, out)
        self.assertIn("warn", told[0])
        self.assertIn("agent soon: its last key ends at 20", told[0])

    def test_a_stray_link_is_a_warning(self):
        self.path.unlink()
        self.problem("does not exist or cannot be read", "warn")

    def test_a_group_or_policy_that_does_not_exist(self):
        text = self.path.read_text()
        lines = ["groups: [nowhere]" if l.startswith("groups:") else
                 "policies: [nothing]" if l.startswith("policies:") else l
                 for l in text.splitlines()]
        self.write(self.path, "\n".join(lines) + "\n")
        found = sorted(f["what"] for f in self.findings(1, "fail"))
        self.assertEqual(len(found), 2, found)
        self.assertIn('group "nowhere"', found[0])
        self.assertIn('policy "nothing"', found[1])

    def test_a_missing_default_group(self):
        (self.etc / "groups.d" / "default.yaml").unlink()
        self.problem("default")

    def test_an_editors_dropping_is_a_warning(self):
        (self.etc / "principals.d" / "x.yaml~").write_text("junk")
        self.problem("x.yaml~", "warn")

    def test_a_sink_that_does_not_answer(self):
        text = self.config.read_text()
        self.write(self.config, text.replace(str(self.log),
                                             f"{self.dir}/no/log"))
        self.problem("audit sink file:")

    def test_a_configuration_that_cannot_be_read_is_trouble(self):
        self.write(self.config, "version: 2\n...\n")
        self.refused(3, f"{self.config}:1:", "store", "check", config=True)

    def test_nothing_is_changed_by_a_check(self):
        (self.etc / "keys.d" / self.jkt()).unlink()
        before = sorted(str(p) for p in self.etc.rglob("*"))
        self.fo("store", "check", config=True)
        self.assertEqual(sorted(str(p) for p in self.etc.rglob("*")), before)


class Index(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.agent("one")
        self.agent("two")

    def test_missing_links_are_made_anew(self):
        links = {p.name: os.readlink(p)
                 for p in (self.etc / "keys.d").iterdir()}
        self.assertEqual(len(links), 2)
        for name in links:
            (self.etc / "keys.d" / name).unlink()
        answer = self.json(0, "store", "index", config=True)
        self.assertEqual((answer["ok"], answer["made"]), (True, 2))
        self.assertEqual({p.name: os.readlink(p)
                          for p in (self.etc / "keys.d").iterdir()}, links)
        self.assertIn("0 links made", self.admin("store", "index"))

    def test_a_thumbprint_listed_twice_changes_nothing(self):
        jkts = [self.ok("key", "thumbprint", f"{n}.pem").strip()
                for n in ("one", "two")]
        for path in (self.etc / "principals.d").iterdir():
            self.write(path, path.read_text().replace(jkts[1], jkts[0]))
        for path in (self.etc / "keys.d").iterdir():
            path.unlink()
        self.refused(3, jkts[0], "store", "index", config=True)
        self.assertEqual(list((self.etc / "keys.d").iterdir()), [])


if __name__ == "__main__":
    tap.main()
