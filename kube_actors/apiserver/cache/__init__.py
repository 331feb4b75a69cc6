"""The watch cache: what the store holds, held again by reference, and who watches it.

One store watch feeds every resource. The cache answers lists and starts watches; it promises
that a reader who waited for the read index sees everything acknowledged before. It never changes
an object and never decodes one unless a selector needs to look inside.
"""

from kube_actors.apiserver.cache.change import SERVED, STORED, Bookmark, Change, Form
from kube_actors.apiserver.cache.entry import Entry
from kube_actors.apiserver.cache.feed import run_feed
from kube_actors.apiserver.cache.read_index import ReadIndex
from kube_actors.apiserver.cache.resource import ResourceCache
from kube_actors.apiserver.cache.selection import Selection
from kube_actors.apiserver.cache.watch_cache import WatchCache
from kube_actors.apiserver.cache.watcher import Watcher

__all__ = [
    "Bookmark",
    "Change",
    "Entry",
    "Form",
    "ReadIndex",
    "ResourceCache",
    "SERVED",
    "STORED",
    "Selection",
    "WatchCache",
    "Watcher",
    "run_feed",
]
