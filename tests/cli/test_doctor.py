#!/usr/bin/python3
"""fo doctor against a made-up root: fine, doubtful and broken set-ups."""

import itertools
import os
import pwd
import re
import socket
import threading
import time

import fo
import tap

GLASS = ("[success=1 default=ignore] pam_succeed_if.so quiet user ingroup "
         "firstops-breakglass")
SSHD = f"""\
auth {GLASS}
auth [success=done cred_insufficient=ignore default=die] pam_firstops.so
@include common-auth
account required pam_nologin.so
account {GLASS}
account required pam_firstops.so
@include common-account
session {GLASS}
session required pam_firstops.so
session required pam_unix.so
"""


class Doctor(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.age_replay()
        me = pwd.getpwuid(os.geteuid()).pw_name
        text = self.config.read_text()
        head, _, tail = text.partition("services:\n")
        rest = tail[tail.index("replay:"):]
        self.write(self.config, f"{head}services:\n  sshd: {{nonce: always, "
                   f"ask: reserved, user: {me}}}\n{rest}")
        self.root = self.dir / "root"
        for folder in ("etc/pam.d", "etc/ssh/sshd_config.d",
                       "usr/lib/security"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "usr/lib/security/pam_firstops.so").touch()
        self.pam("common-auth", "auth [success=1 default=ignore] "
                 "pam_unix.so nullok\nauth requisite pam_deny.so\n")
        self.pam("common-account", "account required pam_unix.so\n")
        self.pam("sshd", SSHD)
        self.sshd("UsePAM yes\nKbdInteractiveAuthentication yes\n")

    def pam(self, service, text):
        (self.root / "etc/pam.d" / service).write_text(text)

    def sshd(self, text):
        (self.root / "etc/ssh/sshd_config").write_text(text)

    def findings(self):
        done = self.fo("doctor", "--root", self.root, "--json", config=True)
        answer = fo.json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if answer["ok"] else 1)
        found = [f for f in answer["findings"] if f["level"] != "ok"]
        if os.geteuid() != 0:  # root's own folder is not ours to make here
            found = [f for f in found if "for root" not in f["what"]]
        for finding in found:
            self.assertTrue(finding["remedy"], finding)
        return [(f["level"], f["what"]) for f in found]

    def one(self, level, text):
        found = self.findings()
        self.assertEqual([(l, text in w) for l, w in found],
                         [(level, True)], found)

    def spoil(self, old, new):
        self.assertIn(old, SSHD)
        self.pam("sshd", SSHD.replace(old, new, 1))

    def test_a_machine_that_is_set_up_right_has_no_finding(self):
        self.assertEqual(self.findings(), [])

    def test_text_says_what_and_how_to_mend_it(self):
        self.sshd("UsePAM no\n")
        out = self.fo("doctor", "--root", self.root, config=True).stdout
        self.assertIn("fail  sshd: UsePAM is not yes", out)
        self.assertIn("      set UsePAM yes in sshd_config", out)
        self.assertNotIn("\033", out)

    def test_what_is_wrong_comes_first(self):
        self.pam("vsftpd", SSHD)
        done = self.fo("doctor", "--root", self.root, config=True)
        levels = [line[:4].strip() for line in done.stdout.splitlines()
                  if line[:4].strip() in ("ok", "warn", "fail")]
        order = ["fail", "warn", "ok"]
        self.assertIn("fail", levels)
        self.assertIn("ok", levels)
        self.assertEqual(levels, sorted(levels, key=order.index))

    def test_the_shipped_stacks_are_right(self):
        for path in sorted((fo.TOP / "etc/pam.d").iterdir()):
            service = path.name
            with self.subTest(service):
                self.pam(service, path.read_text())
                found = [w for _, w in self.findings()
                         if f"pam.d/{service}:" in w]
                self.assertEqual(found, [])

    def test_a_missing_module(self):
        (self.root / "usr/lib/security/pam_firstops.so").unlink()
        self.one("fail", "pam_firstops.so is not where libpam looks")

    def plugin(self, line, name="usr/libexec/sudo/sudo_firstops.so"):
        (self.root / "etc/sudo.conf").write_text(f"# sudo\n{line}\n")
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o644)
        return path

    def test_sudos_plugin_is_where_sudo_conf_says(self):
        for line, name in (
                ("Plugin sudo_firstops sudo_firstops.so",
                 "usr/libexec/sudo/sudo_firstops.so"),
                ("Plugin\tsudo_firstops /opt/x.so config=/a  # ours",
                 "opt/x.so"),
                ("Path plugin_dir /opt/sudo\n"
                 "Plugin sudo_firstops sudo_firstops.so",
                 "opt/sudo/sudo_firstops.so")):
            with self.subTest(line):
                path = self.plugin(line, name)
                if os.geteuid() == 0:
                    self.assertEqual(self.findings(), [])
                path.unlink()
                self.one("fail", f"sudo: {path}: No such file")

    def test_a_plugin_that_others_can_write(self):
        self.plugin("Plugin sudo_firstops sudo_firstops.so").chmod(0o664)
        self.one("fail", "is not a file that only root can write")

    def test_a_sudo_conf_without_our_line_is_no_finding(self):
        for text in ("# Plugin sudo_firstops sudo_firstops.so\n",
                     "Plugin sudoers_policy sudoers.so\n", "Plugin\n"):
            (self.root / "etc/sudo.conf").write_text(text)
            self.assertEqual(self.findings(), [], text)

    def test_a_service_without_our_line_or_without_a_file(self):
        self.pam("sshd", "@include common-auth\n")
        self.one("warn", "pam.d/sshd does not name the module")
        (self.root / "etc/pam.d/sshd").unlink()
        self.one("warn", "pam.d/sshd does not exist")

    def test_a_stack_that_the_configuration_does_not_name_is_examined(self):
        self.pam("other", "auth optional pam_firstops.so\n")
        found = " ".join(w for _, w in self.findings())
        self.assertIn("pam.d/other: auth optional", found)
        self.assertIn("pam.d/other: no account line", found)

    def test_each_control_that_does_not_do_what_it_should(self):
        ours = "[success=done cred_insufficient=ignore default=die]"
        for control, level, text in (
                ("sufficient", "warn", "a password is still asked for"),
                ("required", "warn", "people too"),
                ("requisite", "warn", "people too"),
                ("optional", "fail", "no effect"),
                ("[success=done cred_insufficient=ignore default=ignore]",
                 "fail", "default=ignore"),
                ("[success=done cred_insufficient=ignore auth_err=ignore "
                 "default=die]", "fail", "auth_err=ignore"),
                ("[success=done cred_insufficient=ignore "
                 "authinfo_unavail=1 default=die]", "fail",
                 "authinfo_unavail=1"),
                ("[success=done cred_insufficient=ok default=die]", "fail",
                 "lets in who has no proof"),
                ("[success=done default=die]", "warn", "people too")):
            with self.subTest(control=control):
                self.spoil(ours, control)
                self.one(level, text)

    def test_a_password_module_before_ours(self):
        self.pam("sshd", "@include common-auth\n" + SSHD.replace(
            "@include common-auth\n", ""))
        self.one("fail", "pam_unix.so stands first")

    def test_a_missing_breakglass_line(self):
        self.spoil(f"auth {GLASS}\n", "")
        self.one("warn", "auth has no break-glass line")
        self.spoil(f"account {GLASS}\n", "")
        self.one("warn", "account has no break-glass line")

    def test_a_breakglass_line_that_skips_too_little_or_too_much(self):
        self.spoil(f"auth {GLASS}\n",
                   f"auth {GLASS}\nauth optional pam_faildelay.so\n")
        self.one("fail", "does not skip the module")
        self.spoil("[success=1", "[success=2")
        self.one("fail", "skips more than the module")

    def test_missing_account_and_session_lines(self):
        self.spoil("account required pam_firstops.so\n", "")
        self.one("fail", "no account line")
        self.spoil("session required pam_firstops.so\n", "")
        self.one("warn", "no session line")

    def test_an_account_line_whose_refusal_has_no_effect(self):
        for control in ("sufficient", "optional", "[default=ignore]",
                        "[success=ok perm_denied=ignore default=bad]",
                        "[success=ok default=1]"):
            with self.subTest(control=control):
                self.spoil("account required pam_firstops.so",
                           f"account {control} pam_firstops.so")
                self.one("fail", "must be required")
        for control in ("requisite", "[success=ok ignore=ignore default=bad]",
                        "[success=ok ignore=ignore default=die]"):
            with self.subTest(control=control):
                self.spoil("account required pam_firstops.so",
                           f"account {control} pam_firstops.so")
                self.assertEqual(self.findings(), [])

    def test_a_line_before_ours_that_leads_around_it(self):
        for line in ("sufficient pam_localuser.so",
                     "[success=done default=ignore] pam_localuser.so",
                     "[success=ok default=done] pam_localuser.so",
                     "[success=2 default=ignore] pam_localuser.so"):
            with self.subTest(line=line):
                self.spoil(f"account {GLASS}", f"account {line}\n"
                           f"account {GLASS}")
                self.one("fail", "account: " + line)
                self.spoil(f"auth {GLASS}", f"auth {line}\nauth {GLASS}")
                self.one("warn", "auth: " + line)
        for line in ("required pam_access.so",
                     "[success=1 default=ignore] pam_localuser.so",
                     "[success=ok default=die] pam_localuser.so"):
            with self.subTest(line=line):
                self.spoil(f"account {GLASS}", f"account {line}\n"
                           f"account {GLASS}")
                self.assertEqual(self.findings(), [])

    def test_a_breakglass_line_that_lets_others_around_too(self):
        for old, new in (("default=ignore", "default=1"),
                         ("default=ignore", "user_unknown=1 default=ignore")):
            with self.subTest(new=new):
                self.spoil(f"account {GLASS}",
                           "account " + GLASS.replace(old, new))
                self.one("fail", "reserved accounts are open")
        self.spoil(f"account {GLASS}",
                   "account " + GLASS.replace("ingroup", "notingroup"))
        found = self.findings()
        self.assertEqual([level for level, _ in found], ["fail", "warn"])
        self.assertIn("reserved accounts are open", found[0][1])
        self.assertIn("no break-glass line", found[1][1])

    def test_an_unknown_argument_of_the_module(self):
        self.spoil("default=die] pam_firstops.so",
                   "default=die] pam_firstops.so debug nodelay")
        self.one("fail", "unknown argument nodelay")

    def test_lax_where_accounts_are_reserved(self):
        self.spoil("account required pam_firstops.so",
                   "account required pam_firstops.so lax")
        self.write(self.config, re.sub(
            "reserved_accounts: .*", "reserved_accounts: []",
            self.config.read_text()))
        self.assertEqual(self.findings(), [])
        self.write(self.config, self.config.read_text().replace(
            "reserved_accounts: []", "reserved_accounts: [deploy]"))
        self.one("warn", "lax leaves reserved accounts open")

    def test_comments_and_joined_lines_are_read_as_libpam_does(self):
        self.pam("sshd", "# auth optional pam_firstops.so\n" + SSHD.replace(
            "default=die] pam", "default=die] \\\n  pam").replace(
            "session required pam_unix.so",
            "session required pam_unix.so # pam_firstops.so"))
        self.assertEqual(self.findings(), [])

    def test_sshd_options_that_keep_the_challenge_from_the_client(self):
        self.sshd("UsePAM yes\nKbdInteractiveAuthentication no\n")
        self.one("fail", "KbdInteractiveAuthentication is no")
        self.sshd("UsePAM yes\nChallengeResponseAuthentication no\n")
        self.one("fail", "KbdInteractiveAuthentication is no")
        self.sshd("UsePAM no\n")
        self.one("fail", "UsePAM is not yes")
        self.sshd("")
        self.one("fail", "UsePAM is not yes")

    def test_the_first_value_counts_and_includes_are_read_in_place(self):
        (self.root / "etc/ssh/sshd_config.d/a.conf").write_text(
            "kbdinteractiveauthentication no\n")
        self.sshd("Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"
                  "KbdInteractiveAuthentication yes\n")
        self.one("fail", "KbdInteractiveAuthentication is no")
        self.sshd("UsePAM=yes\nMatch User x\n"
                  "KbdInteractiveAuthentication no\n")
        self.assertEqual(self.findings(), [])

    def accounts(self, shadow):
        """A reserved account in the root, with this in its shadow line."""
        self.write(self.config, re.sub(
            "^reserved_accounts:.*$", "reserved_accounts: [deploy, bot-*]",
            self.config.read_text(), flags=re.M))
        etc = self.root / "etc"
        (etc / "passwd").write_text(
            "alice:x:1000:1000::/home/alice:/bin/bash\n"
            "deploy:x:1001:1001::/home/deploy:/bin/bash\n")
        (etc / "shadow").write_text(
            f"alice:$y$j9T$x:20000::::::\ndeploy:{shadow}:20000::::::\n")

    def put(self, path, text=""):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test_an_account_that_is_locked_and_has_nothing_else_is_right(self):
        for locked in ("*", "!", "!!", "!$y$j9T$x"):
            self.accounts(locked)
            self.put("home/alice/.ssh/authorized_keys", "ssh-ed25519 AAAA\n")
            self.put("var/spool/cron/crontabs/alice", "* * * * * id\n")
            self.put("home/deploy/.ssh/authorized_keys", "# none\n\n  \n")
            self.assertEqual(self.findings(), [])

    def test_a_password_of_a_reserved_account(self):
        self.accounts("$y$j9T$x")
        self.one("warn", "deploy: it has a password")
        self.accounts("")
        self.one("fail", "deploy: its password is empty")

    def test_other_ways_into_a_reserved_account(self):
        self.accounts("*")
        for path, text, what in (
                ("home/deploy/.ssh/authorized_keys",
                 "# ours\nssh-ed25519 AAAA x\n  command=\"x\" ssh-rsa B\n",
                 "authorized_keys has 2 keys"),
                ("home/deploy/.ssh/authorized_keys2", "ssh-rsa AAAA",
                 "authorized_keys2 has 1 key:"),
                ("var/spool/cron/crontabs/deploy", "* * * * * id\n",
                 "crontabs/deploy runs commands"),
                ("var/lib/systemd/linger/deploy", "",
                 "linger/deploy lets processes go on")):
            with self.subTest(path):
                self.put(path, text)
                self.one("warn", what)
                (self.root / path).unlink()

    def test_options_of_sudoers_that_work_against_it(self):
        sudo = (fo.TOP / "etc/pam.d/sudo").read_text()
        for lines, found in (
                ("Defaults env_reset\n", []),
                ("Defaults\tmail_badpass, passprompt_override\n",
                 [("fail", "puts a prompt of its own")]),
                ("Defaults !passprompt_override # passprompt_override\n",
                 [])):
            self.put("etc/sudoers", lines)
            self.pam("sudo", sudo)
            told = [(l, w) for l, w in self.findings() if "sudo:" in w
                    and "pam.d" not in w]
            self.assertEqual([l for l, _ in told], [l for l, _ in found])
            for (_, what), (_, want) in zip(told, found):
                self.assertIn(want, what)
        (self.root / "etc/pam.d/sudo").unlink()
        self.put("etc/sudoers", "Defaults passprompt_override\n")
        self.assertEqual(self.findings(), [])

    def test_a_ticket_of_sudo_where_accounts_are_reserved(self):
        self.accounts("*")
        self.pam("sudo", (fo.TOP / "etc/pam.d/sudo").read_text())
        told = "timestamp_timeout=0 for reserved accounts"

        def tickets():
            return [w for _, w in self.findings() if told in w]

        self.put("etc/sudoers", "Defaults env_reset\n")
        self.assertEqual(len(tickets()), 1)
        for name in ("ours.off", "ours~"):
            self.put(f"etc/sudoers.d/{name}",
                     "Defaults:deploy timestamp_timeout=0\n")
            self.assertEqual(len(tickets()), 1, name)
        for line in ("Defaults:deploy timestamp_timeout=0\n",
                     "Defaults env_reset, \\\n  timestamp_timeout=0\n"):
            self.put("etc/sudoers.d/ours", line)
            self.assertEqual(tickets(), [], line)

    def test_a_service_that_carries_no_proof(self):
        self.pam("vsftpd", SSHD)
        self.one("fail", "vsftpd takes passwords of 128 bytes at most")
        (self.root / "etc/pam.d/vsftpd").unlink()
        self.pam("saslauthd", SSHD)
        self.one("fail", "saslauthd takes passwords of 256 bytes at most")

    # ---- whose stack is it ----------------------------------------------

    def saslauthds(self, service, its=True):
        """Is its stack taken for one of saslauthd's?"""
        self.pam(service, SSHD)
        if its:
            self.one("fail", f"pam.d/{service}: saslauthd takes passwords of"
                     " 256 bytes at most")
        else:
            self.assertEqual(self.findings(), [], service)
        (self.root / "etc/pam.d" / service).unlink()

    def test_saslauthds_stacks_where_it_asks_pam(self):
        for path, text, its in (
                ("default/saslauthd", 'DESC="x"\nMECHANISMS="pam"\n', True),
                ("default/saslauthd", "MECHANISMS = pam\n", True),
                ("default/saslauthd", "  MECHANISMS='pam'", True),
                ("default/saslauthd", '#MECHANISMS="pam"\n', False),
                ("default/saslauthd", " # MECHANISMS=pam\n", False),
                ("default/saslauthd", 'MECHANISMS="shadow"\n', False),
                ("default/saslauthd", "MECHANISMS\n", False),
                ("default/saslauthd", "MECHANISMS pam\n", False),
                ("default/saslauthd", "START=yes\nOPTIONS=pam\n", False),
                ("default/saslauthd-postfix", 'MECHANISMS="pam"\n', True),
                ("default/other", 'MECHANISMS="pam"\n', False),
                ("sysconfig/saslauthd", "MECH=pam\nFLAGS=\n", True),
                ("sysconfig/saslauthd", "MECH=shadow\n", False)):
            with self.subTest(path=path, text=text):
                self.put(f"etc/{path}", text)
                self.saslauthds("smtp", its)
                (self.root / "etc" / path).unlink()
        self.saslauthds("smtp", False)
        self.put("etc/default/saslauthd", 'MECHANISMS="pam"\n')
        for service in ("imap", "ldap", "pop", "sieve", "smtp"):
            self.saslauthds(service)
        for service in ("dovecot", "pop3", "imaps"):
            self.saslauthds(service, False)

    def dovecot(self, passdb):
        """Its files as Debian has them, with this in the passdb."""
        self.put("etc/dovecot/dovecot.conf",
                 "dict {\n  #quota = x\n}\n\n!include conf.d/*.conf\n"
                 "!include_try local.conf\n")
        self.put("etc/dovecot/conf.d/10-auth.conf",
                 "auth_mechanisms = plain\n#!include auth-sql.conf.ext\n"
                 "!include auth-system.conf.ext\n")
        self.put("etc/dovecot/conf.d/auth-system.conf.ext",
                 f"passdb {{\n  driver = pam\n  {passdb}\n}}\n"
                 "userdb {\n  driver = passwd\n  args = imap\n}\n")

    def test_stacks_that_dovecot_names_are_not_saslauthds(self):
        self.put("etc/default/saslauthd", 'MECHANISMS="pam"\n')
        for passdb, its in (
                ("args = %s", False), ("args = %Ls", False),
                ("args=%s # the protocol", False), ("args = *", False),
                ('args = "%s"', False), ("args = '%s'", False),
                ("args = %{service}", False), ("args = imap", False),
                ("args = session=yes setcred=yes %s", False),
                ('args = "session=yes %s"', False),
                ("args = %s cache_key=%u", False),
                ("service_name = imap", False),
                ("passdb_pam_service_name = %{protocol}", False),
                ("#args = dovecot", True), ("args = dovecot", True),
                ("# args = %s", True), ("args = session=yes", True),
                ("args = cache_key=%u", True), ("args = mail", True),
                ("args = sieve", True), ("x_args = %s", True),
                ("args = %s\n  driver = shadow", True),
                ("args = %s\n  driver = shadow # pam", True),
                ("driver = shadow\n}\npassdb {\n  args = %s", True),
                ("x {\n  args = %s\n  }", True),
                ("x {\n  }\n  args = %s", False)):
            with self.subTest(passdb):
                self.dovecot(passdb)
                self.saslauthds("imap", its)

    def test_files_of_dovecot_that_count_and_do_not(self):
        self.put("etc/default/saslauthd", 'MECHANISMS="pam"\n')
        passdb = "passdb {\n  driver = pam\n  args = %s\n}\n"
        self.dovecot("")
        self.put("etc/dovecot/conf.d/auth-sql.conf.ext", passdb)
        self.saslauthds("imap")
        self.put("etc/dovecot/local.conf", f"protocol imap {{\n{passdb}}}\n")
        self.saslauthds("imap", False)
        self.put("etc/dovecot/local.conf", "!include /etc/other\n")
        self.saslauthds("imap")
        self.put("etc/other", passdb.replace("passdb", "passdb pam").replace(
            "driver = pam", ""))
        self.saslauthds("imap", False)
        self.put("etc/dovecot/local.conf", "!include local.conf\n")
        self.saslauthds("imap")
        # as deep as the product looks
        self.put("etc/dovecot/dovecot.conf", "!include 1\n")
        for i in range(1, 9):
            self.put(f"etc/dovecot/{i}", f"!include {i + 1}\n")
        self.put("etc/dovecot/8", passdb)
        self.saslauthds("imap", False)
        self.put("etc/dovecot/8", "!include 9\n")
        self.put("etc/dovecot/9", passdb)
        self.saslauthds("imap")

    def test_smtp_is_of_whom_postfix_asks(self):
        self.put("etc/default/saslauthd", 'MECHANISMS="pam"\n')
        self.dovecot("args = %s")
        self.saslauthds("smtp", False)
        self.put("etc/postfix/main.cf", "smtpd_sasl_auth_enable = yes\n")
        self.saslauthds("smtp")
        self.saslauthds("sieve", False)
        for text, its in (("smtpd_sasl_type = dovecot\n", False),
                          ("smtpd_sasl_type=dovecot\n", False),
                          ("#smtpd_sasl_type = dovecot\n", True),
                          ("smtpd_sasl_type = cyrus\n", True)):
            self.put("etc/postfix/main.cf", text)
            self.saslauthds("smtp", its)
        self.put("etc/postfix/master.cf", "submission inet n - y - - smtpd\n"
                 "  -o smtpd_sasl_type=dovecot\n")
        self.saslauthds("smtp", False)
        self.dovecot("#args = dovecot")
        self.saslauthds("smtp")

    # ---- ProFTPD ---------------------------------------------------------

    ORDER = "AuthOrder mod_auth_pam.c* mod_auth_unix.c\n"
    GLOBAL = f"<Global>\n{ORDER}</Global>\n"

    def proftpd(self, text, *servers, path="proftpd/proftpd.conf"):
        """Of which servers is it told that PAM's no is not final?"""
        self.pam("proftpd", (fo.TOP / "etc/pam.d/proftpd").read_text())
        self.put(f"etc/{path}", text)
        self.assertEqual(self.findings(), [
            ("warn", f"proftpd: {server}: AuthOrder does not make PAM's no"
             " final: reserved accounts that have a password are open to it")
            for server in servers], text)

    def test_an_authorder_that_does_not_make_pams_no_final(self):
        main = "the main server"
        for line in (self.ORDER, "authorder\tmod_auth_pam.c*  x\n",
                     'AuthOrder "mod_auth_pam.c*" mod_auth_unix.c',
                     "AuthOrder \\\n mod_auth_pam.c* mod_auth_unix.c\n",
                     "AuthOrder mod_auth_unix.c mod_auth_pam.c*\n",
                     f"<IfModule mod_auth_pam.c>\n  {self.ORDER}</IfModule>\n",
                     f"{self.ORDER}AuthOrder mod_auth_unix.c\n"):
            self.proftpd(line)
        for line in ("", f"#{self.ORDER}", "AuthOrder\n",
                     "AuthOrder mod_auth_unix.c mod_auth_pam.c\n",
                     "AuthOrder MOD_AUTH_PAM.C* mod_auth_unix.c\n",
                     "AuthOrder mod_auth_unix.c # mod_auth_pam.c*\n",
                     f"AuthOrder mod_auth_unix.c\n{self.ORDER}"):
            self.proftpd(line, main)

    def test_each_server_of_proftpd_goes_by_its_own_authorder(self):
        main, host, other = "the main server", "VirtualHost 10.0.0.1", \
            "VirtualHost ftp.example"
        bare = "<VirtualHost 10.0.0.1 10.0.0.2>\n  Port 2121\n" \
            "</VirtualHost>\n"
        own = f"<virtualhost ftp.example>\n{self.ORDER}</virtualhost>\n"
        wrong = own.replace("pam.c*", "pam.c")
        for text, servers in (
                (bare, [main, host]), (self.ORDER + bare, [host]),
                (bare + self.ORDER, [host]), (own, [main]),
                (self.ORDER + own, []), (wrong, [main, other]),
                (self.ORDER + wrong, [other]), (self.GLOBAL, []),
                (self.GLOBAL + bare + own, []), (bare + self.GLOBAL, []),
                (self.GLOBAL + wrong, [other]),
                (self.GLOBAL + wrong + own, [other]),
                ("AuthOrder x\n" + self.GLOBAL, [main]),
                (self.GLOBAL.replace("*", "") + self.ORDER + bare, [host]),
                (self.ORDER + bare + wrong, [other, host])):
            with self.subTest(text):
                self.proftpd(text, *servers)

    def test_files_that_proftpd_conf_includes(self):
        main = "the main server"
        conf = "Include /etc/proftpd/modules.conf\n" \
            "Include /etc/proftpd/conf.d/\n"
        self.proftpd(conf, main)
        self.put("etc/proftpd/conf.d/ours", self.GLOBAL)
        self.proftpd(conf)
        self.proftpd("#" + conf.replace("\n", "\n#"), main)
        self.proftpd("include /etc/proftpd/conf.d/o*\n")
        self.proftpd(conf.replace("/conf.d/", "/*"))
        self.proftpd("Include /etc/proftpd/conf.d/n*\n", main)
        self.put("etc/proftpd/conf.d/ours", conf)
        self.proftpd(conf, main)
        for i in range(1, 9):
            self.put(f"etc/{i}", f"Include /etc/{i + 1}\n")
        self.put("etc/8", self.ORDER)
        self.proftpd("Include /etc/1\n")
        self.put("etc/8", "Include /etc/9\n")
        self.put("etc/9", self.ORDER)
        self.proftpd("Include /etc/1\n", main)
        fo.shutil.rmtree(self.root / "etc/proftpd")
        self.proftpd("", main, path="proftpd.conf")
        self.proftpd(self.ORDER, path="proftpd.conf")

    def test_a_proftpd_whose_stack_is_not_ours_is_left_alone(self):
        self.put("etc/proftpd/proftpd.conf", "")
        self.pam("proftpd", "@include common-auth\n")
        self.assertEqual(self.findings(), [])
        (self.root / "etc/pam.d/proftpd").unlink()
        self.assertEqual(self.findings(), [])

    def test_a_clock_that_nobody_keeps(self):
        """Of the machine itself, so with a kernel that says so."""
        if "asan" in fo.BUILD.name:
            self.skipTest("a sanitizer's library has to come first")
        shim = self.dir / "clock.so"
        source = self.dir / "clock.c"
        for state, status, level in (("TIME_ERROR", "STA_UNSYNC", "warn"),
                                     ("TIME_OK", "STA_UNSYNC", "warn"),
                                     ("TIME_OK", "0", "ok")):
            source.write_text(
                "#include <sys/timex.h>\nint adjtimex(struct timex *t)\n"
                f"{{ t->status = {status}; t->maxerror = 2500;"
                f" return {state}; }}\n")
            fo.subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source],
                              check=True)
            done = self.fo("doctor", "--json", config=True,
                           env={"LD_PRELOAD": str(shim)})
            found = [f for f in fo.json.loads(done.stdout)["findings"]
                     if f["what"].startswith("clock:")]
            self.assertEqual([f["level"] for f in found], [level], found)
        self.assertIn("right to 2 ms", found[0]["what"])

    # ---- the log daemon -------------------------------------------------

    def sinks(self, required="[syslog]", best_effort="[]"):
        self.write(self.config, re.sub(
            "^audit:.*$", f"audit: {{required: {required}, best_effort: "
            f"{best_effort}}}", self.config.read_text(), flags=re.M))

    def daemon(self, name="dev/log", kind=socket.SOCK_DGRAM):
        """Somebody who has the socket, and reads nothing by itself."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        has = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(has.close)
        has.bind(str(path))
        if kind == socket.SOCK_STREAM:
            has.listen()
        return has

    def reader(self, *where, kind=socket.SOCK_DGRAM):
        """Somebody who has it and reads; what was read gets longer."""
        has, got = self.daemon(*where, kind=kind), []

        def read(whom):
            while data := whom.recv(4096):
                got.append(data)

        def accept():
            try:
                while True:
                    with has.accept()[0] as whom:
                        read(whom)
            except OSError:
                pass

        reads = threading.Thread(target=read, args=[has]) if \
            kind == socket.SOCK_DGRAM else threading.Thread(target=accept)
        reads.start()
        self.addCleanup(reads.join)
        self.addCleanup(has.shutdown, socket.SHUT_RDWR)
        return got

    def fill(self, has):
        """Until no more fits. Returns how much that was."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.connect(has.getsockname())
            for count in itertools.count():
                try:
                    sender.send(b"<86>other: x")
                except BlockingIOError:
                    return count

    def pending(self, has):
        """What lies there unread."""
        has.setblocking(False)
        got = []
        try:
            while True:
                got.append(has.recv(4096))
        except BlockingIOError:
            return got

    def test_a_log_that_is_read_gets_one_line_that_is_no_event(self):
        self.sinks()
        got = self.reader()
        self.assertEqual(self.findings(), [])
        self.assertEqual(len(got), 1, got)
        self.assertRegex(got[0], rb"\A<87>fo\[\d+\]: [\w ]+\Z")

    def test_a_log_of_the_older_kind_is_looked_at_too(self):
        self.sinks()
        got = self.reader(kind=socket.SOCK_STREAM)
        self.assertEqual(self.findings(), [])
        self.assertEqual(len(got), 1, got)
        self.assertRegex(got[0], rb"\A<87>fo\[\d+\]: [\w ]+\0\Z")
        self.daemon(kind=socket.SOCK_STREAM)
        self.one("warn", "in 2 s nobody read what was sent to")

    def test_somebody_who_listens_and_does_not_read(self):
        self.sinks()
        has = self.daemon()
        since = time.monotonic()
        self.one("warn", f"in 2 s nobody read what was sent to {self.root}"
                 "/dev/log: once it is full, nobody is let in by proof")
        self.assertLess(time.monotonic() - since, 20)
        self.assertEqual(len(self.pending(has)), 1)
        self.sinks("[]", "[syslog]")
        self.one("warn", "once it is full, events are lost")

    def test_a_log_that_is_full(self):
        self.sinks()
        has = self.daemon()
        count = self.fill(has)
        self.one("fail", f"{self.root}/dev/log is full, and in 2 s nobody"
                 " read it: each proof waits so long and is refused then")
        self.sinks("[]", "[syslog]")
        self.one("warn", "events wait so long and are lost then")
        self.assertEqual(self.pending(has), [b"<86>other: x"] * count)

    def test_a_log_that_has_room_again_after_a_moment(self):
        self.sinks()
        has = self.daemon()
        self.fill(has)
        late = threading.Timer(0.5, lambda: has.setblocking(True) or
                               [has.recv(4096) for _ in range(12)])
        late.start()
        found = self.findings()
        late.join()
        self.assertEqual(found, [])

    def test_a_log_that_nobody_has(self):
        self.sinks()
        self.daemon().close()
        self.one("fail", f"audit sink syslog: syslog: {self.root}/dev/log:"
                 " Connection refused")

    def test_a_log_where_no_event_goes_is_left_alone(self):
        has = self.daemon()
        self.put("etc/rsyslog.conf", 'module(load="imjournal")\n')
        self.assertEqual(self.findings(), [])
        self.assertEqual(self.pending(has), [])

    # ---- what journald and rsyslog drop ---------------------------------

    def journald(self):
        """It has the socket, and reads."""
        self.sinks()
        name = "run/systemd/journal/dev-log"
        self.reader(name)
        (self.root / "dev").mkdir(exist_ok=True)
        (self.root / "dev/log").symlink_to(self.root / name)

    def test_journald_drops_what_comes_fast_unless_it_is_told_not_to(self):
        self.journald()
        default = "beyond some 10000 messages in 30s is dropped, events too"
        self.one("warn", f"{default} (its default)")
        sample = (fo.TOP / "etc/systemd/journald.conf.d/firstops.conf")
        self.put("etc/systemd/journald.conf.d/firstops.conf",
                 sample.read_text())
        self.assertEqual(self.findings(), [])
        # sorted before it, by another
        self.put("usr/lib/systemd/journald.conf.d/a.conf",
                 "[Journal]\nRateLimitIntervalSec=5s\nRateLimitBurst=9\n")
        self.assertEqual(self.findings(), [])

    def test_each_value_of_journald_that_ends_its_limit_or_does_not(self):
        self.journald()
        for lines, told in (
                ("RateLimitIntervalSec=0", None),
                ("RateLimitIntervalSec = 0s ", None),
                ("RateLimitIntervalSec=0min 0s", None),
                ("RateLimitBurst=0", None),
                ("RateLimitBurst=5\nRateLimitBurst=0\n", None),
                ("RateLimitIntervalSec=10min", "10000 messages in 10min"),
                ("RateLimitIntervalSec=infinity", "messages in infinity"),
                ("RateLimitBurst=50", "50 messages in 30s"),
                ("RateLimitIntervalSec=0\nRateLimitIntervalSec=7",
                 "messages in 7 "),
                # what it does not take, and what is no setting
                ("RateLimitIntervalSec=", "in 30s"),
                ("RateLimitIntervalSec=no", "in 30s"),
                ("#RateLimitBurst=0\n;RateLimitBurst=0", "10000 messages"),
                ("RateLimitBurstX=0\nRateLimit=0", "10000 messages"),
                ("[Other]\nRateLimitBurst=0\n", "10000 messages"),
                ("[Other]\n[Journal]\nRateLimitBurst=0\n", None)):
            with self.subTest(lines):
                self.put("etc/systemd/journald.conf", f"[Journal]\n{lines}\n")
                if told:
                    self.one("warn", told.rstrip())
                else:
                    self.assertEqual(self.findings(), [])
        self.put("etc/systemd/journald.conf", "RateLimitBurst=0\n")
        self.one("warn", "10000 messages")

    def test_the_file_of_journald_that_counts(self):
        self.journald()

        def put(folder, name, burst):
            self.put(f"{folder}/systemd/{name}",
                     f"[Journal]\nRateLimitBurst={burst}\n")

        def told(burst, path):
            self.one("warn", f"some {burst} messages in 30s is dropped, events"
                     f" too ({self.root}/{path})")

        put("usr/lib", "journald.conf", 1)
        told(1, "usr/lib/systemd/journald.conf")
        put("etc", "journald.conf", 2)
        told(2, "etc/systemd/journald.conf")
        put("usr/lib", "journald.conf.d/m.conf", 3)
        told(3, "usr/lib/systemd/journald.conf.d/m.conf")
        put("run", "journald.conf.d/m.conf", 4)
        told(4, "run/systemd/journald.conf.d/m.conf")
        put("etc", "journald.conf.d/m.conf", 5)
        told(5, "etc/systemd/journald.conf.d/m.conf")
        put("etc", "journald.conf.d/a.conf", 6)
        told(5, "etc/systemd/journald.conf.d/m.conf")
        put("usr/local/lib", "journald.conf.d/z.conf", 7)
        told(7, "usr/local/lib/systemd/journald.conf.d/z.conf")
        put("etc", "journald.conf.d/zz.confx", 8)
        told(7, "usr/local/lib/systemd/journald.conf.d/z.conf")
        (self.root / "etc/systemd/journald.conf.d/z.conf").symlink_to(
            "/dev/null")
        told(5, "etc/systemd/journald.conf.d/m.conf")

    def test_journald_that_has_not_the_log_drops_none_of_it(self):
        self.sinks()
        self.reader()
        self.put("etc/systemd/journald.conf", "[Journal]\nRateLimitBurst=1\n")
        self.assertEqual(self.findings(), [])

    def test_each_setting_of_rsyslog_that_drops_events_or_does_not(self):
        self.sinks()
        self.reader()
        socket_5 = "of one process comes by imuxsock beyond 200 messages in 5 s"
        journal = "together comes by imjournal beyond 20000 messages in 600 s"
        for text, told in (
                ('module(load="imuxsock")', None),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="5")',
                 socket_5),
                ('MODULE (\n  load="IMUXSOCK" # the "socket)\n  /* ) */ '
                 'syssock.ratelimit.interval = "5"\n)', socket_5),
                ('module(SysSock.RateLimit.Interval="60" load="imuxsock"\n'
                 'SysSock.RateLimit.Burst="7")',
                 "beyond 7 messages in 60 s"),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="0" '
                 'SysSock.RateLimit.Burst="1")', None),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="5" '
                 'SysSock.RateLimit.Severity="6")', socket_5),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="5" '
                 'SysSock.RateLimit.Severity="7")', None),
                ('module(load="imklog") module(load="imuxsock" '
                 'SysSock.RateLimit.Interval="5")', socket_5),
                ('#module(load="imuxsock" SysSock.RateLimit.Interval="5")',
                 None),
                ('/* module(load="imjournal")\n*/', None),
                ('template(name="x" string="module(load=\\"imjournal\\")")',
                 None),
                ('input(type="imudp" RateLimit.Interval="5")', None),
                ('module(load="imudp" RateLimit.Interval="5")', None),
                ('module(load="imjournal" StateFile="x")', journal),
                ('module(load="imjournal" Ratelimit.Interval="0")', None),
                ('module(load="imjournal" ratelimit.interval="10" '
                 'RateLimit.Burst="30")', "30 messages in 10 s"),
                ("$ModLoad imuxsock\n$SystemLogRateLimitInterval 5", socket_5),
                ("$ModLoad imuxsock # x\n$SystemLogRateLimitInterval 5\n"
                 "$SystemLogRateLimitBurst 3", "3 messages in 5 s"),
                ("$ModLoad imuxsock\n$SystemLogRateLimitInterval 0", None),
                ("$ModLoad imuxsock\n#$SystemLogRateLimitInterval 5", None),
                ("$systemlogratelimitinterval 5\n", None),
                ("$ModLoad imjournal", journal),
                ("$ModLoad imjournal\n$imjournalRatelimitInterval 0", None),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="5"',
                 socket_5),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="5',
                 socket_5),
                ('module(load="imuxsock" SysSock.RateLimit.Interval=5)', None),
                ('module(load="imuxsock" SysSock.RateLimit.Interval="x")',
                 None),
                ("module(", None), ("module", None), ("$", None), ('"', None),
                ("/*", None)):
            with self.subTest(text):
                self.put("etc/rsyslog.conf", f"{text}\n")
                if told:
                    self.one("warn", f"{told} is dropped, events too "
                             f"({self.root}/etc/rsyslog.conf)")
                else:
                    self.assertEqual(self.findings(), [])

    def test_files_of_rsyslog_d_are_read_too(self):
        self.sinks()
        self.reader()
        debian = ('module(load="imuxsock") # local system logging\n'
                  "$WorkDirectory /var/spool/rsyslog\n"
                  "$IncludeConfig /etc/rsyslog.d/*.conf\n"
                  "*.*;auth,authpriv.none\t\t-/var/log/syslog\n")
        sample = (fo.TOP / "etc/rsyslog.d/30-firstops.conf").read_text()
        self.put("etc/rsyslog.conf", debian)
        self.put("etc/rsyslog.d/30-firstops.conf", sample)
        self.put("etc/rsyslog.d/journal.off", 'module(load="imjournal")\n')
        self.assertEqual(self.findings(), [])
        self.put("etc/rsyslog.d/journal.conf", 'module(load="imjournal")\n')
        self.one("warn", f"({self.root}/etc/rsyslog.d/journal.conf)")
        (self.root / "etc/rsyslog.conf").unlink()
        self.assertEqual(self.findings(), [])

    def test_a_missing_replay_folder(self):
        fo.shutil.rmtree(self.run_folder)
        found = self.findings()
        self.assertTrue(any(l == "fail" and "replay:" in w
                            for l, w in found) or os.geteuid() == 0, found)

    def test_a_service_user_that_does_not_exist(self):
        me = pwd.getpwuid(os.geteuid()).pw_name
        self.write(self.config, self.config.read_text().replace(
            f"user: {me}", "user: no-such-user"))
        self.assertIn(("fail", "replay: there is no user no-such-user"),
                      self.findings())

    def test_problems_of_store_and_sinks_are_told_too(self):
        self.write(self.etc / "policies.d" / "bad.yaml", "rules: [\n")
        self.write(self.config, self.config.read_text().replace(
            str(self.log), f"{self.dir}/no/log"))
        found = [w.split(":")[0] for l, w in self.findings() if l == "fail"]
        self.assertEqual(found, ["audit sink file", "policy bad"])

    def test_without_a_configuration_it_is_trouble(self):
        self.config.unlink()
        self.refused(3, str(self.config), "doctor", config=True)


if __name__ == "__main__":
    tap.main()
