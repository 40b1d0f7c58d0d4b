"""firstopsd's helpers, started as systemd does, and peers that speak to
them."""

import json
import os
import pathlib
import pwd
import socket
import struct

import world

FOLDER = pathlib.Path("/run/firstopsd")
PROGRAMS = pathlib.Path("/usr/libexec/firstops")


def begin():
    """What the package makes: the web part's user, a folder for sockets."""
    world.must("useradd", "--system", "firstops")
    FOLDER.mkdir()


def start(name, *more):
    """The socket first, the helper with the first peer."""
    path = FOLDER / f"{name}.sock"
    path.unlink(missing_ok=True)
    daemon = world.Daemon("systemd-socket-activate", "-l", path,
                          PROGRAMS / f"firstopsd-{name}", "--web-user",
                          "firstops", *more, ready="Listening on")
    path.chmod(0o666)
    return daemon


class Peer:
    """A connection of some user's process."""

    def __init__(self, name, user="firstops"):
        ours, theirs = socket.socketpair()
        uid = pwd.getpwnam(user).pw_uid
        child = os.fork()
        if child == 0:
            # SO_PEERCRED says who connected
            os.setgid(pwd.getpwnam(user).pw_gid)
            os.setuid(uid)
            made = socket.socket(socket.AF_UNIX)
            made.connect(str(FOLDER / f"{name}.sock"))
            socket.send_fds(theirs, [b"x"], [made.fileno()])
            os._exit(0)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        os.waitpid(child, 0)
        self.socket = socket.socket(fileno=fds[0])
        self.socket.settimeout(30)

    def send(self, what):
        text = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.socket.sendall(struct.pack(">I", len(text)) + text)

    def get(self):
        """Its next message; None: it closed the connection."""
        try:
            head = self.socket.recv(4, socket.MSG_WAITALL)
            if len(head) < 4:
                return None
            size, = struct.unpack(">I", head)
            return json.loads(self.socket.recv(size, socket.MSG_WAITALL))
        except ConnectionResetError:
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def sign_in(user, password=world.PASSWORD, rhost="192.0.2.7"):
    """A ticket, by way of the login helper."""
    with Peer("login") as peer:
        peer.send({"user": user, "rhost": rhost})
        assert "ask" in peer.get()
        peer.send({"answer": password})
        done = peer.get()
        assert done["ok"] is True, done
        return done["ticket"]
