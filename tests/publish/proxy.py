"""A TCP proxy that misbehaves like a network or a broker: cuts, refuses, freezes."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Proxy:
    """Forwards connections to `target`; runs in a thread."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._stopping = False
        self.refusing = False
        self.frozen = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def cut(self) -> None:
        """End every connection now."""
        with self._lock:
            for side in list(self._pairs):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stopping = True
        self.cut()
        self._thread.join(5)
        self._server.close()
        for side in self._pairs:
            side.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.05):
                if key.fileobj is self._server:
                    self._accept()
                elif not self.frozen and isinstance(key.fileobj, socket.socket):
                    self._forward(key.fileobj)
            if self.frozen:
                threading.Event().wait(0.02)

    def _accept(self) -> None:
        near, _ = self._server.accept()
        if self.refusing:
            near.close()
            return
        try:
            far = socket.create_connection(self._target, 5)
        except OSError:
            near.close()
            return
        with self._lock:
            self._pairs |= {near: far, far: near}
        for side in (near, far):
            self._selector.register(side, selectors.EVENT_READ)

    def _forward(self, side: socket.socket) -> None:
        other = self._pairs.get(side)
        if other is None:
            return
        try:
            data = side.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        with self._lock:
            for end in (side, other):
                self._pairs.pop(end, None)
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()
