"""A TCP connection whose one direction can be made slow."""

from collective.cloudfront.demo.instance import free_port
from contextlib import suppress
from functools import partial

import queue
import socket
import threading
import time


class SlowLink:
    """Passes bytes on to ``address`` (``host:port``); what comes back is ``delay`` seconds
    late.
    """

    def __init__(self, address: str):
        host, port = address.split(":")
        self._target = host, int(port)
        self.delay = 0.0
        self.address = f"127.0.0.1:{free_port()}"
        self._listener = socket.create_server(("127.0.0.1", int(self.address[10:])))
        self._start(self._accept)

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                far = socket.create_connection(self._target)
                late: queue.Queue = queue.Queue()
                self._start(self._pass_on, near, far.sendall, far)
                self._start(self._pass_on, far, partial(self._put, late), near)
                self._start(self._deliver, late, near)

    def _put(self, late: queue.Queue, data: bytes) -> None:
        late.put((time.monotonic() + self.delay, data))

    @staticmethod
    def _pass_on(source, take, other) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                take(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _deliver(late: queue.Queue, target) -> None:
        with suppress(OSError):
            while True:
                due, data = late.get()
                time.sleep(max(0.0, due - time.monotonic()))
                target.sendall(data)

    @staticmethod
    def _start(run, *arguments) -> None:
        threading.Thread(target=run, args=arguments, daemon=True).start()
