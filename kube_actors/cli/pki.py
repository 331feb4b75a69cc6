"""``kube-actors pki``: the certificates with which separate processes know each other."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import click

from kube_actors.cluster import NoFreeBlock, claim_block
from kube_actors.cluster.processes import PkiDirectory, PkiRefused

DAY_S = 86_400.0


def run_init(directory: Path) -> None:
    """Make the authority of a cluster and say what it is for."""
    try:
        claim = claim_block(Random(os.urandom(8)).randrange(200))
        claim.close()
        PkiDirectory.create(directory, block=claim.block, now_s=time.time(), entropy=os.urandom)
    except (PkiRefused, NoFreeBlock) as refused:
        raise click.ClickException(str(refused)) from None
    click.echo(f"made the authority of a new cluster in {directory}: keep ca.key and sa.key secret")
    click.echo(f"pods and services will have addresses in 127.{claim.block}.0.0/16")
    click.echo(f"next: kube-actors pki issue {directory} m1 m2 m3")
    click.echo(f"      kube-actors pki issue {directory} --node n1")


def run_issue(
    directory: Path, names: tuple[str, ...], hosts: tuple[str, ...], days: int, *, node: bool
) -> None:
    """Make one certificate per name."""
    for name in names:
        try:
            issued = PkiDirectory(directory).issue(
                name,
                hosts,
                now_s=time.time(),
                entropy=os.urandom,
                valid_s=days * DAY_S,
                node=node,
            )
        except (PkiRefused, ValueError) as refused:
            raise click.ClickException(str(refused)) from None
        click.echo(f"issued {name}.crt and {name}.key, good until {issued.expires:%Y-%m-%d}")


def run_show(directory: Path) -> None:
    """List the certificates and when they expire."""
    try:
        found = PkiDirectory(directory).show()
    except PkiRefused as refused:
        raise click.ClickException(str(refused)) from None
    now = datetime.fromtimestamp(time.time(), UTC)
    click.echo(f"{'NAME':<16} {'EXPIRES':<12} {'DAYS LEFT':<10} HOSTS")
    for each in found:
        left = (each.expires - now).days
        days = f"{left}" if each.expires > now else "EXPIRED"
        hosts = "the authority" if each.authority else ",".join(each.hosts)
        click.echo(f"{each.name:<16} {each.expires:%Y-%m-%d}   {days:<10} {hosts}".rstrip())
