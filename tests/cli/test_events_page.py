#!/usr/bin/python3
"""firstops-events(7) has every key, cap and word of the code and no other, and
its examples are events.
"""

import json
import re
import shlex

import fo
import tap

NAME = "firstops-events.7"
PAGE = (fo.TOP / "sdk/man" / NAME).read_text()


def source(name):
    text = (fo.TOP / name).read_text()
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


EVENT = source("sdk/host/event.c")


# ---- reading the code -------------------------------------------------------

def keys():
    table = re.search(r"words\[FO_KEYS\] = \{(.*?)\}", source(
        "sdk/host/event_read.c"), re.S)[1]
    return re.findall(r'"(\w+)"', table)


def numbers():
    """Keys whose value is a number."""
    body = re.search(r"^fo_event_key_is_number.*?^\}", source(
        "sdk/host/event_read.c"), re.S | re.M)[0]
    return {name.lower() for name in re.findall(r"FO_KEY_(\w+)", body)}


def caps():
    """Key to the most characters of its value; v and msg have none."""
    found = {name.lower(): int(value) for name, value in
             re.findall(r"CAP_(\w+) = (\d+)", EVENT)}
    whole, unsigned = found.pop("int"), found.pop("uint32")
    return {**found, "rc": whole, "pid": whole, "auid": unsigned,
            "ses": unsigned}


def macro(name, text):
    return int(re.search(rf"#define {name} (\d+)", text)[1])


def events():
    return re.findall(r'^\t\[FO_EV_\w+\] = \{ "(\w+)"', EVENT, re.M)


def results():
    body = re.search(r"^fo_res_word.*?^\}", EVENT, re.S | re.M)[0]
    return re.findall(r'return "(\w+)"', body)


def reasons():
    """Words of the table, and that of what is not in it."""
    text = source("sdk/src/error.c")
    other = re.search(r'entry->word : "(\w+)"', text)[1]
    return [*re.findall(r'\{ FO_\w+, "(\w+)",', text), other]


def written():
    """Words of the events that the programs write."""
    names = set()
    for folder in ("pam_firstops", "sdk/host", "tools"):
        for path in (fo.TOP / folder).rglob("*.c"):
            if path.name not in ("event.c", "event_read.c"):
                names |= set(re.findall(r"\bFO_EV_(\w+)", source(path)))
    return {name.lower() for name in names}


# ---- reading the page -------------------------------------------------------

def section(title):
    return re.search(rf"^\.Ss {title}\n(.*?)(?=^\.S[hs] )", PAGE,
                     re.M | re.S)[1]


def items(title):
    """Item to its text."""
    found = re.findall(r"^\.It Li (\S+)\n(.*?)(?=^\.It|^\.El)",
                       section(title), re.M | re.S)
    assert len(found) == len(dict(found)), found
    return dict(found)


def plain(text):
    return " ".join(re.sub(r"^\.\w+ ?|\\&", "", text, flags=re.M).split())


def examples():
    """Each event of the page, in one line."""
    for block in re.findall(r"^\.Bd .*?\n(.*?)^\.Ed", PAGE, re.M | re.S):
        yield block.replace("\\e\n", "").strip()


# ---- words ------------------------------------------------------------------

def test_every_key_is_in_the_page_in_the_order_of_the_line_and_no_other():
    assert len(keys()) == 27, keys()
    assert list(items("Keys")) == keys()
    assert "All 27 keys" in plain(PAGE)


def test_every_kind_of_event_is_in_the_page_and_no_other():
    assert len(events()) == 16, events()
    assert list(items("Events")) == events()


def test_every_result_is_in_the_page_and_no_other():
    assert len(results()) == 4, results()
    assert sorted(items("Results")) == sorted(results())


def test_every_reason_is_in_the_page_and_no_other():
    words = reasons()
    assert len(words) > 40 and words[-1] == "unknown", words
    assert list(items("Reasons")) == words
    header = (fo.TOP / "sdk/include/firstops/error.h").read_text()
    names = re.findall(r"^\t(FO_(?:OK|ERR_\w+)) = ", header, re.M)
    assert len(names) == len(words) - 1, (names, words)


def test_no_other_list_has_items_of_that_kind():
    total = sum(len(items(title)) for title in
                ("Keys", "Events", "Results", "Reasons"))
    assert PAGE.count("\n.It Li ") == total


def test_every_item_says_something():
    for title in ("Keys", "Events", "Results", "Reasons"):
        for word, text in items(title).items():
            assert len(plain(text)) > 10, word
    for word, text in items("Reasons").items():
        assert plain(text).count(". ") + plain(text).count("; ") > 0, \
            f"{word}: what helps?"


def test_what_no_program_writes_is_said_to_be_so():
    said = {word for word, text in items("Events").items()
            if "Nothing writes this yet." in text}
    assert said == set(events()) - written(), (said, written())


# ---- limits -----------------------------------------------------------------

def test_the_caps_of_the_code_are_those_of_the_page():
    found = caps()
    assert sorted([*found, "v", "msg"]) == sorted(keys()), found
    for key, text in items("Keys").items():
        said = re.findall(r"at most (\d+) characters", plain(text), re.I)
        assert said == ([str(found[key])] if key in found else []), key


def test_which_values_are_numbers():
    said = {key for key, text in items("Keys").items()
            if "A number" in text}
    assert said == numbers(), said ^ numbers()


def test_other_limits():
    header = source("sdk/host/event.h")
    text = plain(PAGE)
    for form, number in (
            ("at most {} bytes together",
             macro("FO_EVENT_MAX_BYTES", header)),
            ("At least {} characters are left", macro("MSG_MIN", EVENT)),
            ("leave of the {} bytes", macro("FO_EVENT_MAX_BYTES", header)),
            ("first {} bits", macro("PROOF_CHARS", EVENT) * 6 // 8 * 8)):
        assert form.format(number) in text, form


# ---- examples ---------------------------------------------------------------

class Examples(fo.Case):
    def setUp(self):
        super().setUp()
        self.texts = list(examples())
        self.path = self.dir / "firstops.log"
        self.path.write_text("".join(f"bastion fo[7]: {text}\n"
                                     for text in self.texts))

    def test_all_examples_are_events_that_fo_reads(self):
        self.assertEqual(len(self.texts), 4)
        lines = self.ok("audit", self.path, "--json").splitlines()
        self.assertEqual(len(lines), 4)
        for text, line in zip(self.texts, lines):
            said = json.loads(text.removeprefix("@cee:"))
            self.assertLessEqual(len(text), 1000)
            self.assertEqual(list(said), keys())
            self.assertEqual(said, {k: json.loads(line)[k] for k in said})
            for key, cap in caps().items():
                self.assertLessEqual(len(str(said[key])), cap, key)

    def test_their_words_are_words_of_the_page(self):
        for text in self.texts:
            said = json.loads(text.removeprefix("@cee:"))
            for key, title in (("ev", "Events"), ("res", "Results"),
                               ("why", "Reasons")):
                self.assertIn(said[key], items(title))

    def test_an_example_with_one_key_less_would_be_seen(self):
        self.path.write_text(self.texts[0].replace('"by":"-",', ""))
        self.refused(3, "by is missing", "audit", self.path)

    def test_every_command_that_the_page_names_is_one_of_fo(self):
        lines = re.findall(r"^\.[QD]l (fo .*)$", PAGE, re.M)
        self.assertGreater(len(lines), 10)
        for line in lines:
            words = shlex.split(line.rstrip("?,. "))[1:]
            first = next((i for i, w in enumerate(words)
                          if w.startswith("--")), len(words))
            said = self.ok(*words[:first], "--help")
            for word in words[first:]:
                if word.startswith("--"):
                    self.assertIn(word, said, line)


if __name__ == "__main__":
    tap.main()
