#!/usr/bin/python3
"""fo ssh and fo target: which target is fixed before ssh runs."""

import json
import os

import fo
import tap

# An ssh that answers -G from its environment, and otherwise tells what it was
# called with. It finds the host among its words as ssh does.
SSH = """#!/usr/bin/python3
import getopt, json, os, sys
if sys.argv[1] == "-G" and "FAKE_HOSTNAME" in os.environ:
    _, words = getopt.getopt(sys.argv[2:], "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:"
                             "CD:E:F:GI:J:KL:MNO:PQ:R:S:TVw:W:XYy")
    host = words[0].removeprefix("ssh://").rpartition("@")[2]
    if "FAKE_OLD" not in os.environ:
        print("host " + host)
    print("user " + os.environ["FAKE_USER"])
    print("hostname " + os.environ["FAKE_HOSTNAME"])
    print("port " + os.environ["FAKE_PORT"])
    sys.exit(0)
if sys.argv[1] == "-G":
    sys.exit("bad configuration")
with open(os.environ["FAKE_OUT"], "w") as f:
    json.dump({"argv": sys.argv[1:], "env": dict(os.environ),
               "pid": os.getpid()}, f)
sys.exit(42)
"""
OURS = ["-o", "StrictHostKeyChecking=yes",
        "-o", "NoHostAuthenticationForLocalhost=no",
        "-o", "ControlPath=none",
        "-o", "KbdInteractiveAuthentication=yes",
        "-o", "PreferredAuthentications=keyboard-interactive",
        "-o", "BatchMode=no",
        "-o", "NumberOfPasswordPrompts=1"]


class Ssh(fo.Case):
    def setUp(self):
        super().setUp()
        self.program("ssh", SSH)
        self.askpass = self.program("fo-askpass", "#!/bin/sh\nexit 1\n")
        self.out = self.dir / "called.json"

    def fake(self, hostname, port="22", user="deploy"):
        return {"FAKE_HOSTNAME": hostname, "FAKE_PORT": port,
                "FAKE_USER": user, "FAKE_OUT": str(self.out)}

    def ssh(self, *args, env={}, **fake):
        """What ssh was called with; fo exits with ssh's own code."""
        self.expect(42, "ssh", *args, env={**self.fake(**fake), **env})
        called = json.loads(self.out.read_text())
        return called["argv"], called["env"]

    def test_port_22_and_the_name_as_typed_need_no_entry(self):
        argv, env = self.ssh("deploy@bastion", hostname="bastion")
        self.assertEqual(argv, [*OURS, "deploy@bastion"])
        self.assertEqual(env["FO_TARGET"], "pam://bastion/sshd/deploy")
        self.assertEqual(env["SSH_ASKPASS_REQUIRE"], "force")
        self.assertEqual(os.path.basename(env["SSH_ASKPASS"]), "fo-askpass")
        self.assertTrue(os.access(env["SSH_ASKPASS"], os.X_OK))
        self.assertNotIn("FO_PRIVATE_KEY_PATH", env)

    def test_the_host_is_what_was_typed_not_what_it_resolves_to(self):
        _, env = self.ssh("web", hostname="10.0.0.9", user="u")
        self.assertEqual(env["FO_TARGET"], "pam://web/sshd/u")
        _, env = self.ssh("ssh://u@web", hostname="10.0.0.9", user="u")
        self.assertEqual(env["FO_TARGET"], "pam://web/sshd/u")

    def test_the_user_of_the_target_is_the_one_that_ssh_resolves(self):
        _, env = self.ssh("bastion", "-l", "a/b", hostname="bastion",
                          user="a/b")
        self.assertEqual(env["FO_TARGET"], "pam://bastion/sshd/a%2Fb")

    def test_options_and_command_after_the_destination_are_sshs(self):
        argv, env = self.ssh("--key", "k.pem", "bastion", "-v", "--", "rm",
                             "--help", hostname="bastion")
        self.assertEqual(argv, [*OURS, "bastion", "-v", "--", "rm", "--help"])
        self.assertEqual(env["FO_PRIVATE_KEY_PATH"], "k.pem")

    def test_another_port_is_refused_with_the_command_that_mends_it(self):
        self.refused(1, "fo target add 127.0.0.1:2222 --host NAME", "ssh",
                     "localhost", env=self.fake("127.0.0.1", "2222"))
        self.assertFalse(self.out.exists())
        self.refused(1, "fo target add [::1]:2222 --host NAME", "ssh",
                     "::1", env=self.fake("::1", "2222"))

    def test_an_entry_says_which_host_it_is(self):
        self.ok("target", "add", "127.0.0.1:2222", "--host", "bastion")
        _, env = self.ssh("localhost", hostname="127.0.0.1", port="2222")
        self.assertEqual(env["FO_TARGET"], "pam://bastion/sshd/deploy")
        self.refused(1, "target add 127.0.0.1:2223", "ssh", "localhost",
                     env=self.fake("127.0.0.1", "2223"))

    def test_an_alias_says_which_host_it_is_at_port_22_alone(self):
        self.ok("target", "add", "build", "--host", "build-7")
        _, env = self.ssh("ci@build", hostname="10.1.1.1")
        self.assertEqual(env["FO_TARGET"], "pam://build-7/sshd/deploy")
        self.refused(1, "target add 10.1.1.1:2222", "ssh", "ci@build",
                     env=self.fake("10.1.1.1", "2222"))
        self.ok("target", "add", "build:2222", "--host", "build-8")
        _, env = self.ssh("ci@build", hostname="10.1.1.1", port="2222")
        self.assertEqual(env["FO_TARGET"], "pam://build-8/sshd/deploy")

    def test_the_target_is_for_this_ssh_and_not_for_a_jump_hosts(self):
        _, env = self.ssh("bastion", hostname="bastion")
        self.assertEqual(env["FO_TARGET_PID"],
                         str(json.loads(self.out.read_text())["pid"]))

    def test_programs_put_options_before_the_destination(self):
        for words in (
                # git, rsync, scp, sftp, ansible
                ["-o", "SendEnv=GIT_PROTOCOL", "web", "git-upload-pack '/r'"],
                ["-l", "deploy", "web", "rsync", "--server", "--sender", "."],
                ["-x", "-oRemoteCommand=none", "-l", "deploy", "-s", "--",
                 "web", "sftp"],
                ["-oForwardX11 no", "-obatchmode yes", "-s", "web", "sftp"],
                ["-vvv", "-C", "-o", "ControlPersist=60s", "-o",
                 "User=\"deploy\"", "-tt", "web", "/bin/sh -c 'id'"],
                ["-4tt", "ssh://deploy@web", "--", "--key", "-h"],
                ["--", "web", "-h"]):
            with self.subTest(words=words):
                argv, env = self.ssh(*words, hostname="10.0.0.9")
                self.assertEqual(argv, [*OURS, *words])
                self.assertEqual(env["FO_TARGET"], "pam://web/sshd/deploy")
        argv, env = self.ssh("--key", "k.pem", *words, hostname="10.0.0.9")
        self.assertEqual(argv, [*OURS, *words])
        self.assertEqual(env["FO_PRIVATE_KEY_PATH"], "k.pem")

    def test_what_ssh_is_asked_about_itself_is_no_login(self):
        for words in (["-G", "-o", "SendEnv=GIT_PROTOCOL", "-p", "2222",
                       "web"], ["-V"], ["-Q", "cipher"]):
            with self.subTest(words=words):
                self.program("ssh", SSH.replace('sys.argv[1] == "-G"',
                                                "False"))
                self.out.unlink(missing_ok=True)
                argv, env = self.ssh(*words, hostname="10.0.0.9")
                self.assertEqual(argv, [*OURS, *words])
                self.assertNotIn("FO_TARGET", env)
                self.assertNotIn("SSH_ASKPASS", env)

    def test_an_ssh_that_does_not_name_the_host_wants_it_first(self):
        old = {"FAKE_OLD": "1"}
        argv, env = self.ssh("deploy@bastion", "-p", "22", env=old,
                             hostname="10.0.0.9")
        self.assertEqual(argv, [*OURS, "deploy@bastion", "-p", "22"])
        self.assertEqual(env["FO_TARGET"], "pam://bastion/sshd/deploy")
        self.out.unlink()
        for first in ("-p22", "--"):
            self.refused(2, f"{first}: with this ssh the destination comes"
                         " first", "ssh", first, "bastion",
                         env={**self.fake("bastion"), **old})
        self.assertFalse(self.out.exists())

    def test_what_follows_two_dashes_is_never_an_option(self):
        self.refused(1, "target add", "ssh", "--", "-oX=y",
                     env=self.fake("-oX=y", "2222"))
        argv, _ = self.ssh("--", "-oX=y", hostname="x")
        self.assertEqual(argv, [*OURS, "--", "-oX=y"])

    def test_without_a_destination_or_with_an_unknown_option_it_is_usage(self):
        self.refused(2, "usage: fo ssh", "ssh")
        self.refused(2, "usage: fo ssh", "ssh", "--key", "k.pem")
        self.refused(2, "needs a value", "ssh", "--key")
        self.refused(2, "did you mean --key", "ssh", "--kye", "x", "bastion")
        self.assertIn("usage: fo ssh", self.ok("ssh", "-h"))
        self.assertIn("usage: fo ssh", self.ok("ssh", "--help"))

    def test_a_configuration_or_a_word_that_ssh_refuses_is_trouble(self):
        self.refused(3, "ssh -G bastion did not", "ssh", "bastion")
        self.refused(3, "ssh -G -o ... did not", "ssh", "-o", "Nonsense=1",
                     "bastion")

    def test_without_fo_askpass_ssh_is_not_run(self):
        if (fo.FO.parent / "fo-askpass").exists():
            tap.skip("fo-askpass stands beside fo")
        self.askpass.unlink()
        self.refused(3, "fo-askpass", "ssh", "bastion",
                     env=self.fake("bastion"))
        self.assertFalse(self.out.exists())


class Target(fo.Case):
    def setUp(self):
        super().setUp()
        self.path = self.dir / "home/.config/firstops/targets.yaml"

    def targets(self):
        return self.json(0, "target", "list")["targets"]

    def test_add_list_and_remove(self):
        self.assertEqual(self.targets(), {})
        self.ok("target", "add", "127.0.0.1:2222", "--host", "bastion")
        self.ok("target", "add", "[::1]:2222", "--host", "web-1.example")
        self.ok("target", "add", "127.0.0.1:2222", "--host", "other")
        self.assertEqual(self.targets(), {"127.0.0.1:2222": "other",
                                          "[::1]:2222": "web-1.example"})
        self.assertIn("127.0.0.1:2222  other", self.ok("target", "list"))
        self.ok("target", "remove", "127.0.0.1:2222")
        self.assertEqual(self.targets(), {"[::1]:2222": "web-1.example"})
        self.refused(1, "there is no target", "target", "remove", "nothing")
        self.ok("target", "remove", "[::1]:2222")
        self.assertEqual(self.targets(), {})

    def test_file_and_folders_are_for_the_owner_alone(self):
        self.ok("target", "add", "a:1", "--host", "b")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        for folder in (self.path.parent, self.path.parent.parent):
            self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual({p.name for p in self.path.parent.iterdir()},
                         {".lock", "targets.yaml"})

    def test_xdg_config_home_is_honoured(self):
        env = {"XDG_CONFIG_HOME": str(self.dir / "xdg")}
        self.ok("target", "add", "a:1", "--host", "b", env=env)
        self.assertTrue((self.dir / "xdg/firstops/targets.yaml").exists())
        self.assertFalse(self.path.exists())

    def test_a_home_that_is_reached_through_a_link_has_a_list(self):
        (self.dir / "link").symlink_to(self.dir / "home")
        env = {"HOME": str(self.dir / "link")}
        self.assertIn("DEST", self.ok("target", "list", env=env))
        self.ok("target", "add", "a:1", "--host", "b", env=env)
        self.assertEqual(self.targets(), {"a:1": "b"})

    def test_what_is_not_there_is_removed_without_a_trace(self):
        self.refused(1, "there is no target", "target", "remove", "a:1")
        self.assertEqual(list((self.dir / "home").iterdir()), [])

    def test_what_an_interrupted_writer_left_is_replaced_whatever_it_is(self):
        self.ok("target", "add", "a:1", "--host", "b")
        other = self.dir / "other"
        other.write_text("untouched")
        left = self.path.parent / ".tmp-targets.yaml"
        for leave in (lambda: left.write_text("---\nversi"),
                      lambda: left.symlink_to(other),
                      lambda: left.hardlink_to(other)):
            leave()
            self.ok("target", "add", "a:1", "--host", "c")
            self.assertEqual({p.name for p in self.path.parent.iterdir()},
                             {".lock", "targets.yaml"})
            self.assertEqual(other.read_text(), "untouched")

    def test_an_entry_too_many_is_refused_before_the_list_is_unreadable(self):
        self.path.parent.mkdir(mode=0o700, parents=True)
        for count, width, why in ((256, 9, "more than 256 keys"),
                                  (126, 255, "longer than 65536 bytes")):
            entries = {f"{i:0{width}}": "b" * width for i in range(count)}
            self.write(self.path, "---\nversion: 1\ntargets:\n" + "".join(
                f'  "{d}": "{h}"\n' for d, h in entries.items()) + "...\n")
            dest = "a" * width
            self.refused(1, why, "target", "add", dest, "--host", dest)
            self.assertEqual(self.targets(), entries)
            # there is room for a change, and for who takes one's place
            self.ok("target", "add", min(entries), "--host", "c")
            self.ok("target", "remove", min(entries))
            self.ok("target", "add", dest, "--host", dest)

    def test_a_file_that_cannot_be_trusted_or_understood_is_refused(self):
        self.ok("target", "add", "a:1", "--host", "b")
        good = self.path.read_text()
        for text, word in (
                (good.replace("...", ""), "targets.yaml"),
                (good.replace("targets:", "tragets:"), "targets"),
                (good.replace('"b"', '"x y"'), "targets.yaml:4"),
                (good.replace('"a:1"', '"a\\"b"'), "targets.yaml:4")):
            with self.subTest(text=text):
                self.path.write_text(text)
                self.refused(3, word, "target", "list")
                self.refused(3, word, "target", "add", "c:1", "--host", "d")
                self.assertEqual(self.path.read_text(), text)
        self.path.write_text(good)
        self.path.chmod(0o666)
        self.refused(3, str(self.path), "target", "list")

    def test_words_outside_the_grammar_are_usage_errors(self):
        for args in (["add", "a:1"], ["add", "", "--host", "b"],
                     ["add", 'a"b', "--host", "b"],
                     ["add", "u@a:1", "--host", "b"],
                     ["add", "a:1", "--host", "b/c"],
                     ["add", "a:1", "--host", ""],
                     ["add"], ["list", "x"], ["remove"], ["ad", "a:1"], []):
            with self.subTest(args=args):
                self.expect(2, "target", *args)
                self.assertFalse(self.path.exists())


if __name__ == "__main__":
    tap.main()
