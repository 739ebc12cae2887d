# SPDX-License-Identifier: MIT
"""A TCP proxy before a PostgreSQL server that loses what a test wants lost.

    proxy = Proxy("127.0.0.1", server.port)   # proxy.port
    proxy.lose_commit_replies(1)   # the server commits, the client never hears of it, the connection breaks
    proxy.cut()                    # every connection is reset, new ones are refused
    proxy.stall()                  # bytes vanish, connections stay: dropped packets
    proxy.heal()
"""
import contextlib
import socket
import threading

# CommandComplete of a COMMIT, as the server says it.
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"


class Proxy:
    def __init__(self, host, port):
        self.target = (host, port)
        self.lock = threading.Lock()
        self.pairs = []
        self.refuses = False
        self.stalled = False
        self.replies_to_lose = 0
        self.lost = 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            if self.refuses:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            pair = (client, server)
            with self.lock:
                self.pairs.append(pair)
            threading.Thread(target=self._pump, args=(client, server, False, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True, pair), daemon=True).start()

    def _take_loss(self, data):
        with self.lock:
            if self.replies_to_lose == 0 or COMMITTED not in data:
                return False
            self.replies_to_lose -= 1
            self.lost += 1
            return True

    def _pump(self, source, sink, from_server, pair):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.stalled:
                    continue
                if from_server and self._take_loss(data):
                    break
                sink.sendall(data)
        self._close(pair)

    def _close(self, pair):
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def lose_commit_replies(self, count):
        with self.lock:
            self.replies_to_lose = count

    def cut(self):
        self.refuses = True
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self._close(pair)

    def stall(self):
        self.stalled = True

    def heal(self):
        """Connections that swallowed something are of no use any more."""
        was_stalled, self.stalled, self.refuses = self.stalled, False, False
        if was_stalled:
            with self.lock:
                pairs = list(self.pairs)
            for pair in pairs:
                self._close(pair)

    def close(self):
        self.door.close()
        self.cut()
