"""What a TCP network counts, whichever of its parts sees it happen."""

import attrs


@attrs.define
class TcpStatistics:
    """Counts since the network was opened.

    Connections: ``connected``, ``lost`` after that, ``refused`` by this process. Envelopes:
    ``overflowed`` beyond what may wait for a peer, ``unreachable`` for want of a receiver.
    """

    connected: int = 0
    lost: int = 0
    refused: int = 0
    overflowed: int = 0
    unreachable: int = 0
