"""The part of the stories' language that needs no members: counting, and changing who is counted.

``committed 1 2 3 | 3 4 : 1=5 2=7`` is asked of the voters before ``:``, joint with those after
``|``; members without a number have stored nothing. ``vote 1 2 3 : 1=yes 2=no`` likewise.
``configuration 1 2 3 ?4`` begins with these voters and learners; ``alter +5 -1 explicit`` changes
them by the rules of §6 and prints what they are now.
"""

from attrs import frozen

from kube_actors.raft import ChangeType, ConfigChange, ConfigState, MemberChange, Quorum, Transition
from kube_actors.raft.quorum import NO_LIMIT

CHANGES = {"+": ChangeType.ADD_VOTER, "-": ChangeType.REMOVE, "?": ChangeType.ADD_LEARNER}


@frozen
class Stored:
    match_index: int


def _quorum(words: list[str]) -> tuple[Quorum, dict[int, str]]:
    asked, _, given = " ".join(words).partition(":")
    voters, _, outgoing = asked.partition("|")
    answers = dict(word.split("=") for word in given.split())
    quorum = Quorum(tuple(map(int, voters.split())), tuple(map(int, outgoing.split())))
    return quorum, {int(member): answer for member, answer in answers.items()}


def committed(words: list[str]) -> str:
    quorum, stored = _quorum(words)
    index = quorum.committed_index({m: Stored(int(i)) for m, i in stored.items()})
    return "any" if index == NO_LIMIT else str(index)


def vote(words: list[str]) -> str:
    quorum, votes = _quorum(words)
    return quorum.vote_result({member: vote == "yes" for member, vote in votes.items()}).value


def change(words: list[str]) -> ConfigChange:
    """Read ``+4 -2 ?5 explicit`` or ``leave``."""
    named = {transition.name.lower(): transition for transition in Transition}
    changes = [
        MemberChange(CHANGES[word[0]], int(word[1:])) for word in words if word[0] in CHANGES
    ]
    modes = [named[word] for word in words if word in named]
    return ConfigChange(tuple(changes), modes[0] if modes else Transition.AUTO)


def configuration(words: list[str]) -> ConfigState:
    voters = tuple(int(word) for word in words if word[0] != "?")
    return ConfigState(voters, learners=tuple(int(word[1:]) for word in words if word[0] == "?"))


def who(config: ConfigState) -> str:
    """Print a configuration: ``voters 1 2 3 | 1 2 (joint, left by itself), learners 4``."""
    text = "voters " + " ".join(map(str, config.voters))
    if config.voters_outgoing:
        text += " | " + " ".join(map(str, config.voters_outgoing))
        text += f" (joint, left {'by itself' if config.auto_leave else 'on request'})"
    if config.learners:
        text += ", learners " + " ".join(map(str, config.learners))
    if config.learners_next:
        text += ", learners once it is left " + " ".join(map(str, config.learners_next))
    return text
