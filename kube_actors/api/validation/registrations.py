"""Checks of what extends the API: webhooks, policies, flow control, signing requests, events."""

import base64
import binascii

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree, required

_SHORTEST_CERTIFICATE_S = 600
_PEM = b"-----BEGIN CERTIFICATE REQUEST-----"


def _spec(obj: Tree) -> Tree:
    found: Tree = obj.get("spec") or {}
    return found


def webhooks(obj: Tree) -> Causes:
    """Apply the rules that mutating and validating webhook configurations share."""
    seen: set[str] = set()
    for index, hook in enumerate(obj.get("webhooks") or ()):
        here, name = f"webhooks[{index}]", hook.get("name") or ""
        if name in seen:
            yield Cause.duplicate(f"{here}.name", name)
        seen.add(name)
        if not name:
            yield Cause.required(f"{here}.name")
        else:
            for fault in names.dns1123_subdomain(name):
                yield Cause.invalid(f"{here}.name", name, fault)
            if name.count(".") < 2:
                detail = "should be a domain with at least three segments separated by dots"
                yield Cause.invalid(f"{here}.name", name, detail)
        yield from _webhook(hook, here)


def _webhook(hook: Tree, here: str) -> Causes:
    if not hook.get("admissionReviewVersions"):
        detail = "must specify one of v1, v1beta1"
        yield Cause.required(f"{here}.admissionReviewVersions", detail)
    effects = hook.get("sideEffects")
    if not effects:
        detail = "must specify one of None, NoneOnDryRun"
        yield Cause.required(f"{here}.sideEffects", detail)
    elif effects not in ("None", "NoneOnDryRun"):
        yield Cause.not_supported(f"{here}.sideEffects", effects, ("None", "NoneOnDryRun"))
    for key, allowed in (
        ("failurePolicy", ("Fail", "Ignore")),
        ("matchPolicy", ("Equivalent", "Exact")),
        ("reinvocationPolicy", ("IfNeeded", "Never")),
    ):
        if hook.get(key) and hook[key] not in allowed:
            yield Cause.not_supported(f"{here}.{key}", hook[key], allowed)
    timeout_s = hook.get("timeoutSeconds")
    if timeout_s is not None and not 1 <= timeout_s <= 30:
        detail = "the timeout value must be between 1 and 30 seconds"
        yield Cause.invalid(f"{here}.timeoutSeconds", timeout_s, detail)
    client = hook.get("clientConfig") or {}
    if (client.get("url") is None) == (client.get("service") is None):
        detail = "exactly one of url or service is required"
        yield Cause.required(f"{here}.clientConfig", detail)


def validating_policy(obj: Tree) -> Causes:
    """Apply ``ValidateValidatingAdmissionPolicy``; that the CEL compiles is not checked."""
    spec = _spec(obj)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        detail = "validations or auditAnnotations must contain at least one item"
        yield Cause.required("spec.validations", detail)
    for index, each in enumerate(spec.get("validations") or ()):
        if not (each.get("expression") or "").strip():
            detail = "expression is not specified"
            yield Cause.required(f"spec.validations[{index}].expression", detail)
    yield from _matches(spec)


def mutating_policy(obj: Tree) -> Causes:
    """Apply ``ValidateMutatingAdmissionPolicy``; the mutations are only counted."""
    if not _spec(obj).get("mutations"):
        yield Cause.required("spec.mutations", "mutations must contain at least one item")
    yield from _matches(_spec(obj))


def _matches(spec: Tree) -> Causes:
    found = spec.get("matchConstraints")
    if not found:
        yield Cause.required("spec.matchConstraints")
    elif not found.get("resourceRules"):
        yield Cause.required("spec.matchConstraints.resourceRules")


def policy_binding(obj: Tree) -> Causes:
    """Check that a binding names its policy; whether that exists is not asked."""
    yield from required(_spec(obj), ("policyName",), "spec")


def validating_policy_binding(obj: Tree) -> Causes:
    """Apply ``ValidateValidatingAdmissionPolicyBinding``: it says what to do."""
    yield from policy_binding(obj)
    actions = _spec(obj).get("validationActions") or []
    if not actions:
        yield Cause.required("spec.validationActions", "at least one validation action is required")
    for index, action in enumerate(actions):
        if action not in ("Audit", "Deny", "Warn"):
            path = f"spec.validationActions[{index}]"
            yield Cause.not_supported(path, action, ("Audit", "Deny", "Warn"))


def signing_request(obj: Tree) -> Causes:
    """Apply ``ValidateCertificateSigningRequestCreate``; the PEM is found, not parsed."""
    spec = _spec(obj)
    if not spec.get("usages"):
        yield Cause.required("spec.usages")
    try:
        block = base64.b64decode(spec.get("request") or "")
    except binascii.Error:
        block = b""
    if _PEM not in block:
        detail = "PEM block type must be CERTIFICATE REQUEST"
        yield Cause.invalid("spec.request", spec.get("request"), detail)
    signer = spec.get("signerName") or ""
    if not signer:
        yield Cause.required("spec.signerName")
    elif signer.count("/") != 1 or "." not in signer.split("/")[0]:
        detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        yield Cause.invalid("spec.signerName", signer, detail)
    expires_s = spec.get("expirationSeconds")
    if expires_s is not None and expires_s < _SHORTEST_CERTIFICATE_S:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        yield Cause.invalid("spec.expirationSeconds", expires_s, detail)


def flow_schema(obj: Tree) -> Causes:
    """Apply ``ValidateFlowSchema`` to its level and precedence; its rules are not checked."""
    if not (_spec(obj).get("priorityLevelConfiguration") or {}).get("name"):
        path = "spec.priorityLevelConfiguration.name"
        yield Cause.required(path, "must reference a priority level")
    precedence = _spec(obj).get("matchingPrecedence") or 0
    if not 1 <= precedence <= 10000:
        detail = "must be between 1 and 10000, inclusive"
        yield Cause.invalid("spec.matchingPrecedence", precedence, detail)


def priority_level(obj: Tree) -> Causes:
    """Apply ``ValidatePriorityLevelConfiguration``: Limited, and only it, has limits."""
    spec = _spec(obj)
    kind = spec.get("type")
    if kind not in ("Exempt", "Limited"):
        yield Cause.not_supported("spec.type", kind or "", ("Exempt", "Limited"))
    elif kind == "Limited" and not spec.get("limited"):
        yield Cause.required("spec.limited", "must not be empty when type is Limited")
    elif kind == "Exempt" and spec.get("limited"):
        detail = "must be nil if the type is not Limited"
        yield Cause.forbidden("spec.limited", detail)


def api_service(obj: Tree) -> Causes:
    """Apply ``ValidateAPIService``: it is named after its version and group."""
    spec, name = _spec(obj), obj["metadata"].get("name", "")
    expected = f"{spec.get('version', '')}.{spec.get('group', '')}"
    if name != expected:
        yield Cause.invalid("metadata.name", name, 'must be `spec.version+"."+spec.group`')
    for key, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(key) or 0
        if not 0 < value <= most:
            detail = f"must be positive and less than {most}"
            yield Cause.invalid(f"spec.{key}", value, detail)


def event(obj: Tree) -> Causes:
    """Check an event of events.k8s.io when it is created; core's are older and looser."""
    regarding = (obj.get("regarding") or {}).get("namespace") or ""
    own = obj["metadata"].get("namespace") or ""
    if (regarding or "default") != own and (regarding or own != "kube-system"):
        detail = "does not match event.namespace"
        yield Cause.invalid("regarding.namespace", regarding, detail)
    for key in ("eventTime", "reportingController", "reportingInstance", "action", "reason"):
        if not obj.get(key):
            yield Cause.required(key)
    if obj.get("reportingController"):
        for fault in names.qualified_name(obj["reportingController"]):
            yield Cause.invalid("reportingController", obj["reportingController"], fault)
    if obj.get("type") not in ("Normal", "Warning"):
        yield Cause.invalid("type", obj.get("type") or "", "has invalid value: ")
