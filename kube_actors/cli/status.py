"""``kube-actors status`` and ``kube-actors chaos``: look at, and break, a running cluster."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from kube_actors.cli.remote import ask

READ_ONLY_EXIT = 3


def show_status(kubeconfig: Path, output: str) -> None:
    """Print the cluster's status; exit with 3 when it is read-only."""
    status = ask(kubeconfig, "status")
    if output == "json":
        click.echo(json.dumps(status, indent=2))
    else:
        for line in render_status(status):
            click.echo(line)
    if _is_read_only(status["store"]):
        sys.exit(READ_ONLY_EXIT)


def render_status(status: dict[str, Any]) -> list[str]:
    """Lay the status out for a terminal, one fact a line."""
    store = status["store"]
    members = store["members"]
    lines = [_headline(store)]
    troubles = [m["trouble"] for m in status["masters"].values() if m["trouble"]]
    lines += [f"DEGRADED: {trouble}" for trouble in troubles]
    lines += ["", _row("MASTER", "UP", "STORE", "ROLE", "TERM", "COMMIT", "APPLIED", "REVISION")]
    for number, member in members.items():
        up = status["masters"].get(f"master/{number}", {}).get("up", False)
        lines.append(_member(number, up, member, store))
    lines += ["", _row("NODE", "STATUS")]
    for name, node in status["nodes"].items():
        state = "Ready" if node["ready"] else "NotReady"
        if node["unschedulable"]:
            state += ",SchedulingDisabled"
        if not node["up"]:
            state += " (down)"
        lines.append(_row(name, state))
    return lines


def _is_read_only(store: dict[str, Any]) -> bool:
    """Say whether it is, also in the moment before the members themselves have noticed."""
    answering = sum(member["answers"] for member in store["members"].values())
    return bool(store["readOnly"]) or answering <= len(store["members"]) // 2


def _headline(store: dict[str, Any]) -> str:
    members = store["members"]
    silent = [f"store/{number}" for number, member in members.items() if not member["answers"]]
    answering, majority = len(members) - len(silent), len(members) // 2 + 1
    count = f"{answering} of {len(members)} store members answer"
    if store["engine"]:
        # All masters share it; how many members it has is its own affair.
        return _engine_headline(answering, len(members), read_only=store["readOnly"])
    if _is_read_only(store):
        why = " and nobody leads" if answering >= majority else ""
        return (
            f"READ-ONLY: {count}{why}; reads may be stale, writes are refused until a majority "
            "is back"
        )
    leader = f"store/{store['leader']}"
    known = leader.removeprefix("store/") in members and leader not in silent
    leads = f"{leader} leads" if known else "nobody leads yet"
    if not silent:
        return f"healthy: {leads}, {count}"
    spare = answering - majority or "no"
    return f"DEGRADED: {leads}, {count} ({', '.join(silent)} silent); {spare} more may fail"


def _engine_headline(answering: int, masters: int, *, read_only: bool) -> str:
    if read_only:
        said = "does not answer" if not answering else "has no leader"
        return f"READ-ONLY: the store's engine {said}; reads may be stale, writes are refused"
    state = "healthy" if answering == masters else "DEGRADED"
    return f"{state}: {answering} of {masters} masters reach the store's engine, which has a leader"


def _member(number: str, up: bool, member: dict[str, Any], store: dict[str, Any]) -> str:
    leader = store["leader"]
    place = "engine" if store["engine"] else f"store/{number}"
    if not member["answers"]:
        return _row(f"master/{number}", "yes" if up else "no", place, "silent")
    if store["engine"]:
        numbers = [str(member[key]) for key in ("term", "commit", "applied", "revision")]
        return _row(f"master/{number}", "yes" if up else "no", place, "answers", *numbers)
    role = "leader" if member["leader"] == int(number) and leader == int(number) else "follower"
    if member["readOnly"]:
        role = "read-only"
    numbers = [str(member[key]) for key in ("term", "commit", "applied", "revision")]
    return _row(f"master/{number}", "yes" if up else "no", place, role, *numbers)


def _row(*cells: str) -> str:
    return " ".join(f"{cell:<12}" for cell in cells).rstrip()


def run_chaos(kubeconfig: Path, verb: str, targets: tuple[str, ...]) -> None:
    """Carry out one verb and say what was done."""
    answer = ask(kubeconfig, "chaos", {"verb": verb, "targets": list(targets)})
    done = " ".join(answer["targets"])
    click.echo(f"{verb} {done}".strip())
