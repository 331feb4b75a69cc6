"""What a group of processes uses, read from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

from kube_actors.node.runtimes.protocol import ContainerStats


def group_stats(pids: Iterable[int]) -> ContainerStats:
    """Sum CPU time and resident memory; a process that just ended counts nothing."""
    ticks = os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    cpu, pages = 0, 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        cpu += int(fields[11]) + int(fields[12])
        pages += int(fields[21])
    return ContainerStats(cpu / ticks, pages * page)
