"""Three hosts of their own as network namespaces, joined by a bridge whose links can be cut.

Nothing outside the namespaces changes: the bridge has one of its own. Root is needed.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

HOSTS = {"m1": "10.231.7.1", "m2": "10.231.7.2", "m3": "10.231.7.3"}


def why_not() -> str:
    """Say why namespaces cannot be made here; "" when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the ip command (package iproute2)"
    probe = f"ka-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    if made.returncode != 0:
        return f"network namespaces cannot be made: {made.stderr.decode().strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return ""


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


class Links:
    """``with Links() as links: links.cut("m1")``; the namespaces are gone afterwards."""

    def __init__(self) -> None:
        self._mark = f"ka-{os.getpid()}"
        self._hub = f"{self._mark}-hub"
        self._stack = ExitStack()

    def __enter__(self) -> "Links":
        with ExitStack() as stack:
            self._namespace(stack, self._hub)
            ip("-n", self._hub, "link", "add", "hub", "type", "bridge")
            ip("-n", self._hub, "link", "set", "hub", "up")
            for name, address in HOSTS.items():
                namespace = self._name(name)
                self._namespace(stack, namespace)
                ends = ["link", "add", "eth0", "type", "veth", "peer", "name", name]
                ip("-n", namespace, *ends, "netns", self._hub)
                ip("-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
                ip("-n", namespace, "link", "set", "lo", "up")
                ip("-n", namespace, "link", "set", "eth0", "up")
                ip("-n", self._hub, "link", "set", name, "master", "hub", "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def prefix(self, name: str) -> Sequence[str]:
        """What runs a command on a host."""
        return ("ip", "netns", "exec", self._name(name))

    def cut(self, name: str) -> None:
        """Pull a host's cable: nothing comes or goes, and nobody is told."""
        ip("-n", self._hub, "link", "set", name, "down")

    def mend(self, name: str) -> None:
        ip("-n", self._hub, "link", "set", name, "up")

    def _name(self, host: str) -> str:
        return f"{self._mark}-{host}"

    @staticmethod
    def _namespace(stack: ExitStack, name: str) -> None:
        ip("netns", "add", name)
        stack.callback(ip, "netns", "del", name)
