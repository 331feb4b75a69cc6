"""A cluster inside an async program: apply, wait, look, leave. Runs on asyncio or trio.

python examples/embed.py [asyncio|trio]
"""

import sys

import anyio

from kube_actors import Cluster

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec:
  replicas: 2
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
        - {name: hello, image: kube-actors/web:1}
"""


async def main() -> None:
    async with Cluster(masters=3, nodes=2) as cluster:
        await cluster.client.apply(MANIFEST)
        await cluster.wait_for("deployment/hello", "Available", timeout_s=30)
        pods = await cluster.client.list("pods", "default", label_selector="app=hello")
        for pod in pods["items"]:
            print(pod["metadata"]["name"], pod["spec"]["nodeName"], pod["status"]["podIP"])


if __name__ == "__main__":
    anyio.run(main, backend=sys.argv[1] if len(sys.argv) > 1 else "asyncio")
