#!/usr/bin/python3
"""fo policy: what is explained, tested and found."""

import json
import pathlib

import fo
import tap

POLICY = """\
---
version: 1
policy: {name}
rules:
{rules}...
"""
GROUP = """\
---
version: 1
group: {name}
description: for a test
policies: [{policies}]
...
"""

DEPLOYERS = """\
  - rule: ssh-to-web
    effect: allow
    channel: login
    when:
      service: [sshd]
      account: [deploy]
      source: [10.0.0.0/8]
      time: {days: [mon, tue, wed, thu, fri], from: "08:00", to: "20:00"}
  - rule: not-from-the-lab
    effect: deny
    channel: login
    when: {source: [10.9.0.0/16]}
  - rule: never-wipe
    effect: deny
    channel: command
    when: {command: ["rm -rf /"]}
  - rule: restart
    effect: allow
    channel: command
    when: {command: ["/usr/bin/systemctl restart web"]}
  - rule: confirm-push
    effect: ask
    channel: command
    when: {command: ["git push"]}
  - rule: own-files
    effect: allow
    channel: file
    when: {path: ["/srv/web/*"]}
  - rule: no-secrets
    effect: deny
    channel: file
    when: {path: ["*.pem"]}
  - rule: read
    effect: allow
    channel: tool
    when: {tool: ["Read", "mcp__git__*"]}
  - rule: get
    effect: allow
    channel: http
    when: {method: [GET], url: ["https://api.example.com/*"]}
"""
MONDAY = "2026-11-23T12:00:00Z"
SUNDAY = "2026-11-22T12:00:00Z"


class Policies(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.policy("deployers", DEPLOYERS)
        self.group("deployers", "deployers")
        self.group("default", "")
        (self.etc / "policies.d/logins.yaml").unlink()
        self.agent("build-bot", "--groups", "deployers", "--accounts",
                   "deploy,sshd:web")

    def policy(self, name, rules):
        self.write(self.etc / f"policies.d/{name}.yaml",
                   POLICY.format(name=name, rules=rules))

    def group(self, name, policies):
        self.write(self.etc / f"groups.d/{name}.yaml",
                   GROUP.format(name=name, policies=policies))

    def explain(self, *args, who="build-bot"):
        """(decision, rule), the same from both outputs and the exit code."""
        args = ["policy", "explain", "--principal", who, *args]
        words = args[:args.index("--")] if "--" in args else args
        rest = args[len(words):]
        done = self.fo(*words, "--config", self.config, *rest)
        got = self.fo(*words, "--config", self.config, "--json", *rest)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertEqual(got.returncode, done.returncode)
        answer = json.loads(got.stdout)
        self.assertEqual(done.returncode == 0,
                         answer["decision"] == "allow")
        self.assertEqual(done.stdout.split(":")[0], answer["decision"])
        self.rules = {r["rule"]: r for r in answer["rules"]}
        self.why = answer["why"]
        return answer["decision"], answer["rule"]

    def login(self, *more, account="deploy", who="build-bot"):
        return self.explain("--service", "sshd", "--account", account,
                            "--at", MONDAY, *more, who=who)


class Explain(Policies):
    def test_a_login_is_decided_by_the_rule_that_is_named(self):
        self.assertEqual(self.login("--source", "10.1.2.3"),
                         ("allow", "ssh-to-web"))
        self.assertEqual(self.login("--source", "10.9.2.3"),
                         ("deny", "not-from-the-lab"))
        self.assertEqual(self.rules["ssh-to-web"]["matches"], "yes")
        self.assertEqual(self.login("--source", "192.0.2.1"),
                         ("deny", None))
        self.assertEqual(self.rules["ssh-to-web"]["matches"], "no")

    def test_what_is_unknown_speaks_against_the_login(self):
        self.assertEqual(self.login(), ("deny", "not-from-the-lab"))
        for rule in ("ssh-to-web", "not-from-the-lab"):
            self.assertEqual((self.rules[rule]["matches"],
                              self.rules[rule]["unknown"]),
                             ("unknown", "source"))

    def test_the_hour_is_the_one_that_is_asked_about(self):
        args = ("--service", "sshd", "--account", "deploy", "--source",
                "10.1.2.3", "--at")
        self.assertEqual(self.explain(*args, SUNDAY)[0], "deny")
        self.assertEqual(self.explain(*args, MONDAY)[0], "allow")
        self.assertEqual(self.explain(*args, "2026-11-23T20:00:00Z")[0],
                         "deny")

    def test_status_and_accounts_come_before_the_policy(self):
        self.assertEqual(self.login("--source", "10.1.2.3",
                                    account="root")[0], "deny")
        self.assertEqual(self.why, "not_an_account")
        self.admin("agent", "suspend", "build-bot")
        self.assertEqual(self.login("--source", "10.1.2.3")[0], "deny")
        self.assertEqual(self.why, "suspended")

    def test_explain_and_decide_agree(self):
        """fo verify is the decision itself."""
        self.age_replay()
        self.policy("open", "  - {rule: all, effect: allow, channel: login}"
                    "\n")
        self.group("open", "open")
        for name, more, code in (("ok-bot", ("--groups", "open"), 0),
                                 ("no-bot", ("--groups", "deployers"), 1)):
            self.agent(name, *more, "--accounts", "etl")
            want = self.fo("policy", "explain", "--principal", name,
                           "--service", "postgresql", "--account", "etl",
                           config=True)
            proof = self.sign("pam://bastion/postgresql/etl",
                              key=f"{name}.pem")
            done = self.fo("verify", "--service", "postgresql", "--account",
                           "etl", input=proof, config=True)
            self.assertEqual((want.returncode, done.returncode),
                             (code, code), want.stdout + done.stdout)

    def test_a_command_is_denied_wide_and_allowed_exactly(self):
        for text, want in (("rm -rf /", ("deny", "never-wipe")),
                           ("rm  -fr   //", ("deny", "never-wipe")),
                           ("sudo sh -c 'rm -rf /'", ("deny", "never-wipe")),
                           ("git push origin main", ("ask", "confirm-push")),
                           ("/usr/bin/systemctl restart web",
                            ("allow", "restart")),
                           ("systemctl restart web", ("deny", None)),
                           ("/usr/bin/systemctl restart web; true",
                            ("deny", None)),
                           ("ls", ("deny", None))):
            with self.subTest(text=text):
                self.assertEqual(self.explain("--channel", "command",
                                              "--shell", text), want)
        self.assertEqual(self.explain(
            "--channel", "command", "--", "/usr/bin/systemctl", "restart",
            "web"), ("allow", "restart"))
        self.assertEqual(self.explain(
            "--channel", "command", "--", "rm", "-r", "-f", "/"),
            ("deny", "never-wipe"))

    def test_a_file_is_the_one_that_links_lead_to(self):
        top = pathlib.Path(self.dir).resolve()
        self.policy("deployers", DEPLOYERS.replace("/srv/web", f"{top}/web"))
        (top / "web").mkdir()
        (top / "web/page").write_text("")
        (top / "secret").write_text("")
        (top / "web/away").symlink_to(top / "secret")
        (top / "key.pem").write_text("")
        (top / "web/plain").symlink_to(top / "key.pem")
        (top / "web/nowhere").symlink_to(top / "gone")
        (top / "in").symlink_to(top / "web")

        def ask(path, *more):
            return self.explain("--channel", "file", "--path", path, *more)
        allow, deny = ("allow", "own-files"), ("deny", None)
        self.assertEqual(ask(top / "web/page"), allow)
        self.assertEqual(ask(top / "web/new/file"), allow)
        self.assertEqual(ask(top / "in/page"), allow)
        self.assertEqual(ask("page", "--cwd", top / "web"), allow)
        self.assertEqual(ask("../web/page", "--cwd", top / "web"), allow)
        self.assertEqual(ask(top / "web/../secret"), deny)
        self.assertEqual(ask(top / "web/away"), deny)
        # a link is no way around a deny: nor is what it is called
        self.assertEqual(ask(top / "web/plain"), ("deny", "no-secrets"))
        self.assertEqual(ask(top / "web/x.pem"), ("deny", "no-secrets"))
        # where a link leads nowhere, nobody knows
        self.assertEqual(ask(top / "web/nowhere"), ("deny", "no-secrets"))
        self.assertEqual(self.rules["no-secrets"]["unknown"], "path")
        self.assertEqual(ask(top / "no/../web/page"), ("deny", "no-secrets"))

    def test_tools_and_urls_have_their_channels(self):
        def tool(name):
            return self.explain("--channel", "tool", "--tool", name)

        def http(method, url):
            return self.explain("--channel", "http", "--method", method,
                                "--url", url)
        self.assertEqual(tool("Read"), ("allow", "read"))
        self.assertEqual(tool("mcp__git__log"), ("allow", "read"))
        self.assertEqual(tool("read"), ("deny", None))
        self.assertEqual(http("GET", "https://api.example.com/v1/x?y=1"),
                         ("allow", "get"))
        self.assertEqual(http("GET", "HTTPS://API.example.com:443/v1/./x"),
                         ("allow", "get"))
        self.assertEqual(http("POST", "https://api.example.com/v1"),
                         ("deny", None))
        self.assertEqual(http("GET", "https://api.example.com.evil.org/"),
                         ("deny", None))
        self.assertEqual(http("GET", "http://api.example.com/v1"),
                         ("deny", None))

    def test_wrong_questions_say_what_is_missing(self):
        for text, *args in (
                ("--principal is missing", "--service", "sshd"),
                ("service is missing", "--principal", "build-bot"),
                ("account is missing", "--principal", "build-bot",
                 "--service", "sshd"),
                ("did you mean command?", "--principal", "build-bot",
                 "--channel", "comand", "--shell", "x"),
                ("does not belong", "--principal", "build-bot", "--channel",
                 "tool", "--tool", "x", "--path", "/y"),
                ("relative", "--principal", "build-bot", "--channel", "file",
                 "--path", "x"),
                ("RFC 3986", "--principal", "build-bot", "--channel", "http",
                 "--method", "GET", "--url", "https://a b/"),
                ("no address", "--principal", "build-bot", "--service",
                 "sshd", "--account", "deploy", "--source", "bastion"),
                ("must be a time", "--principal", "build-bot", "--service",
                 "sshd", "--account", "deploy", "--at", "noon")):
            with self.subTest(args=args):
                self.refused(2, text, "policy", "explain", *args,
                             config=True)
        self.refused(1, 'did you mean "build-bot"?', "policy", "explain",
                     "--principal", "bild-bot", "--service", "sshd",
                     "--account", "deploy", config=True)

    def test_a_policy_is_in_force_for_the_next_decision(self):
        self.age_replay()
        allow = "  - {rule: all, effect: allow, channel: login}\n"
        self.policy("open", allow)
        self.group("open", "open")
        self.agent("ok-bot", "--groups", "open", "--accounts", "etl")

        def decide(code):
            proof = self.sign("pam://bastion/postgresql/etl",
                              key="ok-bot.pem")
            self.expect(code, "verify", "--service", "postgresql",
                        "--account", "etl", input=proof, config=True)
        decide(0)
        self.policy("open", allow.replace("allow", "deny"))
        decide(1)
        self.policy("open", allow)
        decide(0)
        self.policy("open", allow.replace("rule", "rull"))
        decide(3)
        (self.etc / "policies.d/open.yaml").unlink()
        decide(3)
        self.policy("open", allow)
        decide(0)
        self.assertEqual([e["why"] for e in self.events()
                          if e["ev"] == "auth"],
                         ["ok", "policy", "ok", "store", "store", "ok"])

    def test_a_policy_that_cannot_be_read_is_trouble_not_no_rules(self):
        path = self.etc / "policies.d/deployers.yaml"
        self.write(path, path.read_text().replace("effect: deny",
                                                  "efect: deny", 1))
        done = self.refused(3, "deployers.yaml:", "policy", "explain",
                            "--principal", "build-bot", "--service", "sshd",
                            "--account", "deploy", config=True)
        self.assertIn("effect", done.stderr)


CASES = """\
---
version: 1
cases:
  - case: in on a Monday
    principal: build-bot
    service: sshd
    account: deploy
    source: 10.1.2.3
    at: 2026-11-23T12:00:00Z
    expect: allow
    rule: deployers/ssh-to-web
  - case: nobody wipes the disk
    principal: build-bot
    channel: command
    shell: sudo rm -fr /
    expect: deny
    rule: deployers/never-wipe
  - case: a restart, word by word
    principal: build-bot
    channel: command
    words: [/usr/bin/systemctl, restart, web]
    expect: allow
  - case: a push is asked about
    principal: build-bot
    channel: command
    shell: git push
    expect: ask
...
"""


class Test(Policies):
    def cases(self, text):
        path = self.dir / "cases.yaml"
        self.write(path, text)
        return path

    def test_cases_that_come_out_as_expected_pass(self):
        out = self.admin("policy", "test", self.cases(CASES)).splitlines()
        self.assertEqual(out, ["ok    in on a Monday",
                               "ok    nobody wipes the disk",
                               "ok    a restart, word by word",
                               "ok    a push is asked about",
                               "4 passed, 0 failed"])
        got = self.json(0, "policy", "test", self.cases(CASES), config=True)
        self.assertEqual((got["ok"], got["passed"], len(got["cases"])),
                         (True, 4, 4))

    def test_a_case_that_does_not_says_what_came_instead(self):
        text = CASES.replace("expect: ask", "expect: allow").replace(
            "rule: deployers/never-wipe", "rule: deployers/restart")
        done = self.expect(1, "policy", "test", self.cases(text),
                           config=True)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[1], "FAIL  nobody wipes the disk: expected"
                         " deny by deployers/restart, is deny by"
                         " deployers/never-wipe")
        self.assertEqual(lines[3], "FAIL  a push is asked about: expected"
                         " allow, is ask by deployers/confirm-push")
        self.assertEqual(lines[4], "2 passed, 2 failed")
        got = self.json(1, "policy", "test", self.cases(text), config=True)
        self.assertFalse(got["ok"])

    def test_a_file_that_is_wrong_says_where_and_how_to_mend_it(self):
        for old, new, said in (
                ("expect: ask", "expct: ask", "did you mean"),
                ("expect: ask", "expect: maybe", "expect"),
                ("principal: build-bot", "principal: bot", "bot"),
                ("shell: git push", "shel: git push", "shell"),
                ("    shell: git push\n", "", "missing"),
                ("10.1.2.3", "there", "no address"),
                ("...\n", "", "..."), ("version: 1", "version: 2",
                                       "version")):
            with self.subTest(new=new):
                text = CASES.replace(old, new)
                self.assertNotEqual(text, CASES)
                done = self.refused(2, said, "policy", "test",
                                    self.cases(text), config=True)
                self.assertRegex(done.stderr, r"cases\.yaml:\d+: ")
        self.refused(1, "none.yaml", "policy", "test", "none.yaml",
                     config=True)


class Check(Policies):
    def found(self, code=0):
        got = self.json(code, "policy", "check", config=True)
        return [f["what"] for f in got["findings"] if f["level"] != "ok"]

    def assertFound(self, text, code=0):
        found = self.found(code)
        self.assertEqual(len([f for f in found if text in f]), 1,
                         (text, found))

    def test_a_store_as_it_should_be_has_nothing_to_report(self):
        found = self.found()
        # one account is at a service that no rule names it for
        self.assertEqual(found, ["agent build-bot may become sshd:web, but"
                                 " no rule lets it in"])

    def test_names_that_lead_nowhere_are_failures(self):
        self.group("deployers", "deployers, gone")
        self.assertFound('group deployers names policy "gone"', 1)

    def test_a_policy_that_nobody_has_is_reported(self):
        self.policy("lonely", DEPLOYERS)
        self.assertFound("policy lonely is nobody's: its 9 rules")

    def test_a_rule_that_another_leaves_nothing_to_is_reported(self):
        self.policy("deployers", DEPLOYERS + """\
  - rule: late
    effect: allow
    channel: login
    when: {service: [sshd], account: [deploy], source: [10.9.8.0/24]}
""")
        self.assertFound("rule deployers/late never decides:"
                         " deployers/not-from-the-lab says deny")

    def test_a_rule_that_is_only_near_another_is_not(self):
        before = self.found()
        self.policy("deployers", DEPLOYERS + """\
  - rule: near
    effect: allow
    channel: login
    when: {service: [sshd], account: ["deploy*"], source: [10.0.0.0/7]}
  - rule: other-tools
    effect: deny
    channel: tool
    when: {tool: ["mcp__git__p?sh"]}
  - rule: another-tool
    effect: deny
    channel: tool
    when: {tool: ["mcp__git__p*sh"]}
""")
        self.assertEqual(self.found(), before)

    def test_rules_that_can_never_match_are_reported(self):
        self.policy("deployers", DEPLOYERS + """\
  - rule: elsewhere
    effect: allow
    channel: login
    when: {host: [web-1], account: [deploy]}
  - rule: nobodys
    effect: allow
    channel: login
    when: {account: [nobody-has-it]}
  - rule: by-name
    effect: allow
    channel: command
    when: {command: ["systemctl status"]}
  - rule: relative
    effect: deny
    channel: file
    when: {path: ["etc/shadow"]}
""")
        for text in ("elsewhere never matches: this host",
                     "nobodys never matches: nobody has",
                     "by-name never matches: what is allowed begins",
                     "relative never matches: paths are absolute"):
            self.assertFound(text)

    def test_a_policy_that_cannot_be_read_is_a_failure(self):
        path = self.etc / "policies.d/deployers.yaml"
        self.write(path, path.read_text().replace("effect:", "efect:", 1))
        self.assertFound("deployers.yaml:", 1)


if __name__ == "__main__":
    tap.main()
