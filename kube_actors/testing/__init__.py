"""The simulated cluster as a pytest fixture, for tests of operators and controllers.

Install kube-actors and ``world`` is there::

    def test_operator_survives(world):
        world.run(operator, expect=every_namespace_has_its_badge)

``operator(client)`` and the others are async functions that take a ``Client``. Each of the seeds is
a cluster of its own with its own faults; the first that breaks something is shrunk and told with
the command that runs it again. See ``World``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kube_actors.testing.world import World, WorldBroken, WorldSettings

__all__ = ["World", "WorldBroken", "WorldSettings"]


def __getattr__(name: str) -> Any:
    # pytest imports the plugin in every run; the simulator is for those who ask for it.
    if name in __all__:
        from kube_actors.testing import world

        return getattr(world, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
