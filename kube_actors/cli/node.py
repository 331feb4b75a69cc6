"""``kube-actors node``: one node, in a process of its own, of a cluster of separate masters."""

import logging
from typing import Any

import anyio
import click

from kube_actors.cli.foreground import patiently, run_until_signal
from kube_actors.cluster import InvalidConfig, Timings
from kube_actors.cluster.processes import NodeOptions, NodeProcess, PkiDirectory, parse_join


def run_node_process(*, backend: str, **given: Any) -> None:
    """Run one node until SIGINT or SIGTERM; its pods end with it."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(message)s")
    try:
        options = NodeOptions(
            name=given["name"],
            join=parse_join(given["join"]),
            pki=PkiDirectory(given["pki"]),
            data_dir=given["data_dir"],
            runtime=given["runtime"],
            timings=Timings.quick() if given["quick"] else Timings(),
        )
        node = NodeProcess(options)
    except InvalidConfig as refused:
        raise click.UsageError(str(refused)) from None

    async def run() -> None:
        async with node:
            await patiently(node.ready, node.missing)
            click.echo(f"node {options.name} is Ready")
            await anyio.sleep_forever()

    run_until_signal(run, backend=backend, hint="choose another --data-dir")
