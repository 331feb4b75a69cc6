"""The three ways to change an object without sending all of it, and how such a change is made.

Nothing is changed in place: a result shares with the document whatever the patch did not touch.
A malformed patch is a 400 ``StatusError``, one that does not fit this document a 422.
``three_way_patch`` makes the patch that ``kubectl apply`` would send.
"""

from kube_actors.api.patches.differences import three_way_patch, two_way_patch
from kube_actors.api.patches.json_patch import json_patch
from kube_actors.api.patches.merge_patch import create_merge_patch, merge_patch
from kube_actors.api.patches.merge_rules import MergeRules, merge_rules
from kube_actors.api.patches.strategic import strategic_merge_patch

__all__ = [
    "MergeRules",
    "create_merge_patch",
    "json_patch",
    "merge_patch",
    "merge_rules",
    "strategic_merge_patch",
    "three_way_patch",
    "two_way_patch",
]
