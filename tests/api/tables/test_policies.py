"""The columns of admission policies, flow control, dynamic resources and storage's fine print."""

from typing import Any

import pytest

from tests.api.tables.test_tables import cells


@pytest.mark.parametrize(
    ("kind", "obj", "row"),
    [
        (
            "validatingadmissionpolicies",
            {"spec": {"validations": [{}, {}], "paramKind": {"apiVersion": "v1", "kind": "Limit"}}},
            {"Name": "x", "Validations": 2, "ParamKind": "v1/Limit", "Age": "60m"},
        ),
        (
            "mutatingadmissionpolicies",
            {"spec": {"mutations": [{}]}},
            {"Name": "x", "Mutations": 1, "ParamKind": "<unset>", "Age": "60m"},
        ),
        (
            "validatingadmissionpolicybindings",
            {"spec": {"policyName": "p", "paramRef": {"name": "q"}}},
            {"Name": "x", "PolicyName": "p", "ParamRef": "*/q", "Age": "60m"},
        ),
        (
            "flowschemas",
            {
                "spec": {
                    "priorityLevelConfiguration": {"name": "low"},
                    "matchingPrecedence": 9,
                    "distinguisherMethod": {"type": "ByUser"},
                },
                "status": {"conditions": [{"type": "Dangling", "status": "False"}]},
            },
            {
                "Name": "x",
                "PriorityLevel": "low",
                "MatchingPrecedence": 9,
                "DistinguisherMethod": "ByUser",
                "Age": "60m",
                "MissingPL": "False",
            },
        ),
        (
            "prioritylevelconfigurations",
            {
                "spec": {
                    "type": "Limited",
                    "limited": {
                        "nominalConcurrencyShares": 5,
                        "limitResponse": {
                            "type": "Queue",
                            "queuing": {"queues": 64, "handSize": 6, "queueLengthLimit": 50},
                        },
                    },
                }
            },
            {
                "Name": "x",
                "Type": "Limited",
                "NominalConcurrencyShares": "5",
                "Queues": "64",
                "HandSize": "6",
                "QueueLengthLimit": "50",
                "Age": "60m",
            },
        ),
        (
            "resourceclaims",
            {"status": {"allocation": {}, "reservedFor": [{"name": "p"}]}},
            {"Name": "x", "State": "allocated,reserved", "Age": "60m"},
        ),
        (
            "resourceslices",
            {"spec": {"nodeName": "n", "driver": "d", "pool": {"name": "p"}}},
            {"Name": "x", "Node": "n", "Driver": "d", "Pool": "p", "Age": "60m"},
        ),
        (
            "csistoragecapacities",
            {"storageClassName": "fast", "capacity": "1Gi"},
            {"Name": "x", "StorageClassName": "fast", "Capacity": "1Gi"},
        ),
        (
            "volumeattributesclasses",
            {"driverName": "d"},
            {"Name": "x", "DriverName": "d", "Age": "60m"},
        ),
        (
            "componentstatuses",
            {"conditions": [{"type": "Healthy", "status": "True", "message": "ok"}]},
            {"Name": "x", "Status": "Healthy", "Message": "ok", "Error": ""},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_columns_say_what_matters_of_a_kind(
    kind: str, obj: dict[str, Any], row: dict[str, Any]
) -> None:
    assert cells(kind, obj) == row
