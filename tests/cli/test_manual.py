#!/usr/bin/python3
"""The pages of the manual say what the code does: every key, word, limit,
argument and result is in its page, nothing else is, and the examples are files
that the readers take.
"""

import json
import re
import shlex

import fo
import tap

HOST = fo.TOP / "sdk/host"
MODULE = fo.TOP / "pam_firstops"
PAGES = {path.name: path.read_text() for path in
         [*(fo.TOP / "sdk/man").glob("*.5"), *MODULE.glob("*.8")]}
CONFIG, PRINCIPAL, POLICY, PAM = (PAGES[name] for name in (
    "firstops.yaml.5", "firstops-principal.5", "firstops-policy.5",
    "pam_firstops.8"))


# ---- reading the code -------------------------------------------------------

def source(*names):
    """C text of sdk/host, or of another folder, without comments."""
    text = "".join((HOST / n).read_text() for n in names)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def tables(text, kind):
    """Name to texts of each table NAME_KIND[] of texts."""
    found = {match[1]: re.findall(r'"([^"]*)"', match[2]) for match in
             re.finditer(r"const char \*const (\w+)_" + kind +
                         r"\[\] = \{(.*?)\};", text, re.S)}
    assert found, f"no {kind} found"
    return found


def number(name, file):
    """The value of a macro of a header."""
    return int(re.search(rf"#define {name}\s+\(?(\d+)\)?",
                         (fo.TOP / file).read_text())[1])


def module(*names):
    return source(*(MODULE / n for n in names))


# ---- reading the pages ------------------------------------------------------

def section(page, title, macro="Sh"):
    """What stands below a heading, up to the next."""
    ends = r"S[hs]" if macro == "Ss" else "Sh"
    found = re.search(rf"^\.{macro} {title}\n(.*?)(?=^\.{ends} |\Z)", page,
                      re.M | re.S)
    assert found, f"no {title}"
    return found[1]


def lists(page):
    """The keys that each list of a page describes."""
    found = [re.findall(r"^\.It Ic (\w+) :", block, re.M) for block in
             re.findall(r"^\.Bl (.*?)^\.El", page, re.M | re.S)]
    return [keys for keys in found if keys]


def words_of(page, key):
    """The words that a key takes, as its page says."""
    line = re.search(rf"^\.It Ic {key} : Cm (.*)$", page, re.M)
    return line[1].split(" | ")


def items(text, macro):
    """What the items of lists are called."""
    return {word for line in re.findall(rf"^\.It {macro} (.*)$", text, re.M)
            for word in line.split(" , ")}


def plain(page):
    """A page as running text without macros."""
    return " ".join(re.sub(r"^\.\w+ ?|\\&", "", page, flags=re.M).split())


def examples(page):
    """Path below /etc/firstops and text of each example of a file."""
    for block in re.findall(r"^\.Bd .*?\n(.*?)^\.Ed", page, re.M | re.S):
        text = block.replace("\\&", "").replace("\\e", "\\")
        name = re.match(r"# /etc/firstops/(\S+)\n", text)
        if name:
            yield name[1], text


def same(one, other):
    assert sorted(map(sorted, one)) == sorted(map(sorted, other)), \
        (one, other)


# ---- keys -------------------------------------------------------------------

def test_every_key_of_the_configuration_is_in_its_page_and_no_other():
    same(lists(CONFIG), tables(source("config.c"), "keys").values())


def test_every_key_of_principals_and_groups_is_in_their_page_and_no_other():
    same(lists(PRINCIPAL),
         tables(source("principal.c", "group.c"), "keys").values())


def policy_tables():
    """The tables of the file's own keys, and channel to its conditions."""
    found = tables(source("policy.c"), "keys")
    channels = tables(source("policy.c"), "words")["channel"]
    return ([keys for name, keys in found.items() if name not in channels],
            {name: found[name] for name in channels})


def test_every_key_of_policies_is_in_their_page_and_no_other():
    own, conditions = policy_tables()
    same(lists(POLICY), [*own, set().union(*conditions.values())])


def test_each_channel_has_the_conditions_that_its_page_says():
    said = dict(re.findall(r"^\.It Cm (\w+)\n[^.]*(?:^(?!\.It).*\n)*?"
                           r"\.Pp\n\.Ic (.*)$",
                           section(POLICY, "Channels", "Ss"), re.M))
    assert {name: keys.split(" , ") for name, keys in said.items()} == \
        policy_tables()[1], said


def test_the_words_that_a_key_takes_are_those_of_its_page():
    for page, names in ((CONFIG, ["config.c"]), (POLICY, ["policy.c"]),
                        (PRINCIPAL, ["principal.c"])):
        for key, words in tables(source(*names), "words").items():
            if key == "day":
                assert " , ".join(words) in page
            else:
                assert set(words_of(page, key)) == set(words), key


def test_the_services_with_a_challenge_are_those_of_the_page():
    code = re.search(r"interactive\[\] = \{(.*?)\}", source("config.c"), re.S)
    for name in re.findall(r'"([\w-]+)"', code[1]):
        assert re.search(rf"^\.Sy .*\b{name}\b", CONFIG, re.M), name


# ---- limits -----------------------------------------------------------------

def test_the_limits_of_the_code_are_those_of_the_pages():
    names, proof = "sdk/host/names.h", "sdk/include/firstops/proof.h"
    for page, form, *macros in (
            (CONFIG, "At most {} bytes of UTF-8, at most {} levels deep and {}"
             " keys a map.", ("FO_FILE_MAX_BYTES", "sdk/host/node.h"),
             ("FO_NODE_MAX_DEPTH", "sdk/host/node.h"),
             ("FO_NODE_MAX_KEYS", "sdk/host/node.h")),
            (CONFIG, "1 to {} letters, digits, dots, underscores and hyphens;",
             ("FO_HOST_MAX", names)),
            (CONFIG, "1 to {} letters, digits, underscores, dots and hyphens.",
             ("FO_SERVICE_MAX", names)),
            (CONFIG, "A pattern has 1 to {} printable ASCII",
             ("FO_PATTERN_MAX", names)),
            (CONFIG, "of 1 to {} printable ASCII", ("FO_ACCOUNT_MAX", names)),
            (CONFIG, "from 1 to {}. Default: {}.",
             ("FO_MAX_AGE_LIMIT_S", proof), ("FO_MAX_AGE_S", proof)),
            (CONFIG, "from 0 to {}.", ("FO_CLOCK_SKEW_LIMIT_S", proof)),
            (CONFIG, "accepts nothing. Default: {}.",
             ("FO_CLOCK_SKEW_S", proof)),
            (PRINCIPAL, "An account has 1 to {} printable",
             ("FO_ACCOUNT_MAX", names)),
            (PRINCIPAL, "At most {} keys;",
             ("FO_PRINCIPAL_MAX_KEYS", "sdk/host/principal.h")),
            (POLICY, "have 1 to {} printable ASCII",
             ("FO_PATTERN_MAX", names)),
            (POLICY, "are one line of 1 to {} bytes",
             ("FO_PATTERN_MAX", names)),
            (PAM, "kept for {} seconds",
             ("FO_REPLAY_KEEP_S", "sdk/host/replay.h")),
            (PAM, "good for {} seconds",
             ("FO_PENDING_VALID_S", "sdk/host/session.h"))):
        want = form.format(*(number(*macro) for macro in macros))
        assert want in plain(page), want
    longest = number("FO_NAME_MAX", names) - 1
    for page in (PRINCIPAL, POLICY):
        assert f"then up to {longest} lower-case" in plain(page)


# ---- the module -------------------------------------------------------------

def test_every_argument_of_the_module_is_in_its_page_and_no_other():
    code = module("arguments.c")
    known = set(re.findall(r'strcmp\(text, "(\w+)"\)', code))
    known |= {name.rstrip("=") for name in
              re.findall(r'_key\[\] = "(\w+=)"', code)}
    assert {"config", "debug", "lax"} <= known, known
    for where, macro in ((section(PAM, "SYNOPSIS"), "Op"),
                         (section(PAM, "Arguments", "Ss"), "It")):
        said = re.findall(rf"^\.{macro} Cm (\w+)", where, re.M)
        assert set(said) == known, (said, known)


def test_every_result_of_the_module_is_in_its_page_and_no_other():
    answers = set(re.findall(r"\bPAM_[A-Z_]+\b", re.search(
        r"rows\[\] = \{(.*?)\};", module("answer.c"), re.S)[1]))
    answers |= set(re.findall(r"answer = (PAM_\w+)", module(
        "auth.c", "account.c", "setcred.c", "session.c")))
    said = items(section(PAM, "RETURN CODES"), "Dv")
    assert said == answers, said ^ answers


def test_every_variable_that_is_set_is_in_the_page_and_no_other():
    names = set(re.findall(r'"(FIRSTOPS_[A-Z]+)"', module("login.c")))
    said = items(section(PAM, "ENVIRONMENT"), "Ev")
    assert said == names, said ^ names


def test_every_event_and_reason_is_in_the_page_and_no_other():
    entries = dict(re.findall(r'\{ (FO_\w+), "(\w+)",', (
        fo.TOP / "sdk/src/error.c").read_text()))
    whys = {entries[name] for name in
            re.findall(r"\{ (FO_ERR_\w+),", module("answer.c"))}
    events = {name.lower() for name in re.findall(r"FO_EV_(\w+)", module(
        "auth.c", "account.c", "session.c"))}
    said = items(section(PAM, "DIAGNOSTICS"), "Li")
    want = whys | events | {"ok", "internal"}
    assert said == want, said ^ want


# ---- examples ---------------------------------------------------------------

def test_the_page_names_every_sample_of_a_stack():
    listed = re.search(r"^Samples of\n(.*?)^are installed in$", PAM,
                       re.M | re.S)[1]
    names = re.findall(r"^\.Pa (\S+)(?: ,)?$", listed, re.M)
    shipped = [path.name for path in (fo.TOP / "etc/pam.d").iterdir()]
    assert names == sorted(shipped), (names, shipped)


def test_the_stack_in_the_page_is_made_of_lines_of_the_sample():
    sample = [line.split() for line in
              (fo.TOP / "etc/pam.d/sshd").read_text().splitlines()]
    block = re.search(r"^\.Pa /etc/pam.d/sshd :\n\.Bd .*?\n(.*?)^\.Ed", PAM,
                      re.M | re.S)[1]
    lines = block.replace("\\e\n", "").splitlines()
    assert len(lines) == 9, lines
    for line in lines:
        assert line.split() in sample, line


class Examples(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.configs = []
        for page in PAGES.values():
            for name, text in examples(page):
                if name == "firstops.yaml":
                    self.configs.append(text)
                else:
                    self.assertFalse(text in self.read(name), name)
                    self.write(self.etc / name, text)

    def read(self, name):
        path = self.etc / name
        return path.read_text() if path.exists() else ""

    def problems(self):
        """What is wrong with the store, but for where its events go."""
        done = self.fo("store", "check", "--json", config=True)
        answer = json.loads(done.stdout)
        self.assertIn("findings", answer, done)
        return [f["what"] for f in answer["findings"] if f["level"] != "ok"
                and not f["what"].startswith("audit sink ")]

    def test_there_is_one_of_each_kind_of_file(self):
        for part in ("principals.d/fo_agent_*", "principals.d/fo_user_*",
                     "policies.d/deployers.yaml", "groups.d/deployers.yaml"):
            self.assertEqual(len(list(self.etc.glob(part))), 1, part)
        self.assertGreaterEqual(len(self.configs), 3)

    def test_all_examples_together_are_a_store_without_a_problem(self):
        self.admin("store", "index")
        self.assertEqual(self.problems(), [])
        for text in self.configs:
            self.write(self.config, text)
            self.assertEqual(self.problems(), [], text)

    def test_an_example_with_one_wrong_letter_would_be_seen(self):
        self.admin("store", "index")
        for page in PAGES.values():
            for name, text in examples(page):
                before = self.read(name)
                self.write(self.etc / name, text.replace("version", "verzion"))
                done = self.fo("store", "check", config=True)
                self.assertIn(done.returncode, (1, 3), name)
                self.assertIn("required key 'version' is missing",
                              done.stdout + done.stderr)
                self.write(self.etc / name, before)

    def test_the_index_in_the_page_is_the_one_that_fo_makes(self):
        self.admin("store", "index")
        links = list((self.etc / "keys.d").iterdir())
        self.assertEqual(len(links), 2)
        form = re.search(r"^\.Pa (\.\./principals\.d/)\n\.Ar id\n"
                         r"\.Pa (\.yaml)", PRINCIPAL, re.M)
        for link in links:
            text = str(link.readlink())
            self.assertTrue(text.startswith(form[1] + "fo_"), text)
            self.assertTrue(text.endswith(form[2]), text)


# ---- commands ---------------------------------------------------------------

class Commands(fo.Case):
    def test_every_command_that_the_pages_name_is_one_of_fo(self):
        seen = set()
        for page in PAGES.values():
            for line in re.findall(r"^\.(?:Pq )?[QD]l (fo .*)$", page, re.M):
                words = shlex.split(line.split(" ) ")[0].rstrip("?,. "))[1:]
                verb = [w for w in words if w.islower() and w[0] != "-"]
                said = self.ok(*verb, "--help")
                for option in words:
                    if option.startswith("--"):
                        self.assertIn(option, said, line)
                seen.add(" ".join(verb))
        self.assertIn("store check", seen)
        self.assertIn("agent rotate", seen)


if __name__ == "__main__":
    tap.main()
