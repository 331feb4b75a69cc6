"""The machinery of controllers: what one is, and the one loop that serves them all.

Events become keys, keys wait in a queue, a pure ``reconcile`` sees a ``Round`` and returns
effects, and these are carried out in order. A key rests until the view shows what its last
decision wrote.
"""
