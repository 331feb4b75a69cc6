"""``kube-actors master``: one master of a cluster whose processes find each other over TCP."""

import logging
import shlex
from pathlib import Path
from typing import Any

import anyio
import click

from kube_actors.cli.etcd import EtcdListen, load_etcd, serve_master
from kube_actors.cli.foreground import patiently, run_until_signal
from kube_actors.cli.quota import quota_of
from kube_actors.cluster import InvalidConfig, Timings, write_kubeconfig
from kube_actors.cluster.processes import (
    MasterOptions,
    MasterProcess,
    PkiDirectory,
    parse_endpoint,
    parse_join,
)


def run_master_process(*, backend: str, **given: Any) -> None:
    """Run one master until SIGINT or SIGTERM."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(message)s")
    data_dir: Path = given["data_dir"]
    listen = EtcdListen.parse(given["etcd_listen"]) if given["etcd_listen"] else None
    if listen is not None and not listen.port:
        raise click.UsageError("--etcd-listen: the others tell clients the port, 0 says nothing")
    etcd = load_etcd() if listen is not None else None
    try:
        options = MasterOptions(
            name=given["name"],
            join=parse_join(given["join"]),
            pki=PkiDirectory(given["pki"]),
            data_dir=data_dir,
            listen=parse_endpoint(given["listen"], "--listen"),
            learner=given["learner"],
            client_urls=(listen.url,) if listen is not None else (),
            quota_bytes=quota_of(given["store_quota"]),
            timings=Timings.quick() if given["quick"] else Timings(),
        )
        master = MasterProcess(options)
    except InvalidConfig as refused:
        raise click.UsageError(str(refused)) from None
    kubeconfig: Path = given["kubeconfig"] or data_dir / "kubeconfig"

    async def run() -> None:
        async with master, anyio.create_task_group() as tasks:
            if listen is not None:
                await serve_master(tasks, etcd, master, listen)
            tasks.start_soon(serve, master)
            await master.removed.wait()
            click.echo(
                f"{options.name} was removed from the cluster and ends; to come back it needs "
                "a new number (`kube-actors store add`) and an empty --data-dir"
            )
            tasks.cancel_scope.cancel()

    async def serve(master: MasterProcess) -> None:
        await patiently(master.ready, master.missing)
        path = write_kubeconfig(kubeconfig, master.kubeconfig)
        click.echo(
            f"{options.name} (master/{master.number} of {master.masters}) is ready at {master.url}"
        )
        click.echo(f"  export KUBECONFIG={shlex.quote(str(path.absolute()))}")

    run_until_signal(run, backend=backend, hint="choose another --listen, --join or --data-dir")
