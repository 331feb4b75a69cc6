"""Commands that stay until they are told to go: signals, and failures in one line."""

import signal
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import click

from kube_actors.cluster import DirectoryRefused, InvalidConfig
from kube_actors.cluster.processes import PkiRefused

NOTICE_S = 5.0
"""After how long somebody who waits is told what is missing."""


def run_until_signal(run: Callable[[], Awaitable[None]], *, backend: str, hint: str) -> None:
    """Run until it ends, SIGINT or SIGTERM; failures become ClickExceptions of one line.

    ``hint`` is what to do about an address that cannot be used.
    """

    async def main() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as tasks:

                async def end_on_signal() -> None:
                    async for _ in signals:
                        tasks.cancel_scope.cancel()

                tasks.start_soon(end_on_signal)
                await run()
                tasks.cancel_scope.cancel()
        click.echo("stopped")

    try:
        anyio.run(main, backend=backend)
    except* InvalidConfig as refused:
        raise click.UsageError(_first(refused)) from None
    except* click.ClickException as failed:
        raise click.ClickException(_first(failed)) from None
    except* (PkiRefused, DirectoryRefused) as failed:
        raise click.ClickException(_first(failed)) from None
    except* OSError as failed:
        raise click.ClickException(f"{_first(failed)} ({hint})") from None


async def patiently(ready: Callable[[], Awaitable[None]], missing: Callable[[], str]) -> None:
    """Wait for ``ready``; say what is missing when it takes long, and again when that changes."""
    async with anyio.create_task_group() as tasks:

        async def notice() -> None:
            said = ""
            while True:
                await anyio.sleep(NOTICE_S)
                text = missing()
                if text and text != said:
                    click.echo(f"waiting: {text}", err=True)
                    said = text

        tasks.start_soon(notice)
        await ready()
        tasks.cancel_scope.cancel()


def _first(group: BaseExceptionGroup[Any]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
