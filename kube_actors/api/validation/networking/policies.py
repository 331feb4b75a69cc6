"""Checks of NetworkPolicies: who may talk to whom, on which ports."""

from typing import Any

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import label_selector
from kube_actors.api.validation.numbers import Causes, Tree, one_of, port_or_name
from kube_actors.api.validation.pods import PROTOCOLS


def network_policy(obj: Tree) -> Causes:
    """Apply ``ValidateNetworkPolicy``: selectors, ports and peers of both directions."""
    spec = obj.get("spec") or {}
    yield from label_selector(spec.get("podSelector") or {}, "spec.podSelector")
    for key, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(key) or ()):
            here = f"spec.{key}[{index}]"
            for place, each in enumerate(rule.get("ports") or ()):
                yield from _policy_port(each, f"{here}.ports[{place}]")
            for place, peer in enumerate(rule.get(side) or ()):
                yield from _peer(peer, f"{here}.{side}[{place}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        detail = "may not specify more than two policyTypes"
        yield Cause.invalid("spec.policyTypes", types, detail)
    for index, kind in enumerate(types):
        if kind not in {"Ingress", "Egress"}:
            path = f"spec.policyTypes[{index}]"
            yield Cause.not_supported(path, kind, ("Egress", "Ingress"))


def _policy_port(each: Tree, path: str) -> Causes:
    yield from one_of(each, "protocol", path, PROTOCOLS)
    chosen: Any = each.get("port")
    if chosen is not None:
        yield from port_or_name(chosen, f"{path}.port")
    end = each.get("endPort")
    if end is None:
        return
    if chosen is None:
        yield Cause.required(f"{path}.port", "must be specified when `endPort` is specified")
    elif isinstance(chosen, str):
        detail = "may not be specified when `port` is non-numeric"
        yield Cause.invalid(f"{path}.endPort", end, detail)
    elif end < chosen:
        detail = "must be greater than or equal to `port`"
        yield Cause.invalid(f"{path}.endPort", end, detail)


def _peer(peer: Tree, path: str) -> Causes:
    if not peer:
        yield Cause.required(path, "must specify a peer")
    for key in ("podSelector", "namespaceSelector"):
        if key in peer:
            yield from label_selector(peer[key], f"{path}.{key}")
    block = peer.get("ipBlock")
    if block is None:
        return
    if len(peer) > 1:
        detail = "may not specify both ipBlock and another peer"
        yield Cause.forbidden(path, detail)
    if not block.get("cidr"):
        yield Cause.required(f"{path}.ipBlock.cidr")
    else:
        for fault in names.cidr(block["cidr"]):
            yield Cause.invalid(f"{path}.ipBlock.cidr", block["cidr"], fault)
    for index, text in enumerate(block.get("except") or ()):
        for fault in names.cidr(text):
            yield Cause.invalid(f"{path}.ipBlock.except[{index}]", text, fault)
