"""One small valid object of every kind that is served and stored, as a person would write it."""

import base64
import copy
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kube_actors.api import Kind
from tests.api.objects import VALID

_HOOK = {
    "name": "hook.example.com",
    "clientConfig": {"service": {"name": "hook", "namespace": "default"}},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
_MATCH = {
    "resourceRules": [
        {
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["deployments"],
        }
    ]
}
_LEVEL = {
    "type": "Limited",
    "limited": {"nominalConcurrencyShares": 10, "limitResponse": {"type": "Reject"}},
}
_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("v1", "PodTemplate"): {"template": VALID["Deployment"]["spec"]["template"]},
    ("apiregistration.k8s.io/v1", "APIService"): {
        "metadata": {"name": "v1.example.com"},
        "spec": {
            "group": "example.com",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 10,
            "service": {"name": "api", "namespace": "default"},
        },
    },
    ("apps/v1", "ControllerRevision"): {"revision": 1, "data": {"spec": {"replicas": 1}}},
    ("events.k8s.io/v1", "Event"): {
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "action": "Testing",
        "reason": "Tested",
        "type": "Normal",
        "note": "It was tested.",
        "reportingController": "example.com/tester",
        "reportingInstance": "tester-1",
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
    },
    ("autoscaling/v1", "HorizontalPodAutoscaler"): {
        "spec": {
            "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 50,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        }
    },
    ("networking.k8s.io/v1", "IngressClass"): {"spec": {"controller": "example.com/ingress"}},
    ("networking.k8s.io/v1", "IPAddress"): {
        "metadata": {"name": "192.0.2.1"},
        "spec": {
            "parentRef": {"resource": "services", "namespace": "default", "name": "web"},
        },
    },
    ("networking.k8s.io/v1", "ServiceCIDR"): {"spec": {"cidrs": ["192.0.2.0/24"]}},
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): {
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    },
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): {
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "view",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": "default"}],
    },
    ("storage.k8s.io/v1", "CSIDriver"): {"spec": {"attachRequired": False}},
    ("storage.k8s.io/v1", "CSINode"): {
        "spec": {"drivers": [{"name": "csi.example.com", "nodeID": "n1", "topologyKeys": ["zone"]}]}
    },
    ("storage.k8s.io/v1", "CSIStorageCapacity"): {
        "storageClassName": "standard",
        "capacity": "10Gi",
        "nodeTopology": {"matchLabels": {"zone": "a"}},
    },
    ("storage.k8s.io/v1", "VolumeAttachment"): {
        "spec": {
            "attacher": "csi.example.com",
            "nodeName": "node-1",
            "source": {"persistentVolumeName": "pv-1"},
        }
    },
    ("storage.k8s.io/v1", "VolumeAttributesClass"): {
        "driverName": "csi.example.com",
        "parameters": {"iops": "100"},
    },
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"): {
        "spec": {
            "matchConstraints": _MATCH,
            "validations": [{"expression": "object.spec.replicas <= 5"}],
        }
    },
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"): {
        "spec": {"policyName": "few-replicas", "validationActions": ["Deny"]}
    },
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"): {
        "spec": {
            "matchConstraints": _MATCH,
            "reinvocationPolicy": "Never",
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": "Object{spec: Object.spec{replicas: 1}}"},
                }
            ],
        }
    },
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding"): {
        "spec": {"policyName": "one-replica"}
    },
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"): {"webhooks": [_HOOK]},
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"): {"webhooks": [_HOOK]},
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): {
        "metadata": {"name": "crontabs.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    },
    ("node.k8s.io/v1", "RuntimeClass"): {"handler": "runc"},
    ("resource.k8s.io/v1", "DeviceClass"): {
        "spec": {"selectors": [{"cel": {"expression": 'device.driver == "gpu.example.com"'}}]}
    },
    ("resource.k8s.io/v1", "ResourceClaim"): {
        "spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}}
    },
    ("resource.k8s.io/v1", "ResourceClaimTemplate"): {
        "spec": {
            "spec": {
                "devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}
            }
        }
    },
    ("resource.k8s.io/v1", "ResourceSlice"): {
        "spec": {
            "driver": "gpu.example.com",
            "nodeName": "node-1",
            "pool": {"name": "pool-1", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-1"}],
        }
    },
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"): {
        "spec": {
            "priorityLevelConfiguration": {"name": "web"},
            "matchingPrecedence": 1000,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [
                {
                    "subjects": [{"kind": "Group", "group": {"name": "system:masters"}}],
                    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                }
            ],
        }
    },
    ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration"): {"spec": _LEVEL},
}


@cache
def _signing_request() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    key = ec.derive_private_key(7, ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, SHA256())
    return base64.b64encode(made.public_bytes(Encoding.PEM)).decode()


def sample(kind: Kind) -> dict[str, Any]:
    """Return a fresh valid object of ``kind``; raises ``KeyError`` for one without a sample."""
    if kind.kind == "CertificateSigningRequest":
        body: dict[str, Any] = {
            "spec": {
                "request": _signing_request(),
                "signerName": "kubernetes.io/kube-apiserver-client",
                "usages": ["client auth"],
            }
        }
    elif (kind.api_version, kind.kind) in _BODIES:
        body = copy.deepcopy(_BODIES[kind.api_version, kind.kind])
    else:
        body = copy.deepcopy(VALID[kind.kind])
    metadata = {"name": "web", **body.pop("metadata", {})}
    metadata.pop("namespace", None)
    return {**body, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
