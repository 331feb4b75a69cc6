"""What cannot be built is refused before anything starts, with the reason."""

import pytest

from kube_actors import Cluster, InvalidConfig, NodeSpec


@pytest.mark.parametrize(
    ("masters", "reason"),
    [
        (2, "2 masters tolerate no more failures than 1"),
        (4, "4 masters tolerate no more failures than 3"),
        (0, "1, 3 or 5 masters, not 0"),
        (7, "1, 3 or 5 masters, not 7"),
    ],
)
def test_an_unfit_number_of_masters_is_refused_with_the_reason(masters: int, reason: str) -> None:
    with pytest.raises(InvalidConfig, match=reason):
        Cluster(masters=masters)


def test_an_unknown_runtime_and_a_negative_count_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="process, simulated"):
        Cluster(runtime="docker")
    with pytest.raises(InvalidConfig, match="0 or more"):
        Cluster(nodes=-1)


def test_nodes_are_named_in_order_and_names_are_unique() -> None:
    specs = Cluster(nodes=[NodeSpec(), NodeSpec(name="gpu", runtime="simulated")]).config.nodes
    assert [(spec.name, spec.runtime) for spec in specs] == [
        ("node-1", "process"),
        ("gpu", "simulated"),
    ]
    with pytest.raises(InvalidConfig, match="same name"):
        Cluster(nodes=[NodeSpec(name="a"), NodeSpec(name="a")])
