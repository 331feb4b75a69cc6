"""``kube-actors store``: look after the store of a running cluster, or after its files."""

import os
from pathlib import Path
from typing import Any

import click

DEFAULT_KUBECONFIG = Path(".kube-actors") / "kubeconfig"


def _kubeconfig(command: Any) -> Any:
    return click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="KUBECONFIG",
        default=DEFAULT_KUBECONFIG,
        show_default=True,
        help="The kubeconfig that `up` wrote (or $KUBECONFIG).",
    )(command)


@click.group()
def store() -> None:
    """Members, alarms, snapshots and repair of the store."""


def _ask(kubeconfig: Path, verb: str, **asked: Any) -> dict[str, Any]:
    from kube_actors.cli.remote import ask

    return ask(kubeconfig, f"store/{verb}", asked)


@store.command()
@_kubeconfig
def members(kubeconfig: Path) -> None:
    """List who belongs to the group."""
    found = _ask(kubeconfig, "members")["members"]
    click.echo(f"{'MEMBER':<8}{'ROLE':<10}{'STORE':<16}NAME")
    for one in found:
        role = "learner" if one["learner"] else "voter"
        address = one["address"] or f"store/{one['id']}"
        click.echo(f"{one['id']:<8}{role:<10}{address:<16}{one['name']}".rstrip())


@store.command()
@_kubeconfig
@click.argument("name")
def add(kubeconfig: Path, name: str) -> None:
    """Add the master NAME, the name on its certificate, as a learner; then start its process."""
    (one,) = _ask(kubeconfig, "add", name=name)["members"]
    click.echo(f"{name} is member {one['id']}, a learner: start it with")
    click.echo(
        f"  kube-actors master --name {name} --join {name}@{one['id']}=HOST:PORT --join … (as the "
        "others) --pki … --data-dir …"
    )
    click.echo("it votes once it has caught up")


@store.command()
@_kubeconfig
@click.argument("member", type=int)
def remove(kubeconfig: Path, member: int) -> None:
    """Remove MEMBER, by its number in `members`, for good; its process ends by itself."""
    left = _ask(kubeconfig, "remove", member=member)["members"]
    click.echo(f"member {member} was removed, {len(left)} are left")


@store.command()
@_kubeconfig
@click.argument("member", type=int)
def promote(kubeconfig: Path, member: int) -> None:
    """Let the learner MEMBER vote; refused while it lags behind."""
    _ask(kubeconfig, "promote", member=member)
    click.echo(f"member {member} votes")


@store.command()
@_kubeconfig
@click.argument("member", type=int)
@click.option("--name", default="", help="Its process's name.")
@click.option("--peer-url", "peer_urls", multiple=True, help="Where other members reach it.")
@click.option("--client-url", "client_urls", multiple=True, help="Where it serves etcd's API.")
def update(
    kubeconfig: Path, member: int, name: str, peer_urls: tuple[str, ...], client_urls: Any
) -> None:
    """Say anew what MEMBER is known by; what is left out stays."""
    if not (name or peer_urls or client_urls):
        raise click.UsageError("say what is new: --name, --peer-url or --client-url")
    said = {"name": name, "peerUrls": list(peer_urls), "clientUrls": list(client_urls)}
    _ask(kubeconfig, "update", member=member, **said)
    click.echo(f"member {member} was updated")


@store.command()
@_kubeconfig
def alarms(kubeconfig: Path) -> None:
    """List the alarms that are raised."""
    _show_alarms(_ask(kubeconfig, "alarms"))


@store.command()
@_kubeconfig
@click.argument("kind", type=click.Choice(["nospace", "corrupt"]), default="nospace")
def disarm(kubeconfig: Path, kind: str) -> None:
    """End an alarm of every member: after making room, or replacing what was corrupt."""
    _show_alarms(_ask(kubeconfig, "disarm", kind=kind))


def _show_alarms(answer: dict[str, Any]) -> None:
    for alarm in answer["alarms"]:
        click.echo(f"store/{alarm['member']} {alarm['kind'].upper()} {alarm['text']}".rstrip())


@store.command()
@_kubeconfig
def defrag(kubeconfig: Path) -> None:
    """Replace every member's log by a snapshot, one member after the other."""
    for place, sizes in _ask(kubeconfig, "defrag")["members"].items():
        before, after = sizes["before"], sizes["after"]
        click.echo(
            f"store/{place}: log {before['logBytes']} -> {after['logBytes']} bytes, "
            f"data {before['sizeBytes']} -> {after['sizeBytes']} bytes, "
            f"{after['inUseBytes']} in use"
        )


@store.command("move-leader")
@_kubeconfig
@click.argument("member", type=int)
def move_leader(kubeconfig: Path, member: int) -> None:
    """Let MEMBER, by its number in `members`, lead."""
    click.echo(f"member {_ask(kubeconfig, 'move-leader', member=member)['leader']} leads")


@store.command()
@click.argument("target", metavar="DIR|store/N")
@click.option("--member", default=0, help="Its number, if neither it nor its name tells.")
@_kubeconfig
def rebuild(target: str, member: int, kubeconfig: Path) -> None:
    """Rebuild a member from its peers: its log is put aside, nothing of the group's is lost.

    DIR is the directory of a member that is not running: DATA_DIR/store/3 of an `up`,
    DATA_DIR/store of a `master`. It is rebuilt at its next start. `store/3` is a member of a
    running `up`.
    """
    from kube_actors.store import DiskError, prepare_rebuild

    if target.startswith("store/") and target.removeprefix("store/").isdecimal():
        place = int(target.removeprefix("store/"))
        answer = _ask(kubeconfig, "rebuild", master=place)
        click.echo(f"{target}, until now member {answer['member']}, is being rebuilt")
        return
    try:
        number = prepare_rebuild(Path(target), member)
    except (DiskError, OSError) as error:
        raise click.ClickException(str(error)) from None
    whose = f" of member {number}" if number else ""
    click.echo(
        f"{target}: the log{whose} was put aside; start it, and it gets everything from its peers "
        "under a new number"
    )


@store.group()
def snapshot() -> None:
    """Save the store to a file, look at one, make a new cluster of one."""


@snapshot.command("save")
@_kubeconfig
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save(kubeconfig: Path, file: Path) -> None:
    """Save the store of a running cluster to FILE, whole and verified or not at all."""
    from kube_actors.cli.remote import download
    from kube_actors.store import CorruptLog, decode_saved

    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as out:
            download(kubeconfig, "store/snapshot", out)
            out.flush()
            os.fsync(out.fileno())
        saved = decode_saved(part.read_bytes(), str(part))
        part.rename(file)
    except CorruptLog as error:
        raise click.ClickException(f"what arrived is not whole: {error}") from None
    except OSError as error:
        raise click.ClickException(f"cannot write {part}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{file}: revision {saved.revision}, {saved.keys} keys, {saved.size_bytes} bytes")


@snapshot.command("status")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def status(file: Path) -> None:
    """Verify FILE and say what is in it."""
    saved = _read(file)
    click.echo(f"revision      {saved.revision}")
    click.echo(f"compacted to  {saved.compact_revision}")
    click.echo(f"keys          {saved.keys}")
    click.echo(f"leases        {saved.leases}")
    click.echo(f"bytes         {saved.size_bytes}")
    click.echo(f"sha256        {saved.sha256}")


@snapshot.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--data-dir", required=True, type=click.Path(file_okay=False, path_type=Path), help="New."
)
@click.option("--masters", default=3, show_default=True, help="1, 3 or 5.")
@click.option("--token", default="", help="Makes two clusters of one file tell each other apart.")
@click.option(
    "--bump-revision", default=0, metavar="N", help="Let revisions go on N higher than in FILE."
)
@click.option(
    "--mark-compacted",
    is_flag=True,
    help="Forget all history, so that whoever remembers old revisions lists again.",
)
@click.option(
    "--one",
    "alone",
    is_flag=True,
    help="Make the directory of one `master` process; repeat it, with the same options, for each.",
)
def restore(file: Path, data_dir: Path, masters: int, **options: Any) -> None:
    """Make the data directory of a new cluster out of FILE; start it with `up --data-dir`.

    With --one it is one of the --masters that run in processes of their own.
    """
    import anyio

    from kube_actors.cluster import keep_masters
    from kube_actors.store import DiskError, restore_directories

    saved = _read(file)
    if masters not in (1, 3, 5):
        raise click.UsageError(f"a cluster has 1, 3 or 5 masters, not {masters}")

    place = data_dir / "store"
    if place.exists() and any(place.iterdir()):
        raise click.ClickException(f"{place} is not empty: restore into a new directory")

    async def run() -> None:
        await restore_directories(saved, place, masters, **options)

    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        keep_masters(data_dir, masters)
        anyio.run(run)
    except (DiskError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    revision = saved.revision + options["bump_revision"]
    whose = f"one of {masters} masters" if options["alone"] else f"{masters} masters"
    click.echo(f"{data_dir}: {saved.keys} keys at revision {revision} for {whose}")


def _read(file: Path) -> Any:
    from kube_actors.store import CorruptLog, decode_saved

    try:
        return decode_saved(file.read_bytes(), str(file))
    except CorruptLog as error:
        raise click.ClickException(
            f"{error}; use another file: save one with `kube-actors store snapshot save`"
        ) from None
    except OSError as error:
        raise click.ClickException(f"cannot read {file}: {error.strerror}") from None
