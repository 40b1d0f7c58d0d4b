"""Pages of the documentation that tests follow: what a section tells people to
type, typed, and what it says they will see, compared.

A block of commands is fenced and marked "sh", or "sh" and a word that says
whose or how: ```sh agent. A block marked "text" shows what the commands
before it print.
"""

import dataclasses
import os
import pathlib
import re

import world


@dataclasses.dataclass
class Step:
    """A block of commands, and what it prints (None: the page does not
    say)."""
    marks: list
    commands: str
    shown: str


class Page:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.text = self.path.read_text()

    def section(self, title):
        found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)",
                          self.text, re.M | re.S)
        assert found, f"{self.path.name}: no section {title}"
        return found[1]

    def titles(self):
        return re.findall(r"^## (.*)$", self.text, re.M)

    def steps(self, title):
        steps = []
        for mark, block in re.findall(r"^```(\w[\w ]*)\n(.*?)^```$",
                                      self.section(title), re.M | re.S):
            kind, *marks = mark.split()
            if kind == "sh":
                steps.append(Step(marks, block, None))
            elif kind == "text":
                assert steps and steps[-1].shown is None, block
                steps[-1].shown = block
        assert steps, f"{self.path.name}: no commands in {title}"
        return steps

    def program(self, title, *marks):
        """The block of a section that has just these marks."""
        mark = re.escape(" ".join(marks))
        found = re.findall(rf"^```{mark}\n(.*?)^```$", self.section(title),
                           re.M | re.S)
        assert len(found) == 1, f"{self.path.name}: {marks} in {title}"
        return found[0]

    def commands(self, title):
        return [step.commands for step in self.steps(title)]


def type_in(*blocks, cwd=None, user="root", timeout=900, **env):
    """Type them to a shell, in a folder or at home. What an error would stop
    is stopped. Returns how that ended."""
    start = [f"cd {cwd}"] if cwd else []
    return world.run("bash", "-euxo", "pipefail", "-c",
                     "\n".join([*start, *blocks]), user=user,
                     timeout=timeout, PATH=os.environ["PATH"], **env)


def follow(*blocks, **more):
    """type_in(), and it has to end well. Returns what it printed."""
    done = type_in(*blocks, **more)
    assert done.code == 0, done
    return done.out


# What differs from one machine and one day to another.
VARYING = (("TIME", r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"),
           ("ID", r"fo_(?:agent|user)_[0-9a-f-]{36}"),
           ("FINGERPRINT", r"SHA256:[\w+/]{43}"),
           ("THUMBPRINT", r"(?<![\w-])[\w-]{43}(?![\w-])"),
           ("ADDRESS", r"\b\d+\.\d+\.\d+\.\d+\b"),
           ("NUMBER", r"\b\d+\b"))


def shape(text):
    """A text with all that varies replaced by what it is."""
    for word, pattern in VARYING:
        text = re.sub(pattern, word, text)
    return [" ".join(line.split()) for line in text.splitlines()]
