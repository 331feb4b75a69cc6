"""What controllers of many kinds know of objects: owners, claims, conditions, names, pods, counts.

Plain functions over records and JSON, none of which asks the API.
"""

from kube_actors.controllers.objects.claims import adoption, controlled_by, may_adopt, release
from kube_actors.controllers.objects.conditions import (
    Condition,
    drop_condition,
    find_condition,
    is_true,
    set_condition,
)
from kube_actors.controllers.objects.int_or_percent import scaled_value
from kube_actors.controllers.objects.naming import safe_suffix, suffixed
from kube_actors.controllers.objects.owners import (
    BY_OWNER,
    BY_UID,
    claimant_keys,
    owner_keys,
    workload,
    workload_selector,
)
from kube_actors.controllers.objects.pod_template import (
    POD_TEMPLATE_HASH,
    pod_from,
    template_digest,
    template_hash,
)
from kube_actors.controllers.objects.pods import (
    FINISHED_PHASES,
    PodRecord,
    availability_wait,
    patch_pod_status,
    pod_record,
    ready_since_s,
)
from kube_actors.controllers.objects.statuses import status_patch, write_status

__all__ = [
    "BY_OWNER",
    "BY_UID",
    "Condition",
    "FINISHED_PHASES",
    "POD_TEMPLATE_HASH",
    "PodRecord",
    "adoption",
    "availability_wait",
    "claimant_keys",
    "controlled_by",
    "drop_condition",
    "find_condition",
    "is_true",
    "may_adopt",
    "owner_keys",
    "patch_pod_status",
    "pod_from",
    "pod_record",
    "ready_since_s",
    "release",
    "safe_suffix",
    "scaled_value",
    "set_condition",
    "status_patch",
    "suffixed",
    "template_digest",
    "template_hash",
    "workload",
    "workload_selector",
    "write_status",
]
