"""May this be done? Asked of `fo check`, which decides as a hook of a coding
agent does, and whose event says who asked for what."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from typing import Any, Dict, List, Literal, Optional, Union

from .errors import (BY_WHY, ArgumentError, FirstOpsError, NotFoundError,
                     ReadError)

DECISIONS = ("allow", "ask", "deny")


@dataclasses.dataclass(frozen=True)
class Decision:
    """What the policies say to an action."""

    decision: Literal["allow", "ask", "deny"]
    """ask: a person is to be asked first; go on only if they say yes."""
    why: str
    """The word of the event: "ok", "ask", "policy", "suspended", ..."""
    policy: Optional[str]
    rule: Optional[str]
    """Those that decided; None: none did."""
    reason: str
    """The same for people."""

    @property
    def allowed(self) -> bool:
        """May it be done, without asking anybody?"""
        return self.decision == "allow"


def _command(channel: str, cwd: Union[str, os.PathLike[str], None],
             method: Optional[str],
             config: Union[str, os.PathLike[str], None]) -> List[str]:
    program = shutil.which("fo")
    if program is None:
        raise NotFoundError("fo is not on PATH; install FirstOps' tools")
    words = [program, "check", "--json", "--asks", "--channel", channel,
             "--what", "-"]
    for option, value in (("--cwd", cwd), ("--method", method),
                          ("--config", config)):
        if value is not None:
            words += [option, os.fspath(value)]
    if any("\0" in word for word in words):
        raise ArgumentError("an argument has a NUL in it")
    return words


def _read(code: int, out: bytes, err: bytes) -> Decision:
    """The answer, if it is one."""
    try:
        said: Dict[str, Any] = json.loads(out)
        why, decision = str(said["why"]), said.get("decision")
    except (ValueError, KeyError, TypeError):
        raise FirstOpsError(
            f"fo check ended with {code} and no answer: "
            f"{err.decode(errors='replace').strip()}", "internal") from None
    error = said.get("error")
    if code not in (0, 1) or decision not in DECISIONS or \
            (code == 0) != (decision == "allow"):
        raise BY_WHY.get(why, FirstOpsError)(
            str(error or f"fo check ended with {code}"),
            why if why != "ok" else "internal")
    policy, rule = said.get("policy"), said.get("rule")
    return Decision(decision, why, policy, rule,
                    str(error or f"rule {policy}/{rule} allows it"))


def check(channel: Literal["command", "file", "tool", "http"],
          what: Union[str, os.PathLike[str]], *,
          cwd: Union[str, os.PathLike[str], None] = None,
          method: Optional[str] = None,
          config: Union[str, os.PathLike[str], None] = None,
          timeout: float = 10.0) -> Decision:
    """Ask whether whoever's key signs here may do something.

    channel  command (a text for a shell), file, tool or http
    what     the command, path, name or URL
    cwd      where a command runs, or what a path is relative to
    method   of a request; GET
    config   another firstops.yaml than /etc/firstops/firstops.yaml
    timeout  seconds; a person who has to confirm with the signer needs some

    A no is a Decision. What kept it from being decided is raised, a
    FirstOpsError: no key, no store, no time. Do not go on then.
    """
    words = _command(channel, cwd, method, config)
    try:
        text = os.fspath(what).encode()
        if b"\0" in text:
            raise ArgumentError("what has a NUL in it")
        done = subprocess.run(words, input=text, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except UnicodeEncodeError as error:
        raise ArgumentError(f"half a character: {error}") from error
    except subprocess.TimeoutExpired:
        raise ReadError(f"fo check gave no answer within {timeout:g} s"
                        ) from None
    except OSError as error:
        raise ReadError(f"{words[0]}: {error.strerror}") from error
    return _read(done.returncode, done.stdout, done.stderr)
