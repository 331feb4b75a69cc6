"""Checks of Jobs and CronJobs."""

import re

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import label_selector, selects
from kube_actors.api.validation.numbers import Causes, Tree, none_negative, one_of, unchanged
from kube_actors.api.validation.pods import template
from kube_actors.api.validation.workloads import UNMATCHED, template_labels

_JOB_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
    "ttlSecondsAfterFinished",
)
_CRON_NUMBERS = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
# The suffix that a CronJob's jobs get takes the rest of the 63 characters of a label.
_CRON_NAME_MAX = 52
_MACROS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_EVERY = re.compile(r"@every ([0-9.]+(ns|us|µs|ms|s|m|h))+")
# Only the shape: which zones there are depends on the machine, and validation must not.
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {month: index + 1 for index, month in enumerate(_MONTHS)},
    {day: index for index, day in enumerate(_DAYS)},
)
_SUSPENDED_MUTABLE = ("nodeSelector", "tolerations", "affinity", "schedulingGates")


def job(obj: Tree) -> Causes:
    """Apply ``ValidateJob``: the selector, which the server makes, must match the template."""
    spec = obj.get("spec") or {}
    yield from job_spec(spec, "spec")
    selector = spec.get("selector")
    if selector is None:
        yield Cause.required("spec.selector")
        return
    yield from label_selector(selector, "spec.selector")
    found = template_labels(spec.get("template"))
    if not selects(selector, found):
        yield Cause.invalid("spec.template.metadata.labels", found, UNMATCHED)


def job_spec(spec: Tree, path: str) -> Causes:
    """Check a job's spec apart from its selector, which the server makes."""
    yield from none_negative(spec, _JOB_NUMBERS, path)
    yield from one_of(spec, "completionMode", path, ("Indexed", "NonIndexed"))
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        yield Cause.required(f"{path}.completions", "when completion mode is Indexed")
    yield from one_of(spec, "podReplacementPolicy", path, ("Failed", "TerminatingOrFailed"))
    yield from template(spec.get("template"), f"{path}.template")
    inner = (spec.get("template") or {}).get("spec") or {}
    policy, here = inner.get("restartPolicy"), f"{path}.template.spec.restartPolicy"
    if policy in {None, "", "Always"}:
        yield Cause.required(here, 'valid values: "OnFailure", "Never"')
    elif policy not in {"OnFailure", "Never"}:
        yield Cause.not_supported(here, policy, ("OnFailure", "Never"))


def job_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateJobUpdate``: completions may change only in an elastic Indexed job.

    The template may change only in its scheduling directives, and only before a suspended job has
    started.
    """
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    elastic = (
        spec.get("completionMode") == "Indexed"
        and spec.get("completions") == spec.get("parallelism")
        and before.get("completionMode") == "Indexed"
    )
    keys = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"]
    for key in keys if elastic else ["completions", *keys]:
        yield from unchanged(spec.get(key), before.get(key), f"spec.{key}")
    started = (old.get("status") or {}).get("startTime")
    free = bool(before.get("suspend")) and not started
    if _fixed(spec, free) != _fixed(before, free):
        yield Cause.invalid("spec.template", spec.get("template"), "field is immutable")


def _fixed(spec: Tree, free: bool) -> Tree:
    found = spec.get("template") or {}
    if not free:
        return found
    inner = found.get("spec") or {}
    return {key: value for key, value in inner.items() if key not in _SUSPENDED_MUTABLE}


def cron_job(obj: Tree) -> Causes:
    """Apply ``ValidateCronJobCreate``: schedule, time zone, and a job that selects nothing."""
    name = (obj.get("metadata") or {}).get("name") or ""
    if len(name) > _CRON_NAME_MAX:
        yield Cause.invalid("metadata.name", name, names.too_long(_CRON_NAME_MAX))
    spec = obj.get("spec") or {}
    schedule = spec.get("schedule")
    if not schedule:
        yield Cause.required("spec.schedule")
    else:
        for fault in schedule_faults(schedule):
            yield Cause.invalid("spec.schedule", schedule, fault)
    yield from none_negative(spec, _CRON_NUMBERS, "spec")
    policies = ("Allow", "Forbid", "Replace")
    yield from one_of(spec, "concurrencyPolicy", "spec", policies, required=True)
    if spec.get("timeZone") is not None:
        yield from _time_zone(spec["timeZone"])
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    if inner.get("selector") is not None:
        detail = "`selector` will be auto-generated"
        yield Cause.invalid("spec.jobTemplate.spec.selector", inner["selector"], detail)
    if inner.get("manualSelector"):
        yield Cause.not_supported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false"))
    yield from job_spec(inner, "spec.jobTemplate.spec")


def _time_zone(zone: str) -> Causes:
    if not zone:
        yield Cause.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        detail = (
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        )
        yield Cause.invalid("spec.timeZone", zone, detail)
    elif not _ZONE.fullmatch(zone):
        yield Cause.invalid("spec.timeZone", zone, f"unknown time zone {zone}")


def schedule_faults(text: str) -> list[str]:
    """Return what is wrong with a cron schedule: five fields, a macro, or ``@every``."""
    if text.startswith("@"):
        known = text in _MACROS or _EVERY.fullmatch(text)
        return [] if known else [f"unrecognized descriptor: {text}"]
    fields = text.split()
    if len(fields) != 5:
        shown = " ".join(fields)
        return [f"expected exactly 5 fields, found {len(fields)}: [{shown}]"]
    for field, (low, high), words in zip(fields, _RANGES, _WORDS, strict=True):
        fault = _field_fault(field, low, high, words)
        if fault:
            return [fault]
    return []


def _field_fault(field: str, low: int, high: int, words: dict[str, int]) -> str:
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if slash and not step.isdecimal():
            return (
                f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
            )
        if slash and int(step) == 0:
            return f"step of range should be a positive number: {part}"
        if span in {"*", "?"}:
            continue
        ends = []
        for end in span.split("-"):
            number = words.get(end.lower())
            if number is None:
                if not end.isdecimal():
                    why = f'strconv.Atoi: parsing "{end}": invalid syntax'
                    return f"failed to parse int from {end}: {why}"
                number = int(end)
            ends.append(number)
        if len(ends) > 2:
            return f"too many hyphens: {part}"
        if ends[0] < low:
            return f"beginning of range ({ends[0]}) below minimum ({low}): {part}"
        if ends[-1] > high:
            return f"end of range ({ends[-1]}) above maximum ({high}): {part}"
        if ends[0] > ends[-1]:
            return f"beginning of range ({ends[0]}) beyond end of range ({ends[-1]}): {part}"
    return ""
