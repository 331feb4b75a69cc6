"""What went wrong with whom, each logged once: a peer that is down is dialled often."""

import logging

logger = logging.getLogger(__name__)

SAID_MAX = 1000
"""Troubles that are remembered, so that each is logged once."""


class Troubles:
    """Warnings in the name of one process; the oldest are forgotten beyond ``SAID_MAX``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said: dict[tuple[str, str], None] = {}

    def say_once(self, whom: str, text: str) -> None:
        """Log a trouble with somebody, again only after ``forget``."""
        if (whom, text) not in self._said:
            self._said[whom, text] = None
            if len(self._said) > SAID_MAX:
                del self._said[next(iter(self._said))]
            logger.warning("%s: %s: %s", self._name, whom, text)

    def forget(self, whom: str) -> None:
        """Let what comes now be said: there was a connection since."""
        for key in [key for key in self._said if key[0] == whom]:
            del self._said[key]
