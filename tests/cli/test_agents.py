#!/usr/bin/python3
"""fo init and fo agent: what they do, and what they refuse."""

import base64
import json
import os
import stat
import subprocess

import fo
import tap

ID = r"fo_agent_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}" \
    r"-[0-9a-f]{12}"


class Init(fo.Case):
    def test_init_makes_a_store_that_passes_its_own_check(self):
        self.store()
        out = self.admin("store", "check")
        self.assertIn("0 failures, 0 warnings", out)

    def test_init_never_overwrites(self):
        self.store()
        before = self.config.read_bytes()
        self.refused(1, "exists", "init", "--host", "other", config=True)
        self.assertEqual(self.config.read_bytes(), before)

    def test_init_refuses_a_host_name_that_tells_no_host_from_another(self):
        for host in ("localhost", "10.0.0.1", "a/b", ""):
            with self.subTest(host=host):
                done = self.fo("init", "--host", host, config=True)
                self.assertNotEqual(done.returncode, 0)
                self.assertFalse(self.config.exists())


class Create(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()

    def files(self):
        return {str(p.relative_to(self.etc)): os.readlink(p)
                if p.is_symlink() else p.read_bytes()
                for p in self.etc.rglob("*") if p.is_symlink() or p.is_file()}

    def unchanged(self, code, text, *args, **more):
        """It is refused, and not a byte of the store is different."""
        before = self.files()
        done = self.refused(code, text, "agent", "create", *args,
                            config=True, **more)
        after = self.files()
        after.pop(".lock", None)
        before.pop(".lock", None)
        self.assertEqual(after, before)
        return done

    def test_create_prints_the_id_and_the_private_key_once(self):
        out = self.admin("agent", "create", "build-bot", "--owner", "team")
        lines = out.splitlines()
        self.assertRegex(lines[0], f"^{ID}$")
        self.assertEqual(lines[1], "-----BEGIN PRIVATE KEY-----")
        self.assertEqual(lines[-1], "-----END PRIVATE KEY-----")
        (self.dir / "key.pem").write_text(out)
        jkt = self.ok("key", "thumbprint", self.dir / "key.pem").strip()
        show = self.json(0, "agent", "show", "build-bot", config=True)
        self.assertEqual(show["agent"]["keys"][0]["thumbprint"], jkt)

    def test_the_private_key_is_neither_in_the_store_nor_in_the_log(self):
        self.agent()
        pem = (self.dir / "build-bot.pem").read_text().splitlines()
        der = base64.b64decode("".join(pem[1:-1]))
        # PKCS#8 of P-256: the SEC1 key begins 30 77 02 01 01 04 20
        secret = der[der.index(b"\x02\x01\x01\x04\x20") + 5:][:32]
        needles = [secret, secret.hex().encode(),
                   base64.urlsafe_b64encode(secret).rstrip(b"="),
                   *(line.encode() for line in pem[1:-1])]
        paths = [p for p in self.etc.rglob("*")
                 if p.is_file() and not p.is_symlink()] + [self.log]
        self.assertGreater(len(paths), 4)
        for path in paths:
            for needle in needles:
                self.assertNotIn(needle, path.read_bytes(), path)

    def test_out_makes_a_file_for_its_owner_alone(self):
        out = self.admin("agent", "create", "build-bot", "--owner", "team",
                         "--out", "key.pem")
        self.assertRegex(out, f"^{ID}\n$")
        mode = stat.S_IMODE((self.dir / "key.pem").stat().st_mode)
        self.assertEqual(mode, 0o600)

    def test_out_never_overwrites_a_file(self):
        (self.dir / "key.pem").write_text("mine\n")
        self.unchanged(1, "exists already", "build-bot", "--owner", "team",
                       "--out", "key.pem")
        self.assertEqual((self.dir / "key.pem").read_text(), "mine\n")

    def test_the_key_file_goes_again_when_the_store_refuses(self):
        os.rename(self.etc / "keys.d", self.etc / "gone")
        done = self.fo("agent", "create", "build-bot", "--owner", "team",
                       "--out", "key.pem", config=True)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertFalse((self.dir / "key.pem").exists())
        self.assertEqual(list((self.etc / "principals.d").iterdir()), [])

    def test_json_has_id_thumbprint_and_agent(self):
        made = self.json(0, "agent", "create", "build-bot", "--owner", "team",
                         "--groups", "default", "--accounts", "deploy",
                         "--expires", "2100-01-01", config=True)
        self.assertEqual(sorted(made), ["agent", "id", "ok", "private_key",
                                        "thumbprint"])
        agent = made["agent"]
        self.assertTrue(made["ok"])
        self.assertEqual(agent["id"], made["id"])
        self.assertEqual(agent["groups"], ["default"])
        self.assertEqual(agent["accounts"], ["deploy"])
        self.assertEqual(agent["status"], "active")
        self.assertEqual(agent["keys"][0]["expires"], "2100-01-01T00:00:00Z")
        self.assertIn("BEGIN PRIVATE KEY", made["private_key"])

    def test_the_event_says_who_was_made_by_whom(self):
        made = self.agent()
        event = self.events()[-1]
        self.assertEqual(event["ev"], "principal_create")
        self.assertEqual(event["res"], "permit")
        self.assertEqual(event["id"], made)
        self.assertEqual(event["name"], "build-bot")
        self.assertEqual(event["owner"], "team-platform")
        self.assertNotIn(event["by"], ("", "-"))
        self.assertEqual(len(event), 27)

    def test_a_sink_that_takes_no_event_is_told_though_the_agent_is_made(self):
        text = self.config.read_text()
        self.write(self.config, text.replace(str(self.log),
                                             f"{self.dir}/no/log"))
        done = self.fo("agent", "create", "build-bot", "--owner", "team",
                       config=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("the change has been made", done.stderr)
        self.assertIn("BEGIN PRIVATE KEY", done.stdout)
        self.assertIn("build-bot", self.admin("agent", "list"))

    def test_a_public_jwk_is_registered(self):
        self.ok("key", "generate", "--out", "k.pem")
        jkt = self.ok("key", "thumbprint", "k.pem").strip()
        proof = self.sign("pam://h/s/u", key="k.pem")
        head = proof.split(".")[0]
        jwk = json.loads(base64.urlsafe_b64decode(head + "=="))["jwk"]
        for source, text in (("-", json.dumps(jwk)), ("k.jwk", "")):
            with self.subTest(source=source):
                (self.dir / "k.jwk").write_text(json.dumps(jwk))
                name = "from-" + ("stdin" if source == "-" else "file")
                done = self.fo("agent", "create", name, "--owner", "t",
                               "--jwk", source, input=text, config=True)
                if name == "from-stdin":
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn("PRIVATE", done.stdout)
                    show = self.json(0, "agent", "show", name, config=True)
                    self.assertEqual(show["agent"]["keys"][0]["thumbprint"],
                                     jkt)
                else:
                    self.assertEqual(done.returncode, 1, done.stdout)
                    self.assertIn(jkt, done.stderr)

    def test_an_ssh_public_key_is_registered(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N",
                        "", "-m", "PKCS8", "-f", self.dir / "id"], check=True)
        self.admin("agent", "create", "ssh-bot", "--owner", "t", "--ssh-key",
                   "id.pub")
        jkt = self.ok("key", "thumbprint", "id").strip()
        show = self.json(0, "agent", "show", "ssh-bot", config=True)
        self.assertEqual(show["agent"]["keys"][0]["thumbprint"], jkt)

    def test_a_key_that_is_not_p256_is_refused(self):
        (self.dir / "ed.pub").write_text(fo.ED25519)
        self.unchanged(3, "ed.pub", "b", "--owner", "t", "--ssh-key",
                       "ed.pub")
        (self.dir / "p384.pem").write_text(fo.P384)
        self.unchanged(3, "P-256", "b", "--owner", "t", "--jwk", "p384.pem")

    def test_a_thumbprint_is_registered_once_even_after_revocation(self):
        self.agent()
        self.admin("agent", "revoke", "build-bot")
        self.unchanged(1, "thumbprint", "again", "--owner", "t",
                       "--jwk", "build-bot.pem")

    def test_two_agents_of_one_name_are_refused(self):
        made = self.agent()
        self.unchanged(1, made, "build-bot", "--owner", "t")

    def test_an_unknown_group_or_policy_is_refused_with_the_nearest(self):
        self.unchanged(1, 'did you mean "default"?', "b", "--owner", "t",
                       "--groups", "defualt")
        self.unchanged(1, 'did you mean "logins"?', "b", "--owner", "t",
                       "--policies", "login")
        self.unchanged(1, "policies.d/zebra.yaml", "b", "--owner", "t",
                       "--policies", "zebra")

    def test_words_outside_the_grammar_are_usage_errors(self):
        for args, text in (
                (["Build Bot", "--owner", "t"], '"Build Bot"'),
                (["../x", "--owner", "t"], '"../x"'),
                (["b" * 49, "--owner", "t"], "48"),
                (["b"], "--owner is missing"),
                (["b", "--owner", "T!"], "--owner"),
                (["b", "--owner", "t", "--groups", "a,,b"], "--groups"),
                (["b", "--owner", "t", "--accounts", ":"], "account"),
                (["b", "--owner", "t", "--expires", "yesterday"],
                 "--expires"),
                (["b", "--owner", "t", "--expires", "2001-01-01"],
                 "to come"),
                (["b", "--owner", "t", "--expires", "0d"], "--expires"),
                (["b", "--owner", "t", "--expires",
                  "99999999999999999999d"], "--expires"),
                (["b", "--owner", "t", "--jwk", "x", "--ssh-key", "y"],
                 "exclude"),
                (["b", "--owner", "t", "--jwk", "x", "--out", "y"],
                 "--out")):
            with self.subTest(args=args):
                self.unchanged(2, text, *args)

    def test_a_torn_principal_is_told_with_its_file(self):
        made = self.agent()
        path = self.etc / "principals.d" / f"{made}.yaml"
        text = path.read_text()
        self.write(path, text[:text.rindex("...")])
        self.unchanged(3, str(path), "other", "--owner", "t")
        self.refused(3, str(path), "agent", "show", made, config=True)
        done = self.refused(3, str(path), "agent", "list", config=True)
        self.assertIn("NAME", done.stdout)

    def test_a_misspelt_key_is_told_with_file_line_and_the_right_one(self):
        text = self.config.read_text()
        self.write(self.config, text.replace("aliases:", "alaises:"))
        line = text[:text.index("aliases:")].count("\n") + 1
        done = self.refused(3, f"{self.config}:{line}:", "agent", "list",
                            config=True)
        self.assertIn("aliases", done.stderr)


class ListShowRevoke(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()

    def names(self, *args):
        agents = self.json(0, "agent", "list", *args, config=True)["agents"]
        return [a["name"] for a in agents]

    def test_list_takes_owner_group_and_status(self):
        self.agent("zeta", "--groups", "default")
        self.agent("alpha")
        self.admin("agent", "create", "beta", "--owner", "other")
        self.admin("agent", "revoke", "beta")
        self.assertEqual(self.names(), ["alpha", "beta", "zeta"])
        self.assertEqual(self.names("--owner", "team-platform"),
                         ["alpha", "zeta"])
        self.assertEqual(self.names("--group", "default"), ["zeta"])
        self.assertEqual(self.names("--status", "revoked"), ["beta"])
        self.refused(2, "active, suspended or revoked", "agent", "list",
                     "--status", "dead", config=True)

    def test_list_is_a_table_without_colour_in_a_pipe(self):
        self.agent()
        out = self.admin("agent", "list")
        self.assertNotIn("\033", out)
        self.assertRegex(out.splitlines()[0],
                         "^NAME +STATUS +OWNER +GROUPS +EXPIRES +ID$")
        self.assertRegex(out.splitlines()[1],
                         f"^build-bot +active +team-platform +- +never +{ID}$")

    def test_show_finds_by_id_and_by_name(self):
        made = self.agent("build-bot", "--expires", "90d")
        by_id = self.admin("agent", "show", made)
        self.assertEqual(by_id, self.admin("agent", "show", "build-bot"))
        for line in ("name      build-bot", "status    active",
                     "accounts  deploy, postgresql:etl"):
            self.assertIn(line, by_id)
        self.assertRegex(by_id, r"key +[\w-]{43}, created \S+Z, expires \S+Z")

    def test_show_names_the_nearest_agent(self):
        self.agent()
        self.refused(1, 'did you mean "build-bot"?', "agent", "show",
                     "build-bto", config=True)
        self.refused(1, "fo agent list", "agent", "show", "fo_agent_"
                     "00000000-0000-4000-8000-000000000000", config=True)

    def test_an_error_is_json_too_where_json_is_asked_for(self):
        answer = self.json(1, "agent", "show", "nobody", config=True)
        self.assertEqual(answer["ok"], False)
        self.assertEqual(answer["why"], "not_found")
        self.assertIn("nobody", answer["error"])

    def test_revoke_ends_agent_and_keys_and_keeps_the_reason(self):
        made = self.agent()
        reason = 'key: leaked # "twice"'
        self.admin("agent", "revoke", "build-bot", "--reason", reason)
        agent = self.json(0, "agent", "show", made, config=True)["agent"]
        self.assertEqual(agent["status"], "revoked")
        self.assertEqual([k["status"] for k in agent["keys"]], ["revoked"])
        self.assertEqual(agent["keys"][0]["reason"], reason)
        self.assertIsNotNone(agent["keys"][0]["revoked"])
        event = self.events()[-1]
        self.assertEqual((event["ev"], event["id"]), ("revoke", made))

    def test_revoking_again_changes_nothing_and_says_so(self):
        made = self.agent()
        self.admin("agent", "revoke", made)
        path = self.etc / "principals.d" / f"{made}.yaml"
        before, events = path.read_bytes(), len(self.events())
        answer = self.json(0, "agent", "revoke", made, config=True)
        self.assertEqual(answer["changed"], False)
        self.assertIn("already revoked", self.admin("agent", "revoke", made))
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual(len(self.events()), events)

    def test_revoking_nobody_is_not_found(self):
        self.refused(1, "there is no agent", "agent", "revoke", "nobody",
                     config=True)

    def test_a_missing_store_is_trouble(self):
        self.refused(3, "/nowhere/firstops.yaml", "agent", "list",
                     "--config", "/nowhere/firstops.yaml")


if __name__ == "__main__":
    tap.main()
