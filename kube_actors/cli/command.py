"""What can be typed. Heavy imports happen inside the commands, so that ``--help`` is instant."""

import sys
from pathlib import Path
from typing import Any

import click

from kube_actors.cli.default_directory import DEFAULT_DIRECTORY


class Commands(click.Group):
    """Every failure is one line on stderr and its exit code; click would print the usage too."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command line; ends the process with the exit code that the failure has."""
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(error.exit_code)
        except click.ClickException as error:
            text = " ".join(error.format_message().split())
            if isinstance(error, click.UsageError) and error.ctx is not None:
                text += f" (see {error.ctx.command_path} --help)"
            click.echo(f"error: {text}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("stopped", err=True)
            sys.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kube-actors", prog_name="kube-actors")
def main() -> None:
    """A Kubernetes control plane made of async actors, in one process or in many."""


def _quota(command: Any) -> Any:
    return click.option(
        "--store-quota",
        default="2Gi",
        show_default=True,
        metavar="SIZE",
        help="How much the store takes before it refuses writes, history included; 0: no limit.",
    )(command)


@main.command()
@click.option("--masters", default=3, show_default=True, help="1, 3 or 5.")
@click.option("--nodes", default=3, show_default=True, help="How many nodes.")
@click.option(
    "--runtime",
    type=click.Choice(["process", "simulated"]),
    default="process",
    show_default=True,
    help="Real processes on loopback addresses, or simulated pods.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the store here; without it everything is in memory.",
)
@click.option("--listen", default="127.0.0.1:6443", show_default=True, metavar="HOST:PORT")
@click.option(
    "-f",
    "--filename",
    "manifests",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Apply this file or directory once the cluster is ready; may be repeated.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the kubeconfig [default: DATA_DIR/kubeconfig or .kube-actors/kubeconfig].",
)
@click.option("--quick", is_flag=True, help="Notice failures in seconds, not Kubernetes' minutes.")
@click.option(
    "--etcd-listen",
    metavar="[https://]HOST:PORT",
    help="Serve the store as etcd v3 too: member 1 here, the others at the next ports. "
    "Without https on this machine only.",
)
@click.option(
    "--store",
    metavar="etcd=URL[,URL]",
    help="Keep everything in this etcd instead of the embedded store.",
)
@click.option("--store-cacert", type=click.Path(exists=True, path_type=Path), help="PEM file.")
@click.option("--store-cert", type=click.Path(exists=True, path_type=Path), help="PEM file.")
@click.option("--store-key", type=click.Path(exists=True, path_type=Path), help="PEM file.")
@_quota
@click.option(
    "--backend", type=click.Choice(["asyncio", "trio"]), default="asyncio", show_default=True
)
def up(**options: Any) -> None:
    """Run a cluster until Ctrl-C."""
    from kube_actors.cli.up import run_up

    run_up(**options)


def _joining(command: Any) -> Any:
    """What every separate process is told."""
    options = [
        click.option("--name", required=True, help="The name on this process's certificate."),
        click.option(
            "--join",
            multiple=True,
            required=True,
            metavar="NAME[@NUMBER]=HOST:PORT",
            help="Each master and where the others reach it; the same for every process.",
        ),
        click.option(
            "--pki",
            required=True,
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The directory that `pki init` and `pki issue` filled.",
        ),
        click.option(
            "--quick", is_flag=True, help="Notice failures in seconds, not Kubernetes' minutes."
        ),
        click.option(
            "--backend",
            type=click.Choice(["asyncio", "trio"]),
            default="asyncio",
            show_default=True,
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@_joining
@click.option(
    "--data-dir",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="This master's own directory; the store is kept there.",
)
@click.option(
    "--listen",
    default="127.0.0.1:6443",
    show_default=True,
    metavar="HOST:PORT",
    help="Where this master serves the API.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the kubeconfig [default: DATA_DIR/kubeconfig].",
)
@click.option(
    "--etcd-listen",
    metavar="[https://]HOST:PORT",
    help="Also serve this master's store member as an etcd v3 there (needs kube-actors[etcd]).",
)
@_quota
@click.option(
    "--learner",
    is_flag=True,
    help="A master that joins votes only when `store promote` says so, not once it has caught up.",
)
def master(**options: Any) -> None:
    """Run one master in this process; 1, 3 or 5 such processes make a cluster.

    A master joins a running cluster under the number that `kube-actors store add NAME` gave it:
    its --join says NAME@NUMBER=HOST:PORT for itself.
    """
    from kube_actors.cli.master import run_master_process

    run_master_process(**options)


@main.command()
@_joining
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where pods keep their files; without it they are gone when the node ends.",
)
@click.option(
    "--runtime",
    type=click.Choice(["process", "simulated"]),
    default="process",
    show_default=True,
    help="Real processes on loopback addresses, or simulated pods.",
)
def node(**options: Any) -> None:
    """Run one node in this process, joined to the masters of `kube-actors master`."""
    from kube_actors.cli.node import run_node_process

    run_node_process(**options)


@main.group()
def pki() -> None:
    """Make and show the certificates of separate processes."""


@pki.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def pki_init(directory: Path) -> None:
    """Make a new cluster's authority, token key and administrator in DIRECTORY."""
    from kube_actors.cli.pki import run_init

    run_init(directory)


@pki.command("issue")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--host", "hosts", multiple=True, help="A host name or address it serves at.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
@click.option("--node", is_flag=True, help="They are nodes: none of them can serve the API.")
def pki_issue(
    directory: Path, names: tuple[str, ...], hosts: tuple[str, ...], days: int, node: bool
) -> None:
    """Issue the certificates of the processes NAME..., for both ends of mutual TLS."""
    from kube_actors.cli.pki import run_issue

    run_issue(directory, names, hosts, days, node=node)


@pki.command("show")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def pki_show(directory: Path) -> None:
    """List the certificates in DIRECTORY, whom they are for and when they expire."""
    from kube_actors.cli.pki import run_show

    run_show(directory)


@main.command()
@click.option(
    "--backend", type=click.Choice(["asyncio", "trio"]), default="asyncio", show_default=True
)
@click.option(
    "--manifest",
    type=click.Path(exists=True, path_type=Path),
    help="The application to run [default: examples/web].",
)
def demo(backend: str, manifest: Path | None) -> None:
    """Run a real application on three masters and three nodes, break it, watch it heal."""
    from kube_actors.cli.demo import run_demo

    run_demo(backend=backend, manifest=manifest)


def _kubeconfig_option(command: Any) -> Any:
    return click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="KUBECONFIG",
        default=DEFAULT_DIRECTORY / "kubeconfig",
        show_default=True,
        help="The kubeconfig that `up` wrote (or $KUBECONFIG).",
    )(command)


@main.command()
@_kubeconfig_option
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def status(kubeconfig: Path, output: str) -> None:
    """Show masters, store members, leader, term, commit and nodes of a running `up`."""
    from kube_actors.cli.status import show_status

    show_status(kubeconfig, output)


@main.command()
@_kubeconfig_option
@click.argument(
    "verb",
    type=click.Choice(["kill", "revive", "crash", "pause", "resume", "partition", "heal"]),
)
@click.argument("targets", nargs=-1)
def chaos(kubeconfig: Path, verb: str, targets: tuple[str, ...]) -> None:
    """Break a part of a running `up`, or mend it.

    TARGET is an actor (store/1, apiserver/2, kubelet/node-1), a machine (master/2, node/node-3) or
    `leader`. `partition A B` cuts A from B; `partition A` cuts A from everything; a group is
    written A,B. `heal` without a target mends all.
    """
    from kube_actors.cli.status import run_chaos

    run_chaos(kubeconfig, verb, targets)


from kube_actors.cli.sim import sim  # noqa: E402  (its options need nothing heavy)
from kube_actors.cli.store import store  # noqa: E402

main.add_command(sim)
main.add_command(store)
