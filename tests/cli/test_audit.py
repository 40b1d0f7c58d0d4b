#!/usr/bin/python3
"""fo audit: every event that can be read is shown, everything else is counted
and named, and the numbers are right."""

import gzip
import os
import subprocess
import time

import fo
import tap

BASE = {"msg": "agent build-bot of team-platform permitted to sshd as deploy"
               " from 10.2.3.4", "v": 1, "t": "2026-11-24T18:30:00.123456Z",
        "host": "bastion", "ev": "auth", "res": "permit", "why": "ok",
        "rc": 0, "id": "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77",
        "kind": "agent", "name": "build-bot", "owner": "team-platform",
        "jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "proof": "q8Yw1mJ0cH5nT2vXbR7pLg", "sid": "4f9c2a1bq0T9b2c7dE1xYw",
        "user": "deploy", "ruser": "-", "svc": "sshd", "act": "login",
        "what": "-", "by": "-", "src": "10.2.3.4", "tty": "ssh",
        "pid": 41250, "auid": 4294967295, "ses": 4294967295,
        "pol": "deployers/ssh-to-web"}


def event(**more):
    """The text of an event, which differs in these values."""
    assert not set(more) - set(BASE), more
    return "@cee:" + fo.json.dumps({**BASE, **more}, separators=(",", ":"))


def line(text, tag="pam_firstops[41250]"):
    return f"2026-11-24T18:30:00.1+00:00 bastion {tag}: {text}\n"


OTHER = {"id": "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e78",
         "name": "other-bot", "owner": "team-data",
         "sid": "5f9c2a1bq0T9b2c7dE1xYw"}
DENIED = {**OTHER, "res": "deny", "why": "replay", "rc": 7}


class Audit(fo.Case):
    def logs(self, *lines, name="firstops.log"):
        path = self.dir / name
        path.write_bytes(b"".join(
            text if isinstance(text, bytes) else text.encode()
            for text in lines))
        return path

    def objects(self, *words, code=0, **more):
        out = self.expect(code, "audit", *words, "--json", **more).stdout
        return [fo.json.loads(text) for text in out.splitlines()]

    def sids(self, *words, **more):
        return [o["sid"][0] for o in self.objects(*words, **more)]


class Showing(Audit):
    def test_an_auditor_reads_who_did_what_where_and_who_allowed_it(self):
        log = self.logs(line(event()), line(event(**DENIED)))
        out = self.ok("audit", log).splitlines()
        self.assertEqual(out[0].split(), [
            "TIME", "SENDER", "RESULT", "PRINCIPAL", "OWNER", "EVENT",
            "SERVICE", "ACCOUNT", "SOURCE", "POLICY", "WHAT"])
        self.assertEqual(out[1].split(), [
            "2026-11-24T18:30:00Z", "unverifiable", "permit", "build-bot",
            "team-platform", "auth", "sshd", "deploy", "10.2.3.4",
            "deployers/ssh-to-web", "-"])
        self.assertIn("deny: replay  other-bot", out[2])
        self.assertEqual(len(out), 3)

    def test_an_event_of_nobody_known_shows_the_beginning_of_the_key(self):
        nobody = {"id": "-", "kind": "-", "name": "-", "owner": "-"}
        log = self.logs(line(event(res="deny", why="unknown_key", **nobody)),
                        line(event(res="none", why="no_proof", jkt="-",
                                   **nobody)))
        out = self.ok("audit", log).splitlines()
        self.assertIn("key:NzbLsXh8", out[1])
        self.assertEqual(out[2].split()[3:6], ["no_proof", "-", "-"])

    def test_json_is_the_event_as_it_was_and_where_it_comes_from(self):
        log = self.logs("something else\n", line(event(user="a b%22%0A")))
        found, = self.objects(log)
        self.assertEqual(found, {
            **BASE, "user": "a b%22%0A", "sender": "unverifiable",
            "from": str(log), "line": 2})
        self.assertEqual(list(found)[:27], list(BASE))

    def test_a_path_that_json_has_to_quote(self):
        log = self.logs(line(event()), name='a "b"\\.log')
        self.assertEqual(self.objects(log)[0]["from"], str(log))

    def test_lines_of_other_programs_are_none_of_ours(self):
        log = self.logs(
            "nothing\n", "\n", "@cee:{}\n".replace("@cee:", "@cee"),
            line("@cee:{\"msg\":\"theirs\"}", tag="other[1]"),
            line(event(), tag="notfo[1]"), line(event(), tag="fo[x]"),
            line(event(**OTHER), tag="fo[1]"),
            line(event(), tag="sudo_firstops[2]"), event() + "\n")
        self.assertEqual(self.sids(log), ["5", "4", "4"])

    def test_many_rows(self):
        log = self.logs(*[line(event())] * 1501)
        self.assertEqual(len(self.ok("audit", log).splitlines()), 1502)


class Filtering(Audit):
    def setUp(self):
        super().setUp()
        self.log_path = self.logs(line(event()), line(event(
            t="2026-11-25T00:00:00.000000Z", svc="sudo", user="root",
            ruser="deploy", src="-", **DENIED)))

    def test_each_option_takes_what_it_says(self):
        for words, want in (
                (("--principal", "build-bot"), "4"),
                (("--principal", OTHER["id"]), "5"),
                (("--owner", "team-data"), "5"),
                (("--service", "sshd"), "4"),
                (("--account", "root"), "5"),
                (("--account", "deploy"), "45"),
                (("--result", "permit"), "4"), (("--result", "none"), ""),
                (("--why", "replay"), "5"), (("--why", "repla"), ""),
                (("--sid", "4f9c2a1b"), "4"),
                (("--sid", "5f9c2a1bq0T9b2c7dE1xYw"), "5"),
                (("--sid", "5f9c2a1bq0T9b2c7dE1xYwx"), ""),
                (("--since", "2026-11-25"), "5"),
                (("--until", "2026-11-25"), "4"),
                (("--since", "2026-11-24T18:30:00Z"), "45"),
                (("--since", "2026-11-24T18:30:01Z"), "5"),
                (("--on", "2026-11-24"), "4"),
                (("--on", "2026-11-25", "--owner", "team-platform"), ""),
                (("--verified",), "")):
            with self.subTest(words):
                self.assertEqual("".join(self.sids(self.log_path, *words)),
                                 want)

    def test_days_by_name_and_spans(self):
        now = int(time.time())
        names = ("monday", "tuesday", "wednesday", "thursday", "friday",
                 "saturday", "sunday")
        lines = []
        for ago in range(9):
            at = time.gmtime(now - now % 86400 - ago * 86400)
            lines.append(line(event(
                t=time.strftime("%Y-%m-%dT00:00:00.000000Z", at),
                what=names[at.tm_wday], sid=str(ago) + BASE["sid"][1:])))
        log = self.logs(*reversed(lines), name="days.log")
        for name in names:
            for word in (name, name[:3]):
                found, = self.objects(log, "--on", word)
                self.assertEqual(found["what"], name)
                self.assertIn(found["sid"][0], "1234567", name)
        self.assertEqual(self.sids(log, "--on", "today"), ["0"])
        self.assertEqual(self.sids(log, "--on", "yesterday"), ["1"])
        self.assertEqual(self.sids(log, "--since", "yesterday"), ["1", "0"])
        self.assertEqual(self.sids(log, "--since", "1d"), ["0"])
        self.assertEqual(self.sids(log, "--until", "2d"), list("8765432"))

    def test_what_means_nothing_is_refused_with_what_would(self):
        for words, text in (
                (("--since", "soon"), "--since \"soon\": must be 2026-11-24"),
                (("--on", "1h"), "must be a day"),
                (("--on", "today", "--since", "1h"), "--on is a whole day"),
                (("--since", "2026-11-25", "--until", "2026-11-24"),
                 "--until comes before --since"),
                (("--result", "ok"), "must be permit, deny, error or none"),
                (("--sid", "4f9c2a1"), "its first 8 characters"),
                (("--format", "xml"), "must be ocsf or ecs"),
                (("--summary", "--chart"), "exclude one another"),
                (("--follow", "a"), "takes one log")):
            with self.subTest(words):
                self.refused(2, text, "audit", *words, self.log_path)
        self.refused(2, "name none beside it", "audit", "--journal", "x")


class Damaged(Audit):
    def test_everything_readable_is_shown_and_the_rest_is_named(self):
        good = line(event())
        twice = event().replace('"rc":0', '"rc":0,"rc":0')
        newer = event(v=2).replace('"rc":0', '"rc":0,"more":"x","n":-1')
        missing = event().replace('"tty":"ssh",', "")
        strange = event().replace('"rc":0', '"rc":0,"more":"x"')
        log = self.logs(
            good, line(event())[:-40] + "\n", line(twice), b"\0\0\0\n",
            good.replace("\n", "\0\0\n"),
            line("@cee:{" + "x" * 10_000_000),
            line(newer), line(missing), line(strange), line(event(rc="0")),
            line(event(v=0)), line(event() + "x"), line("@cee:{}"),
            line(event().replace("deploy from", 'deploy\\" from')),
            line(event()).encode().replace(b"bastion\"", b"bastion\xff\""),
            good, good.rstrip("\n"))
        done = self.expect(3, "audit", log, "--json")
        self.assertEqual(len(done.stdout.splitlines()), 5, done.stderr)
        self.assertEqual([fo.json.loads(o)["line"] for o in
                          done.stdout.splitlines()], [1, 5, 7, 16, 17])
        self.assertIn(f"{log}:2: it is cut short", done.stderr)
        self.assertIn(f'{log}:3: "rc" is there twice', done.stderr)
        self.assertIn(f"{log}:6: it is longer than any event", done.stderr)
        self.assertIn(f"{log}:8: tty is missing", done.stderr)
        self.assertIn("11 entries could not be read; the first are named",
                      done.stderr)

    def test_a_whole_event_behind_a_torn_one_is_shown(self):
        log = self.logs(line(event())[:200] + line(event(**OTHER)),
                        b"\0\0\0" + event().encode() + b"\n",
                        "x" * 10_000_000 + "\n")
        done = self.expect(3, "audit", log, "--json")
        self.assertEqual([fo.json.loads(o)["sid"][0] for o in
                          done.stdout.splitlines()], ["5", "4"])
        self.assertIn("1 entry could not be read", done.stderr)

    def test_the_header_of_rfc_5424_is_one_too(self):
        log = self.logs(
            f"<86>1 2026-11-24T18:30:00Z host pam_firstops 12 - - {event()}\n",
            f"<86>1 2026-11-24T18:30:00Z host other 12 - - {event()}\n")
        self.assertEqual(self.sids(log), ["4"])

    def test_no_event_says_what_only_a_reader_can(self):
        log = self.logs(line(event(v=2).replace(
            '"rc":0', '"rc":0,"sender":"verified","uid":0')))
        self.refused(3, "is not for an event to say", "audit", log)

    def test_a_value_that_is_longer_than_any_of_ours(self):
        log = self.logs(line(event(why="x" * 5000)), line(event(
            v=2, why="y" * 5000, src="10.0.0.1  -  verified")),
            *[line(event(res="deny", why=f"why{n}")) for n in range(200)])
        out = self.expect(3, "audit", log).stdout.splitlines()
        self.assertEqual(len(out), 202)
        self.assertLess(len(out[1]), 400)
        self.assertIn("10.0.0.1%20%20-%20%20verified", out[1])
        sums = self.expect(3, "audit", log, "--summary").stdout
        self.assertIn("and 160 more reasons", sums)

    def test_a_log_that_is_not_there_or_no_file(self):
        self.refused(3, "No such file", "audit", self.dir / "none")
        self.refused(3, "is not a file", "audit", "/dev/null")

    def test_the_usual_log_is_named_where_there_is_none(self):
        if os.path.exists("/var/log/firstops.log"):
            self.skipTest("there is one")
        self.refused(3, "name a log, or say --journal", "audit")

    def test_a_log_that_may_not_be_read(self):
        log = self.logs(line(event()))
        log.chmod(0)
        if os.geteuid() == 0:
            self.skipTest("root may read every file")
        self.refused(3, "use sudo", "audit", log)


class Rotated(Audit):
    def write(self, name, letter, age_s, packed=False):
        path = self.dir / name
        text = line(event(sid=letter + BASE["sid"][1:])).encode()
        path.write_bytes(gzip.compress(text) if packed else text)
        then = time.time() - age_s
        os.utime(path, (then, then))
        return path

    def test_what_was_rotated_away_comes_first_the_oldest_first(self):
        log = self.write("firstops.log", "d", 0)
        self.write("firstops.log.1", "c", 100)
        self.write("firstops.log.2.gz", "b", 200, packed=True)
        self.write("firstops.log-20261120.gz", "a", 300, packed=True)
        self.write("firstops.log.old", "x", 50)
        self.assertEqual(self.sids(log), list("abcd"))

    def test_what_is_too_old_is_not_even_opened(self):
        log = self.write("firstops.log", "d", 0)
        (self.dir / "firstops.log.1").mkdir()
        os.utime(self.dir / "firstops.log.1", (0, 0))
        self.assertEqual(self.sids(log, "--since", "2026-11-24"), ["d"])

    def test_no_file_is_read_twice_under_two_names(self):
        log = self.write("firstops.log", "d", 0)
        one = self.write("firstops.log.1", "c", 100)
        packed = self.write("firstops.log.1.gz", "c", 100, packed=True)
        self.assertEqual(self.sids(log, one, log, packed),
                         ["c", "d", "c"])
        os.link(log, self.dir / "firstops.log.2")
        self.assertEqual(self.sids(log), ["c", "d"])

    def test_gzip_that_is_cut_short_gives_what_it_has(self):
        text = "".join(line(event(pid=n)) for n in range(5000)).encode()
        packed = gzip.compress(text)
        log = self.logs(packed[:len(packed) // 2], name="log.gz")
        done = self.expect(3, "audit", log, "--json")
        found = len(done.stdout.splitlines())
        self.assertGreater(found, 1000)
        self.assertLess(found, 5000)
        self.assertIn("gzip: it is cut short", done.stderr)

    def test_gzip_whose_bytes_are_damaged_is_named(self):
        packed = bytearray(gzip.compress(line(event()).encode() * 100))
        packed[len(packed) // 2] ^= 0xff
        log = self.logs(bytes(packed), name="log.gz")
        self.assertIn("log.gz", self.expect(3, "audit", log).stderr)

    def test_what_comes_before_the_damage_is_shown(self):
        packed = bytearray(gzip.compress("".join(
            line(event(pid=n)) for n in range(2000)).encode()))
        packed[-6] ^= 0xff  # the checksum
        log = self.logs(bytes(packed), name="log.gz")
        done = self.expect(3, "audit", log, "--json")
        self.assertGreaterEqual(len(done.stdout.splitlines()), 1990)
        self.assertNotIn("fd:", done.stderr)

    def test_a_rotated_one_that_cannot_be_read_is_named(self):
        log = self.write("firstops.log", "d", 0)
        (self.dir / "firstops.log.1").mkdir()
        done = self.expect(3, "audit", log, "--json")
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertIn(f"fo: {log}.1: is not a file\n", done.stderr)


class Following(Audit):
    def follow(self, *words):
        return subprocess.Popen(
            [str(fo.FO), "audit", "--follow", "--json", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.env, cwd=self.dir)

    def end(self, process):
        process.send_signal(2)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, err)
        return out

    def test_what_is_added_is_shown_at_once_also_after_a_rotation(self):
        log = self.logs(line(event()))
        process = self.follow(log)
        time.sleep(0.5)  # whoever looks later sees no less
        with open(log, "a") as file:
            file.write(line(event(**OTHER))[:100])
            file.flush()
            time.sleep(0.3)
            file.write(line(event(**OTHER))[100:])
        first = process.stdout.readline()
        self.assertEqual(fo.json.loads(first)["name"], "other-bot")
        log.rename(self.dir / "firstops.log.1")
        self.logs(line(event(sid="6" + BASE["sid"][1:])))
        second = process.stdout.readline()
        self.assertEqual(fo.json.loads(second)["sid"][0], "6")
        self.assertEqual(self.end(process), "")

    def test_with_since_what_there_is_comes_first(self):
        log = self.logs(line(event()))
        process = self.follow(log, "--since", "2026-11-24")
        self.assertEqual(fo.json.loads(process.stdout.readline())["sid"],
                         BASE["sid"])
        self.end(process)


class Counting(Audit):
    def setUp(self):
        super().setUp()
        self.log_path = self.logs(
            line(event()), line(event(ev="session_open")),
            line(event(ev="action", t="2026-11-24T20:00:00.000000Z")),
            line(event(ev="action", res="deny", why="policy",
                       t="2026-11-24T20:00:01.000000Z")),
            line(event(res="error", why="store")),
            line(event(res="none", why="no_proof", id="-", name="-",
                       owner="-")),
            *[line(event(**DENIED))] * 3,
            line(event(**{**DENIED, "why": "stale"})))

    def test_summary_counts_decisions_of_each_principal(self):
        found = self.json(0, "audit", self.log_path, "--summary")
        self.assertTrue(found["ok"])
        nobody, bot, other = found["principals"]
        self.assertEqual(bot, {
            "id": BASE["id"], "name": "build-bot", "owner": "team-platform",
            "permits": 2, "denials": 1, "errors": 1, "unverified": 0,
            "reasons": {"policy": 1, "store": 1},
            "first": "2026-11-24T18:30:00Z", "last": "2026-11-24T20:00:01Z"})
        self.assertEqual((other["permits"], other["denials"],
                          other["reasons"]), (0, 4, {"replay": 3,
                                                     "stale": 1}))
        self.assertEqual((nobody["name"], nobody["denials"]), ("-", 0))

    def test_summary_for_people(self):
        out = self.ok("audit", self.log_path, "--summary").splitlines()
        self.assertEqual(out[0].split(), [
            "PRINCIPAL", "OWNER", "PERMITS", "DENIALS", "ERRORS", "FIRST",
            "LAST", "REASONS"])
        self.assertEqual(out[2].split()[:5], [
            "build-bot", "team-platform", "2", "1", "1"])
        self.assertTrue(out[3].endswith("replay 3, stale 1"), out)

    def test_chart_has_a_bar_for_each_part_of_the_time(self):
        out = self.ok("audit", self.log_path, "--chart").splitlines()
        self.assertEqual(out[0].split(), ["FROM", "PERMITS", "DENIALS"])
        sums = [sum(int(text.split()[at]) for text in out[1:])
                for at in (1, 2)]
        self.assertEqual(sums, [2, 5])
        self.assertLessEqual(len(out), 25)
        self.assertRegex(out[1], r"^2026-11-24T18:30:00Z +1 +4  #+x+$")
        self.assertNotIn("\033", "".join(out))

    def test_chart_in_json_and_with_a_span(self):
        found = self.json(0, "audit", self.log_path, "--chart", "--on",
                          "2026-11-24")
        self.assertEqual(len(found["bars"]), 24)
        self.assertEqual(found["step_s"], 3600)
        self.assertEqual(found["bars"][18], {
            "from": "2026-11-24T18:00:00Z", "permits": 1, "denials": 4})
        self.assertEqual(found["bars"][20]["permits"], 1)

    def test_an_empty_chart(self):
        out = self.ok("audit", self.log_path, "--chart", "--owner", "x")
        self.assertEqual(len(out.splitlines()), 1, out)

    def test_a_thousand_logins_of_ten_agents(self):
        lines, want = [], {}
        for number in range(1000):
            name = f"bot-{number % 10}"
            why = ("ok", "ok", "replay", "policy", "store")[number % 5]
            res = {"ok": "permit", "store": "error"}.get(why, "deny")
            want.setdefault(name, {}).setdefault(why, 0)
            want[name][why] += 1
            lines.append(line(event(
                name=name, id=f"{BASE['id'][:-1]}{number % 10}", res=res,
                why=why, pid=number)))
        log = self.logs(*lines, name="many.log")
        seen = {}
        for found in self.objects(log):
            seen.setdefault(found["name"], {}).setdefault(found["why"], 0)
            seen[found["name"]][found["why"]] += 1
        self.assertEqual(seen, want)
        for one in self.json(0, "audit", log, "--summary")["principals"]:
            reasons = {**one["reasons"], "ok": one["permits"]}
            self.assertEqual({w: n for w, n in reasons.items() if n},
                             want[one["name"]])


if __name__ == "__main__":
    tap.main()
