"""Files that etcdctl saved: padded and signed as it wants, read by our own tools all the same."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.store.saved import padding_of
from kube_actors.store.saved.padding import PAGE_BYTES, without_padding


@given(st.binary(max_size=1500))
def test_padding_makes_whole_pages_and_comes_off_again(data: bytes) -> None:
    padded = data + padding_of(len(data))
    assert len(padded) % PAGE_BYTES == 0
    assert without_padding(padded + hashlib.sha256(padded).digest()) == data


@given(st.binary(max_size=1500))
def test_what_was_not_saved_by_etcdctl_is_left_alone(data: bytes) -> None:
    assert without_padding(data) == data


@pytest.mark.parametrize("place", [0, 500, -1, -33])
def test_a_damaged_file_is_left_for_its_reader_to_refuse(place: int) -> None:
    padded = b"x" * 600 + padding_of(600)
    saved = bytearray(padded + hashlib.sha256(padded).digest())
    saved[place] ^= 1
    assert without_padding(bytes(saved)) == saved
