import pytest

from kube_actors.api import StatusError, errors, from_status
from kube_actors.api.causes import Cause
from kube_actors.api.errors import Resource

PODS = Resource("", "pods", "Pod")
DEPLOYMENTS = Resource("apps", "deployments", "Deployment")


def test_not_found_names_the_resource_and_its_group() -> None:
    assert errors.not_found(PODS, "x").message == 'pods "x" not found'
    assert errors.not_found(DEPLOYMENTS, "web").status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "web" not found',
        "reason": "NotFound",
        "details": {"name": "web", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


def test_a_conflict_asks_to_apply_the_change_again() -> None:
    error = errors.conflict(DEPLOYMENTS, "web")
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == (
        'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


def test_one_cause_stands_alone_and_several_stand_in_brackets_without_repetition() -> None:
    replicas = Cause.invalid("spec.replicas", -1, "must be greater than or equal to 0")
    name = Cause.required("metadata.name", "name or generateName is required")
    alone = errors.invalid(DEPLOYMENTS, "web", [replicas])
    assert alone.message == (
        'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: '
        "must be greater than or equal to 0"
    )
    both = errors.invalid(DEPLOYMENTS, "", [replicas, name, replicas])
    assert both.message == (
        'Deployment.apps "" is invalid: [spec.replicas: Invalid value: -1: must be greater than or '
        "equal to 0, metadata.name: Required value: name or generateName is required]"
    )
    assert both.details == {
        "group": "apps",
        "kind": "Deployment",
        "causes": [replicas.to_object(), name.to_object(), replicas.to_object()],
    }
    assert replicas.to_object() == {
        "reason": "FieldValueInvalid",
        "message": "Invalid value: -1: must be greater than or equal to 0",
        "field": "spec.replicas",
    }


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (Cause.invalid("a", 'x"y', "bad"), 'a: Invalid value: "x\\"y": bad'),
        (
            Cause.invalid("a", {"b": ["<1>", None]}),
            'a: Invalid value: {"b":["\\u003c1\\u003e",null]}',
        ),
        (Cause.invalid("a", True), "a: Invalid value: true"),
        (Cause.invalid("a", 2.0), "a: Invalid value: 2"),
        (Cause.invalid("a", "é\n\x01"), 'a: Invalid value: "é\\n\\x01"'),
        (Cause.duplicate("ports[1].name", "http"), 'ports[1].name: Duplicate value: "http"'),
        (Cause.not_found("v", "data"), 'v: Not found: "data"'),
        (
            Cause.not_supported("p", "Nope", ["Always", "Never"]),
            'p: Unsupported value: "Nope": supported values: "Always", "Never"',
        ),
        (Cause.forbidden("s", "no"), "s: Forbidden: no"),
        (Cause.too_long("s", 63), "s: Too long: may not be more than 63 bytes"),
        (Cause.too_many("s", 3, 1), "s: Too many: 3: must have at most 1 item"),
        (Cause.required("s"), "s: Required value"),
    ],
)
def test_a_cause_reads_as_kubernetes_writes_it(cause: Cause, text: str) -> None:
    assert str(cause) == text


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (errors.already_exists(PODS, "a"), 409, "AlreadyExists", 'pods "a" already exists'),
        (errors.bad_request("no"), 400, "BadRequest", "no"),
        (errors.unauthorized(), 401, "Unauthorized", "Unauthorized"),
        (errors.forbidden(PODS, "a", "no"), 403, "Forbidden", 'pods "a" is forbidden: no'),
        (errors.forbidden(PODS, "", "no"), 403, "Forbidden", "pods is forbidden: no"),
        (errors.forbidden(None, "", "no"), 403, "Forbidden", "forbidden: no"),
        (errors.too_old(3, 5), 410, "Expired", "too old resource version: 3 (5)"),
        (
            errors.too_new(9, 5),
            504,
            "Timeout",
            "Timeout: Too large resource version: 9, current: 5",
        ),
        (
            errors.too_large("limit is 3145728"),
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
        ),
        (
            errors.method_not_allowed(PODS, "patch"),
            405,
            "MethodNotAllowed",
            'patch is not supported on resources of kind "pods"',
        ),
        (errors.internal("x"), 500, "InternalError", "Internal error occurred: x"),
        (errors.service_unavailable("read-only"), 503, "ServiceUnavailable", "read-only"),
        (
            errors.no_such_path(),
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
    ],
)
def test_each_failure_has_its_code_reason_and_message(
    error: StatusError, code: int, reason: str, message: str
) -> None:
    assert (error.code, error.reason, error.message) == (code, reason, message)
    assert str(error) == message


def test_a_status_body_survives_the_way_to_the_client_and_back() -> None:
    sent = errors.invalid(PODS, "a", [Cause.required("spec")])
    read = from_status(sent.status())
    assert read.status() == sent.status()
    assert read.causes == [Cause.required("spec")]
    assert from_status(errors.too_many_requests("busy", 7).status()).retry_after_s == 7


def test_an_answer_without_a_status_still_becomes_an_error() -> None:
    assert from_status("404 page not found", 404).reason == "NotFound"
    assert from_status("boom", 502).message == (
        'an error on the server ("boom") has prevented the request from succeeding'
    )
    assert from_status(None, 418).reason == "Unknown"
