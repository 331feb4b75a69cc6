"""Messages are read in threads too: two may meet a class for the first time at the same moment."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kube_actors.actor.message import tag_of
from kube_actors.actor.talk.codec import Codec
from kube_actors.store import Txn

THREADS, ROUNDS = 4, 40


@pytest.fixture
def restless() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_a_class_that_threads_meet_at_once_is_known_to_all_of_them() -> None:
    together = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            codec = Codec()

            def meet(number: int, codec: Codec = codec) -> object:
                together.wait(120.0)
                if number % 2:
                    return codec.decoder(tag_of(Txn))
                return codec.encoder(Txn)

            for found in [pool.submit(meet, number) for number in range(THREADS)]:
                found.result(120.0)
