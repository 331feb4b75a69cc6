"""Runs a Job's pods until enough have succeeded or too many have failed.

What is counted, which pods come and go, and what the status says are decided apart from each
other.
"""

from kube_actors.controllers.workloads.job.job import JOB

__all__ = ["JOB"]
