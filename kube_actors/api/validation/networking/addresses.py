"""Checks of who holds which address: IPAddresses and ServiceCIDRs."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree, required, unchanged


def _spec(obj: Tree) -> Tree:
    found: Tree = obj.get("spec") or {}
    return found


def ip_address(obj: Tree) -> Causes:
    """Apply ``ValidateIPAddress``: it says whose address it is; the name is checked elsewhere."""
    parent = _spec(obj).get("parentRef")
    if not parent:
        yield Cause.required("spec.parentRef")
        return
    yield from required(parent, ("resource", "name"), "spec.parentRef")


def ip_address_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateIPAddressUpdate``: an address keeps its parent."""
    parents = (_spec(new).get("parentRef"), _spec(old).get("parentRef"))
    yield from unchanged(*parents, "spec.parentRef")


def service_cidr(obj: Tree) -> Causes:
    """Apply ``ValidateServiceCIDR``: one or two blocks."""
    blocks = _spec(obj).get("cidrs") or []
    if not blocks:
        yield Cause.required("spec.cidrs", "at least one CIDR required")
    if len(blocks) > 2:
        yield Cause.invalid("spec.cidrs", blocks, "may only hold up to 2 values")
    for index, block in enumerate(blocks):
        for fault in names.cidr(block):
            yield Cause.invalid(f"spec.cidrs[{index}]", block, fault)


def service_cidr_update(new: Tree, old: Tree) -> Causes:
    """Refuse other blocks: addresses have been given from these."""
    yield from unchanged(_spec(new).get("cidrs"), _spec(old).get("cidrs"), "spec.cidrs")
