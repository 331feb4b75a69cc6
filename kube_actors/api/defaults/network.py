"""What Kubernetes fills into services, endpoints, ingresses and network policies.

The rules are those of ``pkg/apis/core/v1``, ``discovery/v1`` and ``networking/v1`` (defaults), for
a cluster with one address family, IPv4.
"""

from kube_actors.api.copy_on_write import Tree, dropped, edited, edited_each, filled, replaced

_AFFINITY_SECONDS = 10800
_WITH_ADDRESS = {"ClusterIP", "NodePort", "LoadBalancer"}


def _service_port(tree: Tree) -> Tree:
    tree = filled(tree, {"protocol": "TCP"})
    if not tree.get("targetPort") and tree.get("port"):
        tree = {**tree, "targetPort": tree["port"]}
    return tree


def _affinity(spec: Tree) -> Tree:
    if spec["sessionAffinity"] == "None":
        return dropped(spec, "sessionAffinityConfig")
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    if spec["sessionAffinity"] == "ClientIP" and config.get("timeoutSeconds") is None:
        timeout = {"clientIP": {"timeoutSeconds": _AFFINITY_SECONDS}}
        spec = {**spec, "sessionAffinityConfig": timeout}
    return spec


def _same_cluster_ips(spec: Tree) -> Tree:
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        return {**spec, "clusterIPs": [spec["clusterIP"]]}
    if spec.get("clusterIPs") and not spec.get("clusterIP"):
        return {**spec, "clusterIP": spec["clusterIPs"][0]}
    return spec


def _service_spec(spec: Tree) -> Tree:
    spec = filled(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    spec = edited_each(_affinity(spec), "ports", _service_port)
    outside = spec["type"] in {"NodePort", "LoadBalancer"}
    if outside or (spec["type"] == "ClusterIP" and spec.get("externalIPs")):
        spec = filled(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] in _WITH_ADDRESS:
        spec = filled(
            spec,
            {
                "internalTrafficPolicy": "Cluster",
                "ipFamilyPolicy": "SingleStack",
                "ipFamilies": ["IPv4"],
            },
        )
        spec = _same_cluster_ips(spec)
    if spec["type"] == "LoadBalancer":
        spec = filled(spec, {"allocateLoadBalancerNodePorts": True})
    return spec


def service(tree: Tree) -> Tree:
    """Fill a Service; addresses and node ports are given later, when it is stored."""
    tree = edited(tree, "spec", _service_spec)
    return replaced(tree, "status", filled(tree.get("status") or {}, {"loadBalancer": {}}))


def _endpoint_port(tree: Tree) -> Tree:
    return filled(tree, {"protocol": "TCP"})


def endpoints(tree: Tree) -> Tree:
    """Fill TCP into the ports of Endpoints."""
    return edited_each(tree, "subsets", lambda each: edited_each(each, "ports", _endpoint_port))


def _slice_port(tree: Tree) -> Tree:
    tree = filled(tree, {"protocol": "TCP"})
    return tree if "name" in tree else {**tree, "name": ""}


def endpoint_slice(tree: Tree) -> Tree:
    """Fill a slice's ports: TCP, and a name that may be empty but is there."""
    return edited_each(tree, "ports", _slice_port)


def _policy_rule(rule: Tree) -> Tree:
    return edited_each(rule, "ports", _endpoint_port)


def _network_policy_spec(spec: Tree) -> Tree:
    if not spec.get("policyTypes"):
        types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
        spec = {**spec, "policyTypes": types}
    spec = edited_each(spec, "ingress", _policy_rule)
    return edited_each(spec, "egress", _policy_rule)


def network_policy(tree: Tree) -> Tree:
    """Fill the policy types: Egress only where the policy has egress rules."""
    return edited(tree, "spec", _network_policy_spec)


def ingress_class(tree: Tree) -> Tree:
    """Fill the scope of an IngressClass' parameters."""

    def parameters(spec: Tree) -> Tree:
        return edited(spec, "parameters", lambda each: filled(each, {"scope": "Cluster"}))

    return edited(tree, "spec", parameters)
