"""``kube-actors sim check``: judge a history of operations from a file."""

import sys
import time
from pathlib import Path

import click

UNDECIDED_EXIT = 3
MODELS = ("register", "cas-register", "key-value", "set", "append")


@click.command()
@click.argument("history", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", type=click.Choice(MODELS), required=True, help="What the object is.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "edn", "json"]),
    default="auto",
    show_default=True,
    help="Jepsen's EDN, or JSON lines with the same fields.",
)
@click.option(
    "--keyed/--not-keyed",
    default=None,
    help="Values are pairs [key value], or not; found out when not said.",
)
@click.option("--strict-cas", is_flag=True, help="A failed cas saw another value.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up, undecided, after this long.",
)
def check(
    history: Path, model: str, form: str, keyed: bool | None, strict_cas: bool, timeout_s: float
) -> None:
    """Judge whether a HISTORY of concurrent operations is linearizable.

    A transaction (:txn with :append, :r, :w) is one operation if it stays on one key; over several
    keys it is refused.

    Exits with 0 when it is, 1 when it is not, 2 for a file that is no history and 3 when the time
    was too short to decide.
    """
    from kube_actors.simulation import linearizability

    specification = linearizability.MODELS[model]
    if strict_cas:
        if model != "cas-register":
            raise click.UsageError("--strict-cas is for --model cas-register")
        specification = linearizability.CasRegister(strict=True)
    end_s = time.monotonic() + timeout_s
    try:
        text = history.read_text(encoding="utf-8")
        events = linearizability.read_history(text, format=form, keyed=keyed)
        judgement = linearizability.check(
            events, specification, expired=lambda: time.monotonic() > end_s
        )
    except UnicodeDecodeError as error:
        text = f"not text in UTF-8: {error.reason} at byte {error.start}"
        raise click.UsageError(f"{history}: {text}") from None
    except OSError as error:
        raise click.UsageError(f"{history}: {error.strerror}") from None
    except linearizability.HistoryError as error:
        raise click.UsageError(f"{history}: {error}") from None
    click.echo(linearizability.explain(judgement, specification))
    if judgement.verdict is linearizability.Verdict.NOT:
        sys.exit(1)
    if judgement.verdict is linearizability.Verdict.UNDECIDED:
        sys.exit(UNDECIDED_EXIT)
