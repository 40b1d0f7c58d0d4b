#!/usr/bin/python3
"""fo audit --format: each object has only fields of the published schema, of
their types, with what the schema demands, and says what the event says.
"""

import ipaddress
import itertools
import json

import fo
import tap
import test_audit

VECTORS = fo.TOP / "tests/vectors"
OCSF = json.loads((VECTORS / "ocsf-authentication.json").read_text())
ECS = json.loads((VECTORS / "ecs-fields.json").read_text())

BASE = {**test_audit.BASE, "ruser": "carol", "what": "what%0A", "by": "alice",
        "auid": 1000, "ses": 12}
TIME_MS = 1795545000123

EVS = ("auth", "account", "session_open", "session_close", "action",
       "principal_create", "principal_edit", "key_add", "key_rotate",
       "suspend", "resume", "revoke", "delete", "policy_change",
       "audit_start", "audit_stop")
ADMIN = EVS[5:]
ENDS = {"permit": "ok", "deny": "replay", "error": "store",
        "none": "no_proof"}
PEOPLE = {
    "agent": {},
    "human": {"kind": "human", "name": "carol", "owner": "carol",
              "id": "fo_user_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e78"},
    "-": {key: "-" for key in ("kind", "name", "owner", "id", "by", "ruser",
                               "pol", "src", "sid", "tty", "user")}}


def event(**more):
    assert not set(more) - set(BASE), more
    return {**BASE, **more}


def every_event():
    """One of each kind, result and kind of principal."""
    return [event(ev=ev, res=res, why=why, **who)
            for ev, (res, why), who in itertools.product(
                EVS, ENDS.items(), PEOPLE.values())]


NOTHING = {key: "-" for key in BASE
           if isinstance(BASE[key], str) and key not in ("ev", "res", "why")}


def leaves(value, path=""):
    """Path and value of everything that is no object and no list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


# ---- what the schemas demand ------------------------------------------------

def is_ip(value):
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def is_text(value):
    return isinstance(value, str) and value != "" and value.isascii() and \
        value.isprintable()


def is_number(value):
    return type(value) is int and -2**63 <= value < 2**63


def is_date(value):
    return is_text(value) and len(value) == 27 and value[-1] == "Z"


SIMPLE = {"boolean_t": lambda v: isinstance(v, bool), "integer_t": is_number,
          "long_t": is_number, "timestamp_t": is_number, "ip_t": is_ip,
          "keyword": is_text, "wildcard": is_text, "match_only_text": is_text,
          "long": is_number, "ip": is_ip, "date": is_date}


class Wrong(AssertionError):
    pass


def demand(true, *what):
    if not true:
        raise Wrong(" ".join(map(str, what)))


def check_value(value, kind, path, profiles):
    if isinstance(kind, list):
        demand(isinstance(value, list) and value, path, "is no list")
        for item in value:
            check_value(item, kind[0], path, profiles)
    elif kind == "object":
        demand(isinstance(value, dict), path, "is no object")
    elif kind in OCSF["objects"]:
        check_object(value, kind, path, profiles)
    elif kind.endswith("_t"):
        demand(SIMPLE.get(kind, is_text)(value), path, "is no", kind, value)
    else:
        raise Wrong(f"{path}: the list has no {kind}")


def check_enums(value, enums, path):
    """The number is one of the schema's, and its word is its caption."""
    for name, captions in enums.items():
        if name not in value:
            continue
        word = {"activity_id": "activity_name", "class_uid": "class_name",
                "category_uid": "category_name"}.get(name, name[:-3])
        number = str(value[name])
        demand(number in captions, path, name, number)
        if number == "99":
            demand(value[word] not in captions.values(), path, word)
        elif name != "auth_protocol_id":
            demand(value[word] == captions[number], path, word, value)


def check_object(value, name, path, profiles):
    schema = OCSF["objects"][name]
    demand(isinstance(value, dict), path, "is no object")
    for key, item in value.items():
        demand(key in schema["attributes"], f"{name} has no {key}: {path}")
        profile = schema.get("profile", {}).get(key)
        demand(profile is None or profile in profiles, path, key, "wants",
               profile)
        check_value(item, schema["attributes"][key], f"{path}.{key}",
                    profiles)
    for key in schema.get("required", ()):
        demand(key in value, path, "lacks", key)
    if "at_least_one" in schema:
        demand(set(schema["at_least_one"]) & set(value), path, "has none of",
               schema["at_least_one"])
    check_enums(value, schema.get("enum", {}), path)


def check_ocsf(found):
    check_object(found, OCSF["class"], "event",
                 found["metadata"]["profiles"]
                 if "profiles" in found["metadata"] else [])
    demand(found["metadata"]["version"] == OCSF["version"], "version")
    demand(found["type_uid"] == found["class_uid"] * 100 +
           found["activity_id"], "type_uid")
    demand(found["type_name"] == f"{found['class_name']}:"
           f" {found['activity_name']}", "type_name")


def check_ecs(found):
    for path, value in leaves(found):
        if path.startswith("labels."):
            # custom keywords: texts, and one level
            demand(path.count(".") == 1 and is_text(value), path, value)
            continue
        demand(path in ECS["fields"], "ECS has no", path)
        kind = ECS["fields"][path]
        kind = kind[0] if isinstance(kind, list) else kind
        demand(SIMPLE[kind](value), path, "is no", kind, value)
    for path, kind in ECS["fields"].items():
        at = found
        for key in path.split("."):
            at = at.get(key) if isinstance(at, dict) else None
        if at is None:
            demand(path not in ECS["required"], "no", path)
        else:
            demand(isinstance(at, list) == isinstance(kind, list), path)
    demand(found["ecs"]["version"] == ECS["version"], "version")
    for name, allowed in ECS["allowed"].items():
        words = found["event"].get(name.partition(".")[2], [])
        for word in words if isinstance(words, list) else [words]:
            demand(word in allowed, name, word)
    for category in found["event"].get("category", []):
        for word in found["event"]["type"]:
            demand(word in ECS["types"][category], category, word)


# ---- the exports ------------------------------------------------------------

class Export(fo.Case):
    def export(self, form, *events):
        path = self.dir / "firstops.log"
        path.write_text("".join(
            "2026-11-24T18:30:00+00:00 bastion pam_firstops[7]: @cee:" +
            json.dumps(e, separators=(",", ":")) + "\n" for e in events))
        lines = self.ok("audit", path, "--format", form).splitlines()
        self.assertEqual(len(lines), len(events))
        return [json.loads(line) for line in lines]

    def both(self, **more):
        return (self.export("ocsf", event(**more))[0],
                self.export("ecs", event(**more))[0])

    def everything_is_in(self, said, found):
        """Each value of an event is somewhere in the object; "-" nowhere."""
        values = {str(value) for _, value in leaves(found)}
        for key, value in said.items():
            if value == "-" or key in ("t", "res"):
                continue
            self.assertTrue(str(value) in values or key == "pol" and
                            set(value.split("/")) <= values, (key, found))
        self.assertFalse([p for p, v in leaves(found) if v == "-" and
                          p != "user.name"], found)


class Ocsf(Export):
    def test_every_event_is_one_of_the_published_class(self):
        events = every_event() + [{**e, **NOTHING} for e in every_event()]
        for said, found in zip(events, self.export("ocsf", *events)):
            check_ocsf(found)
            self.everything_is_in(said, found)

    def test_a_login_says_who_where_when_and_by_which_policy(self):
        found, = self.export("ocsf", event(by="-"))
        self.assertEqual(
            (found["activity_name"], found["time"], found["status"],
             found["status_code"], found["severity"], found["action"],
             found["message"]),
            ("Logon", TIME_MS, "Success", "ok", "Informational", "Allowed",
             BASE["msg"]))
        self.assertNotIn("status_detail", found)
        self.assertEqual(found["ai_agent"], {
            "uid": BASE["id"], "name": "build-bot"})
        self.assertEqual(found["user"], {
            "name": "deploy", "programmatic_credentials": [
                {"type": "DPoP key", "uid": BASE["jkt"]}]})
        self.assertEqual(found["actor"], {"user": {"name": "carol"},
                                          "process": {"pid": 41250}})
        self.assertEqual(found["session"], {"uid": BASE["sid"],
                                            "terminal": "ssh"})
        self.assertEqual(found["service"], {"name": "sshd"})
        self.assertEqual(found["src_endpoint"], {"ip": "10.2.3.4"})
        self.assertEqual(found["dst_endpoint"], {"hostname": "bastion"})
        self.assertEqual(found["device"]["hostname"], "bastion")
        self.assertEqual(found["policy"], {"name": "deployers"})
        self.assertEqual(found["auth_protocol"], "DPoP")
        self.assertIs(found["is_remote"], True)
        self.assertEqual(found["unmapped"], {
            "rc": 0, "kind": "agent", "owner": "team-platform",
            "proof": BASE["proof"], "act": "login", "what": "what%0A",
            "auid": 1000, "ses": 12, "pol": BASE["pol"],
            "sender": "unverifiable"})
        metadata = found["metadata"]
        self.assertEqual(metadata["original_time"], BASE["t"])
        self.assertEqual(metadata["event_code"], "auth")
        self.assertEqual(metadata["log_version"], "1")
        self.assertEqual(metadata["log_source"],
                         str(self.dir / "firstops.log"))

    def test_a_refusal_says_why_in_a_word_and_in_a_sentence(self):
        found, = self.export("ocsf", event(res="deny", why="replay"))
        self.assertEqual(
            (found["status"], found["severity"], found["action"],
             found["disposition"], found["status_code"],
             found["status_detail"]),
            ("Failure", "Low", "Denied", "Blocked", "replay",
             "the proof was used before"))

    def test_trouble_is_graver_than_a_refusal_and_no_proof_is_neither(self):
        trouble, none = self.export(
            "ocsf", event(res="error", why="audit"),
            event(res="none", why="no_proof"))
        self.assertEqual((trouble["severity"], trouble["status"],
                          trouble["disposition"]),
                         ("Medium", "Failure", "Error"))
        self.assertEqual((none["severity"], none["status"], none["action"]),
                         ("Informational", "Unknown", "Observed"))
        self.assertNotIn("auth_protocol", none)

    def test_each_kind_of_event_has_its_activity(self):
        events = [event(ev=ev) for ev in EVS]
        for ev, found in zip(EVS, self.export("ocsf", *events)):
            want = {"auth": (1, "Logon"), "session_close": (2, "Logoff")}
            self.assertEqual((found["activity_id"], found["activity_name"]),
                             want.get(ev, (99, ev)))
            self.assertEqual("ai_agent" in found, ev not in ADMIN)

    def test_who_changed_a_principal_is_the_actor_and_that_is_the_user(self):
        found, = self.export("ocsf", event(ev="suspend", user="-"))
        self.assertEqual(found["actor"]["user"], {"name": "alice"})
        self.assertEqual(found["user"]["name"], "build-bot")
        self.assertEqual(found["user"]["uid"], BASE["id"])
        self.assertNotIn("action", found)

    def test_a_person_is_the_user(self):
        found, = self.export("ocsf", event(**PEOPLE["human"]))
        self.assertEqual(
            (found["user"]["name"], found["user"]["display_name"],
             found["user"]["uid"]),
            ("deploy", "carol", PEOPLE["human"]["id"]))
        self.assertNotIn("ai_agent", found)


class Ecs(Export):
    def test_every_event_has_published_fields_only(self):
        events = every_event() + [{**e, **NOTHING} for e in every_event()]
        for said, found in zip(events, self.export("ecs", *events)):
            check_ecs(found)
            self.everything_is_in(said, found)

    def test_a_login_says_who_where_when_and_by_which_policy(self):
        found, = self.export("ecs", event(by="-"))
        path = str(self.dir / "firstops.log")
        self.assertEqual(found, {
            "@timestamp": BASE["t"], "ecs": {"version": "9.4.0"},
            "event": {
                "kind": "event", "category": ["authentication"],
                "type": ["start"], "action": "auth", "outcome": "success",
                "reason": "ok", "id": f"bastion/{BASE['t']}/41250",
                "module": "firstops", "dataset": "firstops.audit",
                "provider": "FirstOps for Linux"},
            "message": BASE["msg"],
            "user": {"name": "deploy", "id": BASE["id"]},
            "related": {"user": ["deploy", "carol", "build-bot", BASE["id"]],
                        "ip": ["10.2.3.4"], "hosts": ["bastion"]},
            "host": {"name": "bastion", "hostname": "bastion"},
            "source": {"address": "10.2.3.4", "ip": "10.2.3.4"},
            "service": {"name": "sshd"}, "process": {"pid": 41250},
            "rule": {"ruleset": "deployers", "name": "ssh-to-web"},
            "labels": {
                "v": "1", "rc": "0", "kind": "agent", "name": "build-bot",
                "owner": "team-platform", "jkt": BASE["jkt"],
                "proof": BASE["proof"], "sid": BASE["sid"],
                "ruser": "carol", "act": "login", "what": "what%0A",
                "tty": "ssh", "auid": "1000", "ses": "12",
                "sender": "unverifiable"},
            "log": {"file": {"path": path}}})

    def test_outcomes(self):
        events = [event(res=res, why=why) for res, why in ENDS.items()]
        self.assertEqual(
            [(o["event"]["outcome"], o["event"]["reason"])
             for o in self.export("ecs", *events)],
            [("success", "ok"), ("failure", "replay"), ("failure", "store"),
             ("unknown", "no_proof")])

    def test_who_changed_a_principal_is_the_user_and_that_is_the_target(self):
        found, = self.export("ecs", event(ev="delete", user="-"))
        self.assertEqual(found["user"], {
            "name": "alice", "target": {"name": "build-bot",
                                        "id": BASE["id"]}})
        self.assertEqual(found["event"]["category"], ["iam"])
        self.assertEqual(found["event"]["type"], ["user", "deletion"])


class Oddities(Export):
    def test_a_source_that_is_a_name_is_no_address(self):
        for source in ("client.example.com", "10.2.3", "1" * 45,
                       "fe80::1%25eth0"):
            ocsf, ecs = self.both(src=source)
            check_ocsf(ocsf)
            check_ecs(ecs)
            self.assertEqual(ocsf["src_endpoint"], {"hostname": source})
            self.assertEqual(ecs["source"], {"address": source,
                                             "domain": source})
            self.assertEqual(ecs["related"]["hosts"], ["bastion", source])
        for source in ("::1", "2001:db8::7", "::ffff:10.2.3.4"):
            ocsf, ecs = self.both(src=source)
            self.assertEqual(ocsf["src_endpoint"], {"ip": source})
            self.assertEqual(ecs["source"]["ip"], source)

    def test_what_the_kernel_has_no_number_for_is_left_out(self):
        for found, where in zip(self.both(auid=4294967295, ses=4294967295),
                                ("unmapped", "labels")):
            self.assertFalse({"auid", "ses"} & set(found[where]))

    def test_numbers_are_as_large_as_an_event_takes_them(self):
        for huge in (10**18 - 1, 1 - 10**18):
            ocsf, ecs = self.both(rc=huge, pid=huge)
            check_ocsf(ocsf)
            check_ecs(ecs)
            self.assertEqual(ocsf["unmapped"]["rc"], huge)
            self.assertEqual(ecs["process"]["pid"], huge)
            self.assertEqual(ecs["labels"]["rc"], str(huge))

    def test_an_event_without_a_time_stands_out(self):
        ocsf, ecs = self.both(t="-")
        check_ocsf(ocsf)
        check_ecs(ecs)
        self.assertEqual(ocsf["time"], 0)
        self.assertNotIn("original_time", ocsf["metadata"])
        self.assertTrue(ecs["@timestamp"].startswith("1970-01-01T"))

    def test_a_policy_without_a_rule(self):
        ocsf, ecs = self.both(pol="deployers")
        self.assertEqual(ocsf["policy"], {"name": "deployers"})
        self.assertEqual(ecs["rule"], {"ruleset": "deployers"})

    def test_an_event_of_a_later_version_is_told_as_far_as_it_is_known(self):
        later = {"v": 2, "ev": "blessing", "res": "perhaps", "why": "luck",
                 "more": "unknown"}
        (ocsf,), (ecs,) = self.export("ocsf", later), self.export("ecs", later)
        check_ocsf(ocsf)
        check_ecs(ecs)
        self.assertEqual((ocsf["activity_name"], ocsf["status"],
                          ocsf["status_code"], ocsf["severity_id"]),
                         ("blessing", "perhaps", "luck", 0))
        self.assertEqual(ecs["event"]["action"], "blessing")
        self.assertEqual(ecs["event"]["outcome"], "unknown")
        self.assertEqual(ecs["labels"]["res"], "perhaps")
        self.assertNotIn("category", ecs["event"])

    def test_a_log_whose_path_is_no_utf8(self):
        log = self.dir / b"f\xff\n.log".decode("utf-8", "surrogateescape")
        log.write_text("@cee:" + json.dumps(BASE, separators=(",", ":")))
        for form in ("ocsf", "ecs"):
            self.assertIn("/f%FF%0A.log", self.ok("audit", log, "--format",
                                                  form))


class TheChecks(Export):
    """The checks above see what is wrong."""

    def test_one_thing_wrong_is_seen_in_ocsf(self):
        good, = self.export("ocsf", event())
        check_ocsf(good)
        for path, value in (
                (("usr",), {}), (("user", "nick"), "x"), (("time",), "now"),
                (("is_remote",), 1), (("status_id",), 7),
                (("status",), "Fine"), (("type_uid",), 300299),
                (("src_endpoint", "ip"), "nowhere"),
                (("metadata", "profiles"), ["host"]),
                (("metadata", "version"), "1.8.0"), (("message",), "a\nb"),
                (("user",), {}), (("device", "type_id"), None)):
            bad = json.loads(json.dumps(good))
            at = bad
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            with self.subTest(path), self.assertRaises(Wrong):
                check_ocsf(bad)
        for key in ("metadata", "user", "severity_id"):
            bad = {k: v for k, v in good.items() if k != key}
            with self.subTest(key), self.assertRaises((Wrong, KeyError)):
                check_ocsf(bad)

    def test_one_thing_wrong_is_seen_in_ecs(self):
        good, = self.export("ecs", event())
        check_ecs(good)
        for path, value in (
                (("event", "kind"), "thing"), (("event", "type"), ["user"]),
                (("event", "type"), "start"), (("user", "nick"), "x"),
                (("labels", "deep"), {"er": "x"}), (("labels", "rc"), 0),
                (("source", "ip"), "nowhere"), (("process", "pid"), "7"),
                (("ecs", "version"), "9.3.0"), (("@timestamp",), "today")):
            bad = json.loads(json.dumps(good))
            at = bad
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            with self.subTest(path), self.assertRaises(Wrong):
                check_ecs(bad)


if __name__ == "__main__":
    tap.main()
