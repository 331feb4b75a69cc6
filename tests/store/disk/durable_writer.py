"""A program that writes to three durable members and prints what was acknowledged, until killed."""

import sys
from pathlib import Path

import anyio

from kube_actors.store import FileDisk
from tests.store.groups import open_group, put


async def main(directory: Path, start: int) -> None:
    disks = [FileDisk(directory / str(number), segment_bytes=1 << 16) for number in (1, 2, 3)]
    async with open_group(disks=disks, snapshot_entries=40, keep_entries=10) as group:

        async def write(number: int) -> None:
            while True:
                await group.at(number % 3 + 1).txn(put(b"k%08d" % number, b"%d" % number))
                print(number, flush=True)
                number += 8

        async with anyio.create_task_group() as tasks:
            for offset in range(8):
                tasks.start_soon(write, start + offset)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]), backend=sys.argv[3])
