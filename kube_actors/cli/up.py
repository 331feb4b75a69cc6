"""``kube-actors up``: a cluster that stays until it is told to go."""

import os
import shlex
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import click

from kube_actors.api import StatusError, UnknownKind
from kube_actors.cli.default_directory import DEFAULT_DIRECTORY
from kube_actors.cli.etcd import EtcdDoor, EtcdListen, store_engine
from kube_actors.cli.quota import quota_of
from kube_actors.cluster import Cluster, InvalidConfig, NotReady, Timings, sweep_scratch


def run_up(*, backend: str, **options: Any) -> None:
    """Run until SIGINT or SIGTERM; every way out is one line and an exit code."""
    try:
        anyio.run(_up, options, backend=backend)
    except* InvalidConfig as refused:
        raise click.UsageError(_first(refused)) from None
    except* click.ClickException as failed:
        raise click.ClickException(_first(failed)) from None
    except* (NotReady, StatusError) as failed:
        raise click.ClickException(_first(failed)) from None
    except* OSError as failed:
        raise click.ClickException(
            f"{_first(failed)} (choose another --listen or --data-dir)"
        ) from None


def _first(group: BaseExceptionGroup[Any]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


async def _up(options: dict[str, Any]) -> None:
    data_dir: Path | None = options["data_dir"]
    kubeconfig = options["kubeconfig"] or (data_dir or DEFAULT_DIRECTORY) / "kubeconfig"
    listen = options["etcd_listen"] and EtcdListen.parse(options["etcd_listen"])
    engine = options["store"] and store_engine(
        options["store"],
        options["store_cacert"],
        options["store_cert"],
        options["store_key"],
    )
    if listen and engine:
        raise click.UsageError("--etcd-listen serves our own store: it cannot go with --store")
    sweep_scratch()
    cluster = Cluster(
        masters=options["masters"],
        nodes=options["nodes"],
        runtime=options["runtime"],
        data_dir=data_dir,
        listen=options["listen"],
        engine=engine or None,
        quota_bytes=quota_of(options["store_quota"]),
        timings=Timings.quick() if options["quick"] else Timings(),
    )
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:

            async def end_on_signal() -> None:
                async for _ in signals:
                    tasks.cancel_scope.cancel()

            tasks.start_soon(end_on_signal)
            async with cluster, AsyncExitStack() as stack:
                path = cluster.write_kubeconfig(kubeconfig)
                lines: list[str] = []
                if listen:
                    directory = kubeconfig.parent / "etcd"
                    lines = await stack.enter_async_context(EtcdDoor(cluster, listen, directory))
                _greet(cluster, path, lines, options["store"])
                for manifest in options["manifests"]:
                    await _apply(cluster, manifest)
                await anyio.sleep_forever()
    click.echo("stopped")


async def _apply(cluster: Cluster, manifest: Path) -> None:
    """Apply a file or directory and say what; raises ClickException that names the path."""
    try:
        applied = await cluster.client.apply(manifest)
    except (StatusError, UnknownKind, OSError) as error:
        raise click.ClickException(f"{manifest}: {error}") from None
    if not applied:
        raise click.ClickException(f"{manifest}: no objects (.yaml, .yml or .json) to apply")
    for each in applied:
        click.echo(f"applied {each['kind'].lower()}/{each['metadata']['name']}")


def _greet(cluster: Cluster, path: Path, lines: list[str], store: str | None) -> None:
    config = cluster.config
    where = f"kept in {config.data_dir}" if config.data_dir else "in memory, gone when this ends"
    if store:
        where = store.replace("=", " at ", 1)
    click.echo(f"{config.masters} masters and {len(config.nodes)} nodes are ready at {cluster.url}")
    click.echo(f"the store is {where}")
    if config.masters == 1:
        click.echo("one master: nothing tolerates its failure")
    for trouble in cluster.troubles:
        click.echo(f"DEGRADED: {trouble}")
    click.echo("")
    click.echo(f"  export KUBECONFIG={shlex.quote(os.path.abspath(path))}")
    for line in lines:
        click.echo(f"  {line}")
    click.echo("")
    click.echo("then: kubectl get nodes · kube-actors status · kube-actors chaos kill leader")
