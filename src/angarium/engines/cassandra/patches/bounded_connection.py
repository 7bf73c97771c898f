"""A connection that reads no more than the driver looks at.

Fault: the driver reads in pieces of 4 KB for as long as there is
anything to read, and looks at it afterwards: it then copies all that is
left behind each piece of 128 KiB. And it forgets the first bytes of a
piece's header whose others have not come yet.
True in: cassandra-driver 3.30.1.
Noticed by:
`tests/unit/engines/cassandra/patches/test_bounded_connection.py`, where
the driver's own buffers have to come to what is overridden here.
The public way: `connection_class`, a public attribute of a cluster,
takes this class; how a connection reads, no setting says.
Measured: with many large answers under way the driver never came to
their end: it held 280 MiB, and each of them was late.
Mended upstream: delete this file, its test, and `connection_class` in
`engines/cassandra/cluster.py`.
"""

import ssl

from cassandra.cluster import DefaultConnection

READ_BYTES = 128 * 1024
"""The maximum of one segment of the protocol, version 5."""

_READABLE = 1
"""What libev calls EV_READ."""

_NOTHING_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _BoundedConnection(DefaultConnection):  # type: ignore[misc]
    """Reads once each time that its socket is readable.

    What is left waits in the socket buffers and at the node.
    """

    _buffer: memoryview | None = None

    def handle_read(self, watcher: object, revents: int, errno: int | None = None) -> None:
        """Read once, and process what was read.

        Args:
            watcher: libev's watcher of the socket.
            revents: What has happened, bits of libev.
            errno: Of a failure.
        """
        if revents != _READABLE:
            super().handle_read(watcher, revents, errno)
            return
        if self._buffer is None:
            self._buffer = memoryview(bytearray(READ_BYTES))
        try:
            size = self._socket.recv_into(self._buffer)
        except _NOTHING_YET:
            return
        except OSError as error:
            self.defunct(error)
            return
        if not size:
            self.close()
            return
        self._iobuf.write(self._buffer[:size])
        self.process_io_buffer()

    def _process_segment_buffer(self) -> None:
        """Keep an incomplete header until the rest of it arrives.

        The driver's own method forgets its first bytes.
        """
        if self._io_buffer.readable_io_bytes() < self._segment_codec.header_length_with_crc:
            self._io_buffer._segment_consumed = False
            self._iobuf.seek(0)
            return
        super()._process_segment_buffer()


ON_LIBEV = DefaultConnection.__name__ == "LibevConnection"
"""True for the driver's wheels; with another event loop, the driver's
own connection is used unchanged.
"""

BoundedConnection = _BoundedConnection if ON_LIBEV else DefaultConnection
