"""``kube-actors sim list``: scenarios, what they promise, and the faults that there are."""

from collections.abc import Mapping

import click

from kube_actors import simulation
from kube_actors.cli.sim.questions import import_modules, import_option


@click.command("list")
@click.option("--properties", is_flag=True, help="The properties that are checked, too.")
@click.option("--verbs", is_flag=True, help="The faults that a schedule may name, too.")
@import_option
def list_scenarios(properties: bool, verbs: bool, modules: tuple[str, ...]) -> None:
    """List the scenarios."""
    from kube_actors.simulation.cluster import PROMISES
    from kube_actors.simulation.cluster.faults import VERBS
    from kube_actors.simulation.raft.faults import RULES
    from kube_actors.simulation.raft.judges import PROPERTIES

    import_modules(modules)
    for name, scenario in simulation.load_scenarios().items():
        click.echo(f"{name:<18} {scenario.summary}")
    if properties:
        for heading, table in (("raft-…", PROPERTIES), ("cluster…", PROMISES)):
            click.echo(f"\n{heading}\n")
            for name, text in table.items():
                click.echo(f"{name:<26} {text}")
    if verbs:
        click.echo("\nraft-…: a target is a member, such as 1; a link is two, such as 1>2\n")
        _list_verbs(RULES)
        click.echo("\ncluster…: a target is a machine or an actor, such as master/1 or store/1\n")
        _list_verbs(VERBS)


def _list_verbs(rules: "Mapping[str, simulation.VerbRule]") -> None:
    for name, rule in rules.items():
        click.echo(f"{name:<16} {rule.text}" + (f" ({rule.takes})" if rule.takes else ""))
