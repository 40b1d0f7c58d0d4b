#!/usr/bin/python3
"""What becomes of agents and people: edit, rotate, suspend, resume, revoke,
delete, and how each is listed, tried out and told.
"""

import datetime
import os
import re

import fo
import tap

JKT = r"[A-Za-z0-9_-]{43}"
DEAD = """\
  - thumbprint: {jkt}
    created: 2026-01-01T00:00:00Z
    revoked: 2026-01-02T00:00:00Z
    reason: rotated
"""


def utc(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


class Lifecycle(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()

    def files(self):
        """The store, to the byte."""
        return {str(p.relative_to(self.etc)): os.readlink(p)
                if p.is_symlink() else p.read_bytes()
                for p in self.etc.rglob("*")
                if (p.is_symlink() or p.is_file()) and p.name != ".lock"}

    def shown(self, name="build-bot", kind="agent"):
        return self.json(0, kind, "show", name, config=True)[kind]

    def said(self):
        """(ev, jkt or -) of each event, and that all of them name an actor."""
        events = self.events()
        self.assertTrue(all(e["by"] != "-" and e["res"] == "permit"
                            for e in events), events)
        return [e["ev"] for e in events]

    def unchanged(self, code, text, *args):
        """It is refused: not a byte of the store, not an event is new."""
        before, said = self.files(), self.log.read_text()
        done = self.refused(code, text, *args, config=True)
        self.assertEqual(self.files(), before)
        self.assertEqual(self.log.read_text(), said)
        self.assertEqual(len(done.stderr.rstrip("\n").split("\n")), 1,
                         done.stderr)
        return done


class Edit(Lifecycle):
    def test_edit_replaces_what_is_named_and_nothing_else(self):
        self.agent()
        before = self.shown()
        out = self.admin("agent", "edit", "build-bot", "--owner", "team-web",
                         "--accounts", "deploy")
        self.assertRegex(out, r"^edited build-bot \(fo_agent_")
        after = self.shown()
        self.assertEqual(after, {**before, "owner": "team-web",
                                 "accounts": ["deploy"]})
        self.admin("agent", "edit", "build-bot", "--groups", "default")
        self.admin("agent", "edit", "build-bot", "--groups", "",
                   "--policies", "logins")
        self.assertEqual(self.shown(), {**after, "policies": ["logins"]})
        self.assertEqual(self.said(),
                         ["principal_create"] + ["principal_edit"] * 3)

    def test_an_edit_that_changes_nothing_is_no_event(self):
        self.agent()
        before = self.files()
        out = self.admin("agent", "edit", "build-bot", "--owner",
                         "team-platform")
        self.assertRegex(out, "^unchanged: build-bot")
        self.assertEqual(self.files(), before)
        self.assertEqual(self.said(), ["principal_create"])

    def test_edit_refuses_what_create_refuses(self):
        self.agent()
        for code, text, *args in (
                (2, "must be 1 to 48", "--owner", "x" * 49),
                (2, "must be 1 to 48", "--owner", "Team"),
                (1, 'did you mean "default"?', "--groups", "defualt"),
                (1, "make ", "--groups", "nobody-knows-it"),
                (1, 'did you mean "logins"?', "--policies", "login"),
                (2, "comma between", "--groups", "a,,b"),
                (2, "accounts", "--accounts", "two words"),
                (2, "say what is to be different",)):
            with self.subTest(args=args):
                self.unchanged(code, text, "agent", "edit", "build-bot",
                               *args)

    def test_a_principal_is_named_by_id_or_name_and_by_nothing_else(self):
        made = self.agent()
        self.assertEqual(self.shown(made), self.shown())
        nobody = made[:-4] + ("0000" if made[-4:] != "0000" else "1111")
        for word, code, text in (
                ("build-bit", 1, 'did you mean "build-bot"?'),
                ("../principals.d/" + made, 2, "neither an id nor a name"),
                (made + ".yaml", 2, "neither an id nor a name"),
                (nobody, 1, "there is no agent"),
                (made.replace("agent", "user"), 1, "use fo human"),
                ("", 2, "neither an id nor a name"),
                ("x" * 4000, 2, "neither an id nor a name")):
            for verb in (["edit", word, "--owner", "a"], ["suspend", word],
                         ["resume", word], ["rotate", word],
                         ["revoke", word], ["delete", word]):
                with self.subTest(word=word, verb=verb[0]):
                    self.unchanged(code, text, "agent", *verb)


class Rotate(Lifecycle):
    def test_a_rotation_gives_a_new_key_and_an_end_to_the_old_one(self):
        self.agent()
        self.admin("agent", "rotate", "build-bot", "--out", "new.pem")
        old, new = self.shown()["keys"]
        self.assertEqual(new["thumbprint"],
                         self.ok("key", "thumbprint", "new.pem").strip())
        self.assertEqual(utc(old["expires"]) - utc(new["created"]),
                         datetime.timedelta(hours=24))
        self.assertEqual((old["status"], new["status"], new["expires"]),
                         ("active", "active", None))
        event = self.events()[-1]
        self.assertEqual((event["ev"], event["jkt"]),
                         ("key_rotate", new["thumbprint"]))
        link = self.etc / "keys.d" / new["thumbprint"]
        self.assertEqual(os.readlink(link),
                         f"../principals.d/{self.shown()['id']}.yaml")

    def test_both_keys_sign_during_the_overlap_and_one_after_now(self):
        self.agent("build-bot", "--groups", "default")
        self.age_replay()
        self.admin("agent", "rotate", "build-bot", "--out", "new.pem",
                   "--overlap", "1h")
        for key in ("build-bot.pem", "new.pem"):
            proof = self.sign("pam://bastion/postgresql/etl", key=key)
            self.expect(0, "verify", "--service", "postgresql", "--account",
                        "etl", input=proof, config=True)
        self.admin("agent", "rotate", "build-bot", "--now", "--out",
                   "third.pem")
        for key, code in (("build-bot.pem", 1), ("new.pem", 1),
                          ("third.pem", 0)):
            proof = self.sign("pam://bastion/postgresql/etl", key=key)
            self.expect(code, "verify", "--service", "postgresql",
                        "--account", "etl", input=proof, config=True)
        self.assertEqual([k["reason"] for k in self.shown()["keys"]],
                         ["rotated", "rotated", None])
        self.assertEqual([e["why"] for e in self.events()
                          if e["ev"] == "auth"],
                         ["ok", "ok", "revoked_key", "revoked_key", "ok"])

    def test_an_overlap_never_lengthens_a_key_and_leaves_the_dead_alone(self):
        self.agent("build-bot", "--expires", "1h")
        first = self.shown()["keys"][0]
        self.admin("agent", "rotate", "build-bot", "--out", "2.pem",
                   "--overlap", "2h")
        self.assertEqual(self.shown()["keys"][0], first)
        self.admin("agent", "rotate", "build-bot", "--out", "3.pem", "--now")
        dead = self.shown()["keys"][:2]
        self.admin("agent", "rotate", "build-bot", "--out", "4.pem")
        self.assertEqual(self.shown()["keys"][:2], dead)

    def test_the_new_key_is_handed_over_once_or_made_elsewhere(self):
        self.agent()
        out = self.admin("agent", "rotate", "build-bot")
        self.assertRegex(out, r"^rotated build-bot \(fo_agent_.*\)\n"
                         "-----BEGIN PRIVATE KEY-----\n")
        made = self.json(0, "agent", "rotate", "build-bot", config=True)
        self.assertIn("BEGIN PRIVATE KEY", made["private_key"])
        self.assertRegex(made["thumbprint"], f"^{JKT}$")
        self.ok("key", "generate", "--out", "mine.pem")
        mine = self.ok("key", "thumbprint", "mine.pem").strip()
        made = self.json(0, "agent", "rotate", "build-bot", "--jwk",
                         "mine.pem", config=True)
        self.assertEqual(made["thumbprint"], mine)
        self.assertNotIn("private_key", made)
        self.unchanged(1, "has this key already", "agent", "rotate",
                       "build-bot", "--jwk", "mine.pem")

    def test_a_key_of_somebody_else_is_refused_and_its_file_left_alone(self):
        self.agent()
        self.agent("other-bot")
        self.unchanged(1, "never moves", "agent", "rotate", "build-bot",
                       "--jwk", "other-bot.pem")
        (self.dir / "here.pem").write_text("mine\n")
        self.unchanged(1, "exists already", "agent", "rotate", "build-bot",
                       "--out", "here.pem")
        self.assertEqual((self.dir / "here.pem").read_text(), "mine\n")

    def test_the_oldest_dead_key_makes_room_and_stays_reserved(self):
        made = self.agent()
        first = self.shown()["keys"][0]["thumbprint"]
        path = self.etc / f"principals.d/{made}.yaml"
        dead = "".join(DEAD.format(jkt=f"{n:03d}".rjust(42, "x") + "A")
                       for n in range(63))
        self.write(path, path.read_text().replace("...\n", dead + "...\n"))
        self.admin("store", "index")
        self.admin("agent", "rotate", "build-bot", "--now")
        keys = self.shown()["keys"]
        self.assertEqual(len(keys), 64)
        self.assertNotIn(first, [k["thumbprint"] for k in keys])
        self.assertEqual(os.readlink(self.etc / "keys.d" / first),
                         f"../principals.d/{made}.yaml")
        self.refused(1, "never moves", "agent",
                     "create", "thief", "--owner", "x", "--jwk",
                     "build-bot.pem", config=True)

    def test_rotate_refuses_wrong_spans(self):
        self.agent()
        for args in (("--overlap", "24"), ("--overlap", "0h"),
                     ("--overlap", "-1h"), ("--overlap", "1y"),
                     ("--overlap", "99999999999999d"), ("--overlap", ""),
                     ("--expires", "yesterday"),
                     ("--expires", "2020-01-01")):
            with self.subTest(args=args):
                self.unchanged(2, "must be", "agent", "rotate", "build-bot",
                               *args)
        self.unchanged(2, "exclude each other", "agent", "rotate",
                       "build-bot", "--now", "--overlap", "1h")


class Status(Lifecycle):
    def test_suspended_is_refused_and_resumed_is_let_in_again(self):
        self.agent("build-bot", "--groups", "default")
        self.age_replay()

        def ask(code):
            proof = self.sign("pam://bastion/postgresql/etl")
            self.expect(code, "verify", "--service", "postgresql",
                        "--account", "etl", input=proof, config=True)
        ask(0)
        out = self.admin("agent", "suspend", "build-bot", "--reason", "odd")
        self.assertRegex(out, r"^suspended build-bot")
        ask(1)
        self.assertRegex(self.admin("agent", "suspend", "build-bot"),
                         "^already suspended: build-bot")
        self.admin("agent", "resume", "build-bot")
        self.assertRegex(self.admin("agent", "resume", "build-bot"),
                         "^already active: build-bot")
        ask(0)
        events = self.events()
        self.assertEqual([(e["ev"], e["why"]) for e in events],
                         [("principal_create", "ok"), ("auth", "ok"),
                          ("suspend", "ok"), ("auth", "suspended"),
                          ("resume", "ok"), ("auth", "ok")])
        self.assertEqual(events[2]["what"], "odd")

    def test_a_reason_that_no_reader_takes_is_refused_before_anything(self):
        self.agent()
        for reason in ("a\x1b[2Jb", "two\nlines", "x" * 257, "\x7f",
                       "\u2028"):
            for verb in ("revoke", "suspend", "resume", "delete"):
                for more in ((), ("--dry-run",)):
                    with self.subTest(reason=reason, verb=verb, more=more):
                        self.unchanged(2, "--reason: must be", "agent", verb,
                                       "build-bot", "--reason", reason,
                                       *more)
        self.admin("agent", "revoke", "build-bot", "--reason", "x" * 256)

    def test_what_is_revoked_stays_revoked(self):
        self.agent()
        self.admin("agent", "revoke", "build-bot")
        for verb in ("suspend", "resume", "rotate"):
            self.unchanged(1, "revoked, for good", "agent", verb,
                           "build-bot")
        self.unchanged(1, "history", "agent", "edit", "build-bot", "--owner",
                       "x")

    def test_one_key_is_revoked_and_the_other_goes_on(self):
        self.agent("build-bot", "--groups", "default")
        self.age_replay()
        self.admin("agent", "rotate", "build-bot", "--out", "new.pem")
        old, new = [k["thumbprint"] for k in self.shown()["keys"]]
        self.unchanged(1, f"did you mean {old}", "agent", "revoke",
                       "build-bot", "--key", old[:-1] + "~")
        self.admin("agent", "revoke", "build-bot", "--key", old, "--reason",
                   "on a lost disk")
        self.assertRegex(self.admin("agent", "revoke", "build-bot", "--key",
                                    old), "^already revoked")
        for key, code in (("build-bot.pem", 1), ("new.pem", 0)):
            proof = self.sign("pam://bastion/postgresql/etl", key=key)
            self.expect(code, "verify", "--service", "postgresql",
                        "--account", "etl", input=proof, config=True)
        event = [e for e in self.events() if e["ev"] == "revoke"]
        self.assertEqual([(e["jkt"], e["what"]) for e in event],
                         [(old, "on a lost disk")])
        self.assertEqual(self.shown()["status"], "active")

    def test_delete_takes_the_file_and_keeps_the_thumbprint(self):
        made = self.agent()
        self.unchanged(1, "is active; end it first", "agent", "delete",
                       "build-bot")
        self.admin("agent", "revoke", "build-bot")
        self.assertRegex(self.admin("agent", "delete", "build-bot"),
                         "^deleted build-bot")
        self.assertEqual(list((self.etc / "principals.d").iterdir()), [])
        self.assertEqual(len(list((self.etc / "keys.d").iterdir())), 1)
        self.unchanged(1, "there is no agent", "agent", "delete", made)
        self.unchanged(1, "was deleted", "agent", "create", "again",
                       "--owner", "x", "--jwk", "build-bot.pem")
        self.assertEqual(self.events()[-1]["ev"], "delete")
        self.admin("store", "index")
        self.assertEqual(self.expect(0, "store", "check",
                                     config=True).returncode, 0)

    def test_the_name_of_one_that_was_deleted_is_free(self):
        self.agent()
        self.admin("agent", "revoke", "build-bot")
        self.admin("agent", "delete", "build-bot")
        self.admin("agent", "create", "build-bot", "--owner", "x")


class DryRun(Lifecycle):
    def test_a_dry_run_shows_the_lines_and_changes_nothing(self):
        self.agent()
        jkt = self.shown()["keys"][0]["thumbprint"]
        before, said = self.files(), self.log.read_text()
        for args, lines in (
                (["suspend"], ["- status: active", "+ status: suspended"]),
                (["edit", "--owner", "b"], ["- owner: team-platform",
                                            "+ owner: b"]),
                (["revoke"], ["- status: active", "+ status: revoked"]),
                (["revoke", "--key", jkt], ["+     reason: revoked"]),
                (["rotate", "--out", "no.pem"], ["+   - thumbprint: "])):
            with self.subTest(args=args):
                out = self.admin("agent", args[0], "build-bot", *args[1:],
                                 "--dry-run").splitlines()
                self.assertRegex(out[0], "^would be .*: build-bot ")
                for line in lines:
                    self.assertTrue([l for l in out if l.startswith(line)],
                                    out)
                self.assertFalse([l for l in out[1:] if l[0] not in "+-"])
                got = self.json(0, "agent", args[0], "build-bot", *args[1:],
                                "--dry-run", config=True)
                self.assertEqual((got["dry_run"], got["changed"]),
                                 (True, True))
        out = self.admin("agent", "create", "new", "--owner", "x",
                         "--dry-run")
        self.assertRegex(out, r"(?s)^---\n.*name: new\n.*\n\.\.\.\n$")
        self.assertEqual(self.files(), before)
        self.assertEqual(self.log.read_text(), said)
        self.assertFalse((self.dir / "no.pem").exists())

    def test_a_dry_run_meets_the_same_refusals(self):
        self.agent()
        self.unchanged(1, "is active", "agent", "delete", "build-bot",
                       "--dry-run")
        self.unchanged(1, "did you mean", "agent", "edit", "build-bot",
                       "--groups", "defualt", "--dry-run")
        self.unchanged(1, "there is", "agent", "create", "build-bot",
                       "--owner", "x", "--dry-run")


class Human(Lifecycle):
    def test_a_person_has_the_same_verbs_and_a_name_of_their_own(self):
        self.ok("key", "generate", "--out", "laptop.pem")
        made = self.admin("human", "create", "alice", "--owner", "alice",
                          "--groups", "default", "--accounts", "alice",
                          "--jwk", "laptop.pem").strip()
        self.assertRegex(made, "^fo_user_[0-9a-f-]{36}$")
        self.admin("agent", "create", "alice", "--owner", "alice")
        self.assertEqual(self.shown("alice", "human")["kind"], "human")
        self.assertEqual(self.shown("alice", "agent")["kind"], "agent")
        self.assertIn(made, self.admin("human", "list"))
        self.assertNotIn(made, self.admin("agent", "list"))
        self.unchanged(1, "use fo human", "agent", "revoke", made)
        self.unchanged(1, "already", "human", "create", "alice", "--owner",
                       "x")
        self.admin("human", "rotate", "alice", "--overlap", "1h")
        self.admin("human", "suspend", "alice")
        self.admin("human", "resume", "alice")
        self.admin("human", "edit", made, "--groups", "")
        self.admin("human", "revoke", "alice")
        self.admin("human", "delete", "alice")
        kinds = {(e["ev"], e["kind"]) for e in self.events()
                 if e["kind"] == "human"}
        self.assertEqual({ev for ev, _ in kinds},
                         {"principal_create", "key_rotate", "suspend",
                          "resume", "principal_edit", "revoke", "delete"})
        self.assertIn("human alice of alice created",
                      self.events()[0]["msg"])


class List(Lifecycle):
    def setUp(self):
        super().setUp()
        for name, owner, more in (
                ("a-bot", "team-a", ("--expires", "10d")),
                ("b-bot", "team-b", ("--groups", "default", "--expires",
                                     "30d")),
                ("c-bot", "team-a", ())):
            self.admin("agent", "create", name, "--owner", owner, "--out",
                       f"{name}.pem", *more)

    def names(self, *args):
        out = self.admin("agent", "list", *args).splitlines()[1:]
        found = [line.split()[0] for line in out]
        got = self.json(0, "agent", "list", *args, config=True)
        self.assertEqual(sorted(a["name"] for a in got["agents"]), found)
        return found

    def test_agents_are_listed_by_owner_group_status_and_expiry(self):
        self.admin("agent", "suspend", "b-bot")
        self.assertEqual(self.names(), ["a-bot", "b-bot", "c-bot"])
        self.assertEqual(self.names("--owner", "team-a"),
                         ["a-bot", "c-bot"])
        self.assertEqual(self.names("--group", "default"), ["b-bot"])
        self.assertEqual(self.names("--status", "suspended"), ["b-bot"])
        self.assertEqual(self.names("--expiring", "14d"), ["a-bot"])
        self.assertEqual(self.names("--expiring", "31d"),
                         ["a-bot", "b-bot"])
        self.assertEqual(self.names("--expiring", "9d"), [])

    def test_a_rotated_agent_does_not_expire_with_its_old_key(self):
        self.admin("agent", "rotate", "a-bot", "--out", "new.pem")
        self.assertEqual(self.names("--expiring", "14d"), [])

    def test_wrong_filters_say_what_is_right(self):
        self.refused(2, "active, suspended or revoked", "agent", "list",
                     "--status", "dead", config=True)
        self.refused(2, "14d", "agent", "list", "--expiring", "soon",
                     config=True)


class Trouble(Lifecycle):
    def test_an_event_that_is_lost_is_said_and_the_change_stays(self):
        self.agent()
        text = self.config.read_text()
        self.write(self.config, re.sub(
            r"required: \[.*?\]", f'required: ["file:{self.dir}/no/log"]',
            text))
        done = self.refused(3, "the change has been made", "agent",
                            "suspend", "build-bot", config=True)
        self.assertIn("suspended build-bot", done.stdout)
        self.assertEqual(self.shown()["status"], "suspended")

    def test_a_broken_file_keeps_the_others_changeable_by_id(self):
        made = self.agent()
        self.admin("agent", "create", "other", "--owner", "x", "--out",
                   "o.pem")
        other = self.shown("other")["id"]
        path = self.etc / f"principals.d/{other}.yaml"
        self.write(path, path.read_text().replace("...", ""))
        self.admin("agent", "suspend", made)
        self.unchanged(3, "...", "agent", "resume", other)


if __name__ == "__main__":
    tap.main()
