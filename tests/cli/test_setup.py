#!/usr/bin/python3
"""fo setup: our hook in the settings of coding agents, and out again without a
trace; whatever happens, nothing of what others wrote there is lost.
"""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import time

import fo
import tap

CALLS = fo.BUILD / "tests/faults/calls"
# Calls that change what is on disk, or the order of it.
CHANGING = {"openat", "write", "fsync", "fchmod", "fchown", "unlinkat",
            "unlink", "renameat2", "flock"}
STRANGER = 65534
EVENTS = {"claude": ["PreToolUse"],
          "cursor": ["beforeShellExecution", "beforeMCPExecution",
                     "beforeReadFile", "afterFileEdit"]}
FILES = {"claude": ".claude/settings.json", "cursor": ".cursor/hooks.json"}
SYSTEM = {"claude": "etc/claude-code/managed-settings.d/firstops.json",
          "cursor": "etc/cursor/hooks.json"}

# What others write, as they write it.
THEIRS = {
    "claude": [
        "{}",
        "{ }\n\n",
        '{"model":"opus"}',
        '{\n\t"model" : "opus" ,\r\n\t"env":{"B":"1","A":"2"}\n}\n\n\n',
        '{"a":0.1,"b":1e300,"c":-0.0,"d":9007199254740993,"e":1.0,'
        '"f":12345678901234567,"g":0.30000000000000004,"h":5e-324}',
        '{"name":"\\u00fc\u00fc \u4e2d \U0001f511 \\ud83d\\udd11 \\"\\\\\\/"'
        ',"\u00e9":null,"":[[],{}]}',
        '{"hooks":{}}',
        '{"hooks":{"PreToolUse":[]}}',
        '{"hooks":{"PostToolUse":[{"matcher":"Edit","hooks":[{"type":'
        '"command","command":"make"}]}]},"permissions":{"deny":["Read(x)"]}}',
        '{"hooks":{"PreToolUse":[{"matcher":"*","hooks":[{"type":"command",'
        '"command":"/usr/bin/other","args":["hook","claude"]}]},{"hooks":[]},'
        '{"matcher":"Bash","hooks":[{"type":"command","command":"fo.sh"},'
        '{"type":"http","url":"https://h/fo"}]}]}}',
        '{"version":7}'],
    "cursor": [
        "{}",
        '{"version":1,"hooks":{}}',
        '{"hooks":{"afterFileEdit":[{"command":"./format.sh"}]},"version":1}',
        '{"version": 1, "hooks": {"stop": [{"command": "bell"}],'
        ' "beforeShellExecution": [{"command": "/usr/bin/other hook cursor",'
        ' "failClosed": false}]}, "$schema": "https://h/\u00fc"}\n'],
}

# Not what we would put there, and ours all the same.
OLDER = {
    "claude": [
        [{"hooks": [{"type": "command", "command": "/opt/fo hook claude"}]}],
        [{"matcher": "Bash", "hooks": [{"type": "command", "timeout": 5,
                                        "command": "/usr/local/bin/fo",
                                        "args": ["hook", "claude"]}]}],
        [{"matcher": "*", "hooks": [
            {"type": "command", "command": "/usr/bin/fo",
             "args": ["hook", "claude", "--fail-open"]},
            {"type": "command", "command": "theirs"}]}],
        [{"matcher": "*", "hooks": [{"type": "command",
                                     "command": "/a/fo hook claude"}]},
         {"matcher": "*", "hooks": [{"type": "command",
                                     "command": "/b/fo hook claude"}]}]],
    "cursor": [
        [{"command": "/opt/fo hook cursor"}],
        [{"command": "'/opt/a b/fo' hook cursor", "failClosed": True},
         {"command": "theirs"}]],
}

BROKEN = {
    "nothing": "", "half": '{"hooks":{', "a comma": '{"a":1,}',
    "a comment": '{"a":1} // ours', "two": "{}{}", "a list": "[]",
    "null": "null", "a text": '"{}"', "a member twice": '{"a":1,"a":2}',
    "hooks that are a list": '{"hooks":[]}',
    "hooks that are null": '{"hooks":null}',
    "a number too large": '{"a":123456789012345678901234567890}',
    "a real too large": '{"a":1e999}', "half a character": '{"a":"\\ud800"}',
    "a NUL": '{"a":"\\u0000"}', "no UTF-8": b'{"a":"\xff"}',
    "a byte order mark": "\ufeff{}"}
NO_LIST = {"claude": '{"hooks":{"PreToolUse":{"matcher":"*"}}}',
           "cursor": '{"hooks":{"afterFileEdit":"x"},"version":1}'}


def exact(text):
    """JSON with the order of its members, and numbers as what they are."""
    return json.loads(text, object_pairs_hook=lambda pairs: pairs,
                      parse_float=lambda t: ("real", repr(float(t))))


class Case(fo.Case):
    def setUp(self):
        super().setUp()
        self.home = self.dir / "home"

    def path(self, agent):
        return self.home / FILES[agent]

    def have(self, agent, text, mode=0o644):
        path = self.path(agent)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def setup(self, agent, *more, code=0, **kinds):
        return self.expect(code, "setup", agent, *more, **kinds)

    def hook_of(self, agent, program=None):
        program = str(program or fo.FO)
        if agent == "cursor":
            return {"command": f"{program} hook cursor", "failClosed": True}
        return {"matcher": "*", "hooks": [
            {"type": "command", "command": program,
             "args": ["hook", "claude"], "timeout": 10,
             "onFailure": "block"}]}

    def tree(self, top=None):
        """Everything there: kind, mode, owner, and what is in it."""
        top = top or self.home
        found = {}
        for path in sorted(top.rglob("*")):
            st = path.lstat()
            found[str(path.relative_to(top))] = (
                oct(st.st_mode), st.st_uid, st.st_gid,
                os.readlink(path) if path.is_symlink() else
                path.read_bytes() if path.is_file() else None)
        return found

    def without_ours(self, agent, text):
        """The settings and, apart, our hooks in them."""
        settings, ours = json.loads(text), []
        for event in EVENTS[agent]:
            entries = settings["hooks"][event]
            self.assertEqual(entries[-1], self.hook_of(agent))
            ours.append(entries.pop())
        return settings, ours


class Put(Case):
    def test_the_hook_is_put_in_and_goes_without_a_trace(self):
        for agent in FILES:
            with self.subTest(agent=agent):
                done = self.setup(agent)
                path = self.path(agent)
                self.assertEqual(done.stdout, f"{path}: the hook is in\n")
                want = {"hooks": {event: [self.hook_of(agent)]
                                  for event in EVENTS[agent]}}
                if agent == "cursor":
                    want = {"version": 1, **want}
                self.assertEqual(json.loads(path.read_text()), want)
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
                self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode),
                                 0o700)
                self.setup(agent, "--check")
                before = self.tree()
                done = self.setup(agent)
                self.assertIn("there already", done.stdout)
                self.assertEqual(self.tree(), before)
                done = self.setup(agent, "--remove")
                self.assertEqual(done.stdout, f"{path}: the hook is out\n")
                self.assertEqual(self.tree(), {})

    def test_what_others_wrote_stays_and_comes_back_byte_by_byte(self):
        for agent, texts in THEIRS.items():
            for text in texts:
                for mode in (0o600, 0o644, 0o640):
                    path = self.have(agent, text, mode)
                    before = self.tree()
                    with self.subTest(agent=agent, text=text):
                        self.setup(agent)
                        self.check_kept(agent, text, path.read_text())
                        self.assertEqual(stat.S_IMODE(path.stat().st_mode),
                                         mode)
                        self.setup(agent, "--remove")
                        self.assertEqual(self.tree(), before)

    def check_kept(self, agent, before, after):
        """All of what was there is there, in its order and with its values;
        what is new is our hook, and what it has to stand in."""
        settings, _ = self.without_ours(agent, after)
        for event in EVENTS[agent]:
            if not settings["hooks"][event] and \
                    event not in json.loads(before).get("hooks", {}):
                del settings["hooks"][event]
        if not settings["hooks"] and "hooks" not in json.loads(before):
            del settings["hooks"]
        if agent == "cursor" and "version" not in json.loads(before):
            del settings["version"]
        self.assertEqual(exact(json.dumps(settings)), exact(before))

    def test_what_others_change_in_between_stays(self):
        for agent in FILES:
            path = self.have(agent, '{"a" :1}\n')
            self.setup(agent)
            settings = json.loads(path.read_text())
            settings["theirs"] = {"\u00fc": 0.1}
            for event in EVENTS[agent]:
                settings["hooks"][event].insert(0, {"command": "theirs"})
            path.write_text(json.dumps(settings))
            self.setup(agent, "--check")
            self.setup(agent, "--remove")
            want = {"a": 1, "theirs": {"\u00fc": 0.1}, "hooks": {
                event: [{"command": "theirs"}] for event in EVENTS[agent]}}
            if agent == "cursor":
                want["version"] = 1
            self.assertEqual(json.loads(path.read_text()), want)
            self.assertEqual(os.listdir(path.parent), [path.name])
            shutil.rmtree(path.parent)

    def test_what_comes_back_is_what_was_there_last(self):
        """Somebody takes the hook out by hand, writes, and sets up again."""
        for agent in FILES:
            path = self.have(agent, '{"first":1}')
            self.setup(agent)
            path.write_text('{ "second" : 2 }')
            self.setup(agent)
            self.setup(agent, "--remove")
            self.assertEqual(path.read_text(), '{ "second" : 2 }')
            self.assertEqual(os.listdir(path.parent), [path.name])

    def test_an_older_form_of_it_is_replaced_and_does_not_come_back(self):
        for agent, lists in OLDER.items():
            for entries in lists:
                event = EVENTS[agent][0]
                text = json.dumps({"version": 1, "hooks": {event: entries}})
                with self.subTest(text=text):
                    path = self.have(agent, text)
                    self.setup(agent, "--check", code=1)
                    self.setup(agent)
                    self.setup(agent, "--check")
                    after = path.read_text()
                    for old in ("/opt", "/usr/local", "/a/fo", "/b/fo",
                                "--fail-open"):
                        self.assertNotIn(old, after)
                    self.setup(agent, "--remove")
                    self.assertEqual("theirs" in text, path.exists()
                                     and "theirs" in path.read_text())
                    if path.exists():
                        self.assertNotIn("/fo", path.read_text())
                        self.assertEqual(os.listdir(path.parent),
                                         [path.name])

    def test_a_form_of_ours_is_taken_out_as_it_is(self):
        for agent, lists in OLDER.items():
            for entries in lists:
                event = EVENTS[agent][0]
                path = self.have(agent, json.dumps({
                    "other": 1, "hooks": {event: entries}}))
                self.setup(agent, "--remove")
                self.assertNotIn("/fo", path.read_text())
                self.assertEqual("theirs" in json.dumps(entries),
                                 "theirs" in path.read_text())
                self.assertEqual(json.loads(path.read_text())["other"], 1)

    def test_where_there_is_no_hook_nothing_is_taken_out(self):
        for agent, texts in THEIRS.items():
            for text in texts:
                self.have(agent, text)
                before = self.tree()
                done = self.setup(agent, "--remove")
                self.assertIn("there is no hook", done.stdout)
                self.assertEqual(self.tree(), before)
            shutil.rmtree(self.path(agent).parent)
            self.setup(agent, "--remove")
            self.assertEqual(self.tree(), {})

    def test_the_hook_that_was_put_in_is_one_that_runs(self):
        """As each of them starts it: a program and its words, or a shell."""
        self.store()
        wipe = {"tool_name": "Bash", "tool_input": {"command": "rm -rf /"},
                "hook_event_name": "beforeShellExecution",
                "command": "rm -rf /"}
        self.env["PATH"] = "/none"
        for agent in FILES:
            self.setup(agent)
            hooks = json.loads(self.path(agent).read_text())["hooks"]
            entry = hooks[EVENTS[agent][0]][0]
            if agent == "claude":
                hook = entry["hooks"][0]
                words = [hook["command"], *hook["args"]]
                self.assertEqual((hook["onFailure"], entry["matcher"]),
                                 ("block", "*"))
                self.assertGreater(hook["timeout"], 2)
            else:
                words = ["/bin/sh", "-c", entry["command"]]
                self.assertTrue(entry["failClosed"])
            self.assertTrue(words[0].startswith("/"), words)
            done = subprocess.run(words, input=json.dumps(wipe), text=True,
                                  capture_output=True, env=self.env)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("FirstOps: ", done.stderr)

    def test_a_program_of_an_odd_name_is_quoted_for_a_shell(self):
        odd = self.dir / "a b'$(exit 7)"
        odd.mkdir()
        shutil.copy(fo.FO, odd / "fo")
        for args, code in ((("setup", "cursor"), 0),
                           (("setup", "cursor", "--check"), 0)):
            done = subprocess.run([odd / "fo", *args], env=self.env,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, code, done)
        entry = json.loads(self.path("cursor").read_text())["hooks"][
            "afterFileEdit"][0]
        done = subprocess.run(["/bin/sh", "-c", entry["command"]], input="",
                              text=True, capture_output=True, env=self.env)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("FirstOps: ", done.stderr)
        self.setup("cursor", "--remove")
        self.assertEqual(self.tree(), {})


class Look(Case):
    def test_a_dry_run_prints_what_would_be_and_changes_nothing(self):
        for agent, texts in THEIRS.items():
            for text in (None, *texts):
                shutil.rmtree(self.path(agent).parent, ignore_errors=True)
                if text is not None:
                    self.have(agent, text)
                before = self.tree()
                said = self.setup(agent, "--dry-run").stdout
                self.assertEqual(self.tree(), before)
                self.setup(agent)
                self.assertEqual(self.path(agent).read_text(), said)
                now = self.tree()
                said = self.setup(agent, "--dry-run", "--remove").stdout
                self.assertEqual(self.tree(), now)
                self.assertEqual(said, (text or "").replace("\r\n", "\n"))
                self.setup(agent, "--remove")

    def test_check_says_whether_it_is_there_as_it_should_be(self):
        for agent in FILES:
            done = self.setup(agent, "--check", code=1)
            self.assertIn("the hook is missing", done.stdout)
            self.have(agent, "{}")
            done = self.setup(agent, "--check", code=1)
            self.assertIn("the hook is missing", done.stdout)
            self.setup(agent)
            done = self.setup(agent, "--check", "--json")
            self.assertEqual(json.loads(done.stdout), {
                "ok": True, "file": str(self.path(agent)),
                "state": "the hook is there"})

    def drifts(self, agent, change):
        """With that change it is not as it should be, and set up again it
        is."""
        shutil.rmtree(self.path(agent).parent, ignore_errors=True)
        self.setup(agent)
        settings = json.loads(self.path(agent).read_text())
        change(settings["hooks"])
        self.path(agent).write_text(json.dumps(settings))
        before = self.tree()
        done = self.setup(agent, "--check", code=1)
        self.assertIn("the hook is changed", done.stdout)
        self.assertEqual(self.tree(), before)
        self.setup(agent)
        self.setup(agent, "--check")

    def test_every_drift_is_seen_and_mended(self):
        def command(hooks):
            return hooks["PreToolUse"][0]["hooks"][0]
        for change in (
                lambda h: command(h).pop("onFailure"),
                lambda h: command(h).update(onFailure="allow"),
                lambda h: command(h).update(timeout=1),
                lambda h: command(h).update(command="/elsewhere/fo"),
                lambda h: command(h)["args"].append("--fail-open"),
                lambda h: h["PreToolUse"][0].update(matcher="Bash"),
                lambda h: h["PreToolUse"].append(
                    {"hooks": [dict(command(h), timeout=9)]}),
                lambda h: h["PreToolUse"].append(h["PreToolUse"][0])):
            self.drifts("claude", change)
        for change in (
                lambda h: h["afterFileEdit"][0].pop("failClosed"),
                lambda h: h["afterFileEdit"][0].update(failClosed=False),
                lambda h: h["afterFileEdit"][0].update(
                    command="/elsewhere/fo hook cursor"),
                lambda h: h.pop("beforeMCPExecution"),
                lambda h: h["beforeReadFile"].clear()):
            self.drifts("cursor", change)

    def test_a_settings_file_that_turns_all_hooks_off_is_seen(self):
        self.have("claude", '{"disableAllHooks":true}')
        self.setup("claude")
        done = self.setup("claude", "--check", code=1)
        self.assertIn("disableAllHooks turns it off", done.stdout)
        self.setup("claude", "--remove")
        self.assertEqual(self.path("claude").read_text(),
                         '{"disableAllHooks":true}')

    def test_what_does_not_go_together_is_refused(self):
        for more in (("--dry-run", "--check"), ("--check", "--remove")):
            done = self.setup("claude", *more, code=2)
            self.assertIn("--check goes with neither", done.stderr)


class Refused(Case):
    def unchanged(self, agent, text, *more, **kinds):
        before = self.tree()
        done = self.setup(agent, *more, code=3, **kinds)
        self.assertIn(text, done.stderr)
        self.assertEqual(self.tree(), before)

    def test_what_is_no_json_is_refused_and_stays_as_it_is(self):
        for agent in FILES:
            for name, text in BROKEN.items():
                with self.subTest(agent=agent, what=name):
                    self.have(agent, text)
                    for more in ((), ("--check",), ("--remove",),
                                 ("--dry-run",)):
                        self.unchanged(agent, "nothing was changed", *more)
            self.have(agent, NO_LIST[agent])
            self.unchanged(agent, "is not the list that it should be")

    def test_what_is_too_long_is_refused(self):
        self.have("claude", '{"a":"' + "x" * 1024 * 1024 + '"}')
        self.unchanged("claude", "longer than")

    def test_what_is_no_file_is_refused(self):
        self.path("claude").mkdir(parents=True)
        self.unchanged("claude", "Is a directory")

    def test_a_link_stays_one_and_what_it_leads_to_is_changed(self):
        dotfiles = self.dir / "dotfiles"
        dotfiles.mkdir()
        for agent in FILES:
            real = dotfiles / f"{agent}.json"
            real.write_text('{ "theirs": 1 }')
            real.chmod(0o640)
            self.path(agent).parent.mkdir()
            self.path(agent).symlink_to(real)
            before = self.tree(), self.tree(dotfiles)
            self.setup(agent)
            self.assertTrue(self.path(agent).is_symlink())
            self.without_ours(agent, real.read_text())
            self.setup(agent, "--check")
            self.setup(agent, "--remove")
            self.assertEqual((self.tree(), self.tree(dotfiles)), before)

    def test_a_link_to_a_file_of_ours_alone_keeps_something_to_lead_to(self):
        real = self.dir / "real.json"
        self.path("claude").parent.mkdir()
        self.setup("claude")
        self.path("claude").rename(real)
        self.path("claude").symlink_to(real)
        self.setup("claude", "--remove")
        self.assertEqual(real.read_text(), "{}\n")

    def test_a_folder_that_is_a_link_stays_one(self):
        (self.dir / "dotfiles").mkdir()
        (self.home / ".claude").symlink_to(self.dir / "dotfiles")
        self.setup("claude")
        self.assertTrue((self.dir / "dotfiles/settings.json").exists())
        self.setup("claude", "--remove")
        self.assertEqual(os.listdir(self.dir / "dotfiles"), [])
        self.assertTrue((self.home / ".claude").is_symlink())

    def test_a_link_that_leads_nowhere_is_refused(self):
        self.path("claude").parent.mkdir()
        self.path("claude").symlink_to(self.dir / "none")
        self.unchanged("claude", "leads nowhere")
        self.path("claude").unlink()
        self.path("claude").symlink_to("settings.json")
        self.unchanged("claude", "settings.json")

    def test_a_home_is_needed(self):
        for home in ("", "relative"):
            done = self.setup("claude", code=3, env={"HOME": home})
            self.assertIn("HOME is not set", done.stderr)


class Others(Case):
    """Whose files they are, as root and as somebody else."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            tap.skip("needs root to be others")
        self.dir.chmod(0o755)

    def as_stranger(self, *args):
        return subprocess.run([fo.FO, *args], env=self.env, user=STRANGER,
                              group=STRANGER, extra_groups=[], text=True,
                              capture_output=True, cwd="/")

    def give(self, path):
        for one in (path, *path.rglob("*")):
            os.chown(one, STRANGER, STRANGER)

    def test_root_leaves_no_file_in_anothers_home(self):
        self.have("claude", "{}")
        self.give(self.home)
        before = self.tree()
        done = self.setup("claude", code=3)
        self.assertIn("another user's", done.stderr)
        self.assertEqual(self.tree(), before)

    def test_a_file_stays_its_owners_and_its_groups(self):
        path = self.have("claude", '{"theirs":1}', 0o640)
        os.chown(path, STRANGER, 7)
        before = self.tree()
        self.setup("claude")
        st = path.stat()
        self.assertEqual((st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)),
                         (STRANGER, 7, 0o640))
        self.setup("claude", "--remove")
        self.assertEqual(self.tree(), before)

    def test_a_group_that_one_is_not_in_is_no_reason_to_refuse(self):
        path = self.have("claude", '{"theirs":1}', 0o600)
        self.give(self.home)
        os.chown(path, STRANGER, 7)
        done = self.as_stranger("setup", "claude")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(path.stat().st_uid, STRANGER)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def refuses(self, text):
        before = self.tree()
        for more in ((), ("--remove",)):
            done = self.as_stranger("setup", "claude", *more)
            self.assertEqual(done.returncode, 3, done)
            self.assertIn(text, done.stderr)
            self.assertEqual(self.tree(), before)

    def test_what_is_read_only_or_anothers_is_left_alone(self):
        path = self.have("claude", '{"theirs":1}')
        self.give(self.home)
        self.assertEqual(self.as_stranger("setup", "claude").returncode, 0)
        path.chmod(0o444)
        # as it should be already: nothing to do, nothing to refuse
        self.assertEqual(self.as_stranger("setup", "claude").returncode, 0)
        settings = json.loads(path.read_text())
        settings["hooks"]["PreToolUse"][0]["matcher"] = "Bash"
        path.write_text(json.dumps(settings))
        self.refuses("Permission denied")
        path.chmod(0o644)
        os.chown(path, 0, 0)
        self.refuses("Permission denied")
        os.chown(path, STRANGER, STRANGER)
        path.parent.chmod(0o555)
        self.refuses("Permission denied")
        path.parent.chmod(0o755)
        path.chmod(0)
        self.refuses("Permission denied")

    def test_a_file_system_that_is_read_only_or_full_leaves_it_as_it_is(self):
        for agent in FILES:
            self.have(agent, THEIRS[agent][-1])
            before = self.tree()
            for mount, text in (
                    ('mount --bind "$0" "$0" &&'
                     ' mount -o remount,bind,ro "$0"', "Read-only"),
                    ('cp -a "$0" "$0.aside" &&'
                     ' mount -t tmpfs -o mode=755,size=64k tmpfs "$0" &&'
                     ' cp -a "$0.aside/." "$0" && rm -r "$0.aside" &&'
                     ' { cat /dev/zero >"$0/ballast" 2>&-; :; }',
                     "No space left")):
                done = subprocess.run(
                    ["unshare", "-m", "sh", "-c", f'{mount} || exit 99; "$@";'
                     ' code=$?; cp -a "$0" "$0.after"; exit $code',
                     self.home, fo.FO, "setup", agent], env=self.env,
                    capture_output=True, text=True)
                self.assertEqual(done.returncode, 3, done)
                self.assertIn(text, done.stderr)
                after = self.dir / "home.after"
                (after / "ballast").unlink(missing_ok=True)
                self.assertEqual(self.tree(after), before)
                shutil.rmtree(after)


class Crash(Case):
    def calls(self, *options, words):
        # no leak can be looked for in what is traced
        return subprocess.run(
            [CALLS, *map(str, options), "--", fo.FO, *words],
            env={**self.env, "ASAN_OPTIONS": "detect_leaks=0"},
            capture_output=True, text=True, cwd=self.dir)

    def numbers(self, words):
        log = self.dir / "calls"
        done = self.calls("-o", log, words=words)
        self.assertEqual(done.returncode, 0, done)
        found = [line.split("\t") for line in log.read_text().splitlines()]
        found = [int(c[0]) for c in found if c[1] in CHANGING]
        self.assertGreater(len(found), 10)
        return found

    def sweep(self, agent, *more, before):
        """Killed after each call that changes something: the file is the old
        one or the new one, and the next who does it is not held up."""
        words = ("setup", agent, *more)
        before()
        old = self.path(agent).read_bytes()
        numbers = self.numbers(words)
        new = self.path(agent).read_bytes() if self.path(agent).exists() \
            else None
        seen = set()
        for number in numbers:
            before()
            done = self.calls("-K", number, words=words)
            self.assertIn(done.returncode, (137, 0), done)
            now = self.path(agent).read_bytes() if \
                self.path(agent).exists() else None
            self.assertIn(now, (old, new), number)
            seen.add(now)
            self.setup(agent, *more)
            self.assertEqual(self.path(agent).read_bytes() if
                             self.path(agent).exists() else None, new)
        self.assertEqual(seen, {old, new})

    def fresh(self, agent, *setups):
        def make():
            shutil.rmtree(self.path(agent).parent, ignore_errors=True)
            self.have(agent, THEIRS[agent][-1])
            for words in setups:
                self.setup(agent, *words)
        return make

    def test_it_is_killed_while_it_puts_the_hook_in(self):
        for agent in FILES:
            self.sweep(agent, before=self.fresh(agent))

    def test_it_is_killed_while_it_takes_the_hook_out(self):
        for agent in FILES:
            make = self.fresh(agent, ())
            self.sweep(agent, "--remove", before=make)
            self.assertEqual(self.path(agent).read_text(), THEIRS[agent][-1])
            self.assertEqual(os.listdir(self.path(agent).parent),
                             [self.path(agent).name])

    def test_many_at_once_put_in_one_hook(self):
        for agent in FILES:
            self.have(agent, THEIRS[agent][-1])
            before = self.tree()
            for more in ((), ("--remove",)):
                running = [subprocess.Popen(
                    [fo.FO, "setup", agent, *more], env=self.env,
                    stdout=subprocess.DEVNULL) for _ in range(6)]
                self.assertEqual([p.wait(30) for p in running], [0] * 6)
                if not more:
                    self.setup(agent, "--check")
            self.assertEqual(self.tree(), before)

    def test_who_holds_the_folder_for_long_is_told(self):
        import fcntl
        self.have("claude", "{}")
        folder = os.open(self.path("claude").parent, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)
        started = time.monotonic()
        done = self.setup("claude", code=3)
        self.assertIn("somebody else changes it", done.stderr)
        self.assertGreater(time.monotonic() - started, 4)


class System(Case):
    """--system, on a root of its own: this machine's /etc stays as it is."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            tap.skip("needs root to mount")
        self.holder = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o mode=755 tmpfs"
             " /etc && echo ready && exec cat"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.holder.wait)
        self.addCleanup(self.holder.stdout.close)
        self.addCleanup(self.holder.stdin.close)
        self.assertEqual(self.holder.stdout.readline(), "ready\n")
        self.root = pathlib.Path(f"/proc/{self.holder.pid}/root")

    def inside(self, *args, umask=0o022, code=0, user=0):
        done = subprocess.run(
            ["nsenter", "-t", str(self.holder.pid), "-m", f"-S{user}",
             f"-G{user}", "--", fo.FO, *args], env=self.env, umask=umask,
            capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done)
        return done

    def system(self):
        return self.tree(self.root / "etc")

    def test_everybody_gets_it_whatever_the_umask_and_it_goes_again(self):
        for agent, name in SYSTEM.items():
            for umask in (0o000, 0o022, 0o077):
                with self.subTest(agent=agent, umask=umask):
                    self.inside("setup", agent, "--system", umask=umask)
                    path = self.root / name
                    self.assertEqual(stat.S_IMODE(path.stat().st_mode),
                                     0o644)
                    folder = path.parent
                    while folder.name != "etc":
                        self.assertEqual(
                            stat.S_IMODE(folder.stat().st_mode), 0o755)
                        folder = folder.parent
                    self.without_ours(agent, path.read_text())
                    self.inside("setup", agent, "--system", "--check")
                    # anybody can look
                    self.inside("setup", agent, "--system", "--check",
                                user=STRANGER)
                    self.inside("setup", agent, "--system", "--remove")
                    self.assertEqual(self.system(), {})

    def test_what_others_have_there_stays(self):
        others = self.root / "etc/claude-code"
        others.mkdir()
        (others / "managed-settings.json").write_text('{"a":1}')
        cursor = self.root / SYSTEM["cursor"]
        cursor.parent.mkdir(mode=0o750)
        cursor.write_text(THEIRS["cursor"][-1])
        cursor.chmod(0o640)
        before = self.system()
        for agent in SYSTEM:
            self.inside("setup", agent, "--system")
        self.check_read(self.root / SYSTEM["claude"])
        for agent in SYSTEM:
            self.inside("setup", agent, "--system", "--remove")
        self.assertEqual(self.system(), before)

    def check_read(self, path):
        """Claude Code reads every file of that folder that ends in .json."""
        names = os.listdir(path.parent)
        self.assertEqual([n for n in names if n.endswith(".json")],
                         [path.name])

    def test_nobody_but_root_puts_it_there(self):
        for agent in SYSTEM:
            done = self.inside("setup", agent, "--system", user=STRANGER,
                               code=3)
            self.assertIn("Permission denied", done.stderr)
            self.assertEqual(self.system(), {})

    def test_the_users_own_file_is_not_touched(self):
        self.inside("setup", "claude", "--system")
        self.assertEqual(self.tree(), {})


if __name__ == "__main__":
    tap.main()
