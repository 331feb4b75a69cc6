"""What watchers see of the change log: in order, each revision whole, each event once.

A feed is a place in the log, many share one session, and a watch that is behind is only a
revision: a slow watcher delays nobody. It reads the keyspace and knows no group and no disk.
"""

from kube_actors.store.watch.watches import Watches

__all__ = ["Watches"]
