"""Messages to frames and back: msgpack headers, blobs by reference.

The only module that knows msgpack. Whatever is wrong with a message or with bytes (unknown tag,
missing, extra or ill-typed field, trailing bytes, too deep nesting) is one ``MalformedMessage``:
at the sender when it tries to say it, at the receiver when somebody else did.
"""

from typing import Any

import msgpack

from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.talk.codec import Codec, taker
from kube_actors.actor.talk.frame import Frame

_codec = Codec()
_encoders = _codec.encoders
_decoders = _codec.decoders
_unpack = msgpack.unpackb
_pack = msgpack.Packer(use_bin_type=True, autoreset=True).pack


def encode(message: Any) -> Frame:
    """Turn a message into its frame; MalformedMessage when it breaks its own annotations."""
    cls = type(message)
    encoder = _encoders.get(cls)
    if encoder is None:
        encoder = _codec.encoder(cls)
    blobs: list[bytes] = []
    try:
        return Frame(_pack(encoder(message, blobs)), tuple(blobs) if blobs else ())
    except (ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, MalformedMessage):
            raise
        raise MalformedMessage(f"{cls.__name__}: {error}") from error


def decode(frame: Frame) -> Any:
    """Turn a frame into its message; MalformedMessage when it is not exactly one."""
    header, blobs = frame
    try:
        value = _unpack(header, use_list=False)
        tag = value[0]
        decoder = _decoders.get(tag)
        if decoder is None:
            decoder = _codec.decoder(tag)
        if not blobs:
            return decoder(value, _no_blob)
        take, left = taker(blobs)
        message = decoder(value, take)
        for _ in left:
            raise MalformedMessage(f"{tag}: more blobs than the header names")
        return message
    except MalformedMessage:
        raise
    except (ValueError, LookupError, TypeError, StopIteration, RecursionError) as error:
        raise MalformedMessage(f"not a message: {error}") from error


def _no_blob() -> bytes:
    raise MalformedMessage("the header names a blob that did not come")
