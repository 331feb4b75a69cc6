"""The pieces of recovery: where a file's content ends, and the collector that keeps still."""

import gc

import pytest

from kube_actors.actor import Blob, MalformedMessage
from kube_actors.store import Put, Txn
from kube_actors.store.collecting import without_collecting
from kube_actors.store.disk.frames import written_bytes
from kube_actors.store.messages import Batch, Command, encode_batch, flat_parts, parts_within

BLOCK = 1 << 16


@pytest.mark.parametrize("zeros", [0, 1, 31, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
@pytest.mark.parametrize("content", [0, 1, 5, BLOCK - 1, BLOCK, 2 * BLOCK + 7])
def test_content_ends_where_only_zeros_follow(content: int, zeros: int) -> None:
    body = (bytes(content - 1) + b"\x01") if content else b""
    assert written_bytes(body + bytes(zeros)) == content


def test_entry_data_is_read_out_of_the_middle_of_a_frame_and_nothing_beyond_it() -> None:
    command = Command(1, 1, 1, 1, Txn((), (Put(b"k", Blob(b"value")),)))
    data = b"".join(flat_parts(encode_batch(Batch((command,)))))
    framed = b"before" + data + b"\x01\x00\x00\x00behind"
    start, end = 6, 6 + len(data)
    assert parts_within(framed, start, end).values == (b"value",)
    for wrong in range(start, end):
        with pytest.raises(MalformedMessage):
            parts_within(framed, start, wrong)
    with pytest.raises(MalformedMessage):
        parts_within(framed, start, end + 1)


def test_the_collector_is_off_until_the_last_one_is_done_and_then_as_it_was() -> None:
    assert gc.isenabled()
    with without_collecting():
        with pytest.raises(KeyError), without_collecting():
            raise KeyError
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
