"""Say a judgement so that a person sees what is wrong."""

import textwrap

from attrs import evolve

from kube_actors.simulation.linearizability.checker import Judgement, Verdict
from kube_actors.simulation.linearizability.history import Operation
from kube_actors.simulation.linearizability.models import Model, spoken
from kube_actors.simulation.linearizability.shrink import BadPart

__all__ = ["explain"]

WIDTH = 48
UNKNOWN_DRAWN = 8
CUT = 60


def explain(judgement: Judgement, model: Model) -> str:
    """Lay the judgement out: the verdict, and for a wrong history its smallest bad part."""
    counted = f"{judgement.operations} operations"
    if judgement.keys > 1:
        counted += f" on {judgement.keys} keys"
    if judgement.verdict is Verdict.LINEARIZABLE:
        return f"linearizable: {counted}, as {_an(model.name)}"
    if judgement.verdict is Verdict.UNDECIDED:
        keys = ", ".join(spoken(key) for key in judgement.undecided[:5] if key is not None)
        where = f" (undecided: key {keys})" if keys else ""
        return f"undecided: {counted}, {judgement.steps} configurations looked at{where}"
    lines = [f"NOT linearizable: {counted}, as {_an(model.name)}"]
    if judgement.bad is not None:
        lines += _explain_bad(judgement.bad, model)
    return "\n".join(lines)


def _an(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _explain_bad(bad: BadPart, model: Model) -> list[str]:
    key = bad.operations[0].key
    where = "" if key is None else f" of key {spoken(key)}"
    known = tuple(operation for operation in bad.operations if operation.known)
    unknown = [operation for operation in bad.operations if not operation.known]
    listed = len(unknown) > UNKNOWN_DRAWN
    count = len(known) if listed else len(bad.operations)
    enough = "this one operation is" if count == 1 else f"these {count} operations are"
    least = "" if bad.smallest else " (perhaps not the fewest: the search for them was cut short)"
    lines = ["", f"{enough} enough{where}, whatever else happened before{least}:", ""]
    lines += _timeline(evolve(bad, operations=known) if listed else bad, model)
    if listed:
        lines += [
            "",
            "these may have happened any time from then on, often or never; none helps:",
        ]
        said = (f"{_said(model, operation)} ({operation.where})" for operation in unknown)
        lines += _wrapped("  " + ", ".join(said))
    order = " · ".join(_said(model, operation) for operation in bad.placed)
    state = _cut(model.describe_state(bad.state))
    lines += ["", *_wrapped(f"the longest order that fits: {order or '(none)'}")]
    lines.append(f"then the value is {state},")
    for culprit in bad.culprits:
        lines.append(
            f"so that it cannot be: {_cut(model.describe(culprit))} "
            f"(process {culprit.process}, {culprit.where})"
        )
    lines.append(
        f"in the whole history{where}, at most {bad.placed_of_all} of {bad.total} completed "
        "operations can be put in order before that"
    )
    return lines


def _timeline(bad: BadPart, model: Model) -> list[str]:
    """One line for each operation, with a bar from its invocation to its return."""
    places = sorted({o.invoked for o in bad.operations} | {o.returned or 0 for o in bad.operations})
    column = {place: i * (WIDTH - 1) // max(1, len(places) - 1) for i, place in enumerate(places)}
    said = [_cut(model.describe(operation)) for operation in bad.operations]
    whose = [f"process {operation.process}" for operation in bad.operations]
    wheres = max(len(operation.where) for operation in bad.operations)
    wide, names = max(map(len, said)), max(map(len, whose))
    lines = []
    for operation, text, who in zip(bad.operations, said, whose, strict=True):
        mark = "  ✗" if operation in bad.culprits else ""
        lines.append(
            f"  {operation.where:<{wheres}}  {who:<{names}}  {text:<{wide}}  "
            f"{_bar(operation, column):<{WIDTH}}{mark}".rstrip()
        )
    return lines


def _bar(operation: Operation, column: dict[int, int]) -> str:
    begin = column[operation.invoked]
    if operation.returned is None:
        return " " * begin + "├" + "┄" * (WIDTH - begin - 2) + "?"
    end = max(begin + 1, column[operation.returned])
    return " " * begin + "├" + "─" * (end - begin - 1) + "┤"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width=100, subsequent_indent="  ", break_on_hyphens=False)


def _said(model: Model, operation: Operation) -> str:
    return _cut(model.describe(operation).removesuffix(" → ?"))


def _cut(text: str) -> str:
    return text if len(text) <= CUT else f"{text[: CUT - 1]}…"
