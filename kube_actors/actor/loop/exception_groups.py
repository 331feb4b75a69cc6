"""What went wrong, without the groups that task groups wrap around it.

A task group raises a group even for a single failure; whoever opened a block of ours expects the
exception itself. Groups of several stay groups.
"""


def only(group: BaseException) -> BaseException:
    """See through exception groups of one."""
    error = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
