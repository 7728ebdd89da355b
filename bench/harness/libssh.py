"""A login by libssh in this process: what a client costs that is not started for each login."""

import ctypes
import ctypes.util

OPTIONS = {"host": 0, "port": 1, "user": 4, "timeout": 9, "nodelay": 36}


def load() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("ssh") or "libssh.so.4")
    for name in ("ssh_new", "ssh_channel_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.ssh_get_error.restype = ctypes.c_char_p
    library.ssh_init()
    return library


class LoginFailed(Exception):
    """In libssh's words."""


class Client:
    """`run` is one whole login: connection, keys, password, one command, its exit status. Calls let other threads go on."""

    def __init__(self):
        self.library = load()

    def run(self, host: str, port: int, user: str, password: str, command: str = "true") -> int:
        call = self.library
        session = ctypes.c_void_p(call.ssh_new())
        channel = None
        try:
            self.option(session, "host", ctypes.c_char_p(host.encode()))
            self.option(session, "port", ctypes.byref(ctypes.c_uint(port)))
            self.option(session, "user", ctypes.c_char_p(user.encode()))
            self.option(session, "timeout", ctypes.byref(ctypes.c_long(20)))
            # Else each login waits 40 ms for an acknowledgement that the kernel delays (Nagle).
            self.option(session, "nodelay", ctypes.byref(ctypes.c_int(1)))
            self.check(session, call.ssh_connect(session))
            self.check(session, call.ssh_userauth_password(session, None, password.encode()))
            channel = ctypes.c_void_p(call.ssh_channel_new(session))
            self.check(session, call.ssh_channel_open_session(channel))
            self.check(session, call.ssh_channel_request_exec(channel, command.encode()))
            buffer = ctypes.create_string_buffer(4096)
            while call.ssh_channel_read(channel, buffer, 4096, 0) > 0:
                pass
            return call.ssh_channel_get_exit_status(channel)
        finally:
            if channel:
                call.ssh_channel_free(channel)
            call.ssh_disconnect(session)
            call.ssh_free(session)

    def option(self, session, name: str, value) -> None:
        self.check(session, self.library.ssh_options_set(session, OPTIONS[name], value))

    def check(self, session, code: int) -> None:
        if code != 0:
            raise LoginFailed(self.library.ssh_get_error(session).decode(errors="replace"))
