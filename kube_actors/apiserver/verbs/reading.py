"""get and list: from the watch cache when it is fresh enough, else from the store's history."""

import base64
import binascii
from collections.abc import Sequence

import attrs
import orjson

from kube_actors.api import Cause, errors
from kube_actors.api.selectors import (
    FieldSelector,
    check_fields,
    parse_field_selector,
    parse_label_selector,
)
from kube_actors.apiserver.cache import Entry, Selection
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.freshness import catch_up, parse_revision
from kube_actors.apiserver.objects import (
    decode_value,
    namespace_prefix,
    prefix_end,
    resource_prefix,
    split_key,
    to_served,
)
from kube_actors.apiserver.output import partial, table
from kube_actors.apiserver.request import Answer, Query
from kube_actors.store.messages import Compacted, FutureRevision, Range

_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter, or use the continue token in this "
    "response to retrieve the remainder of the results."
)


async def get(call: Call) -> Answer:
    """Answer one object; raises ``StatusError`` 404."""
    call.warnings.extend(await catch_up(call.server, call.request.query.get("resourceVersion")))
    entry = call.server.cached(call.kind).get(call.namespace, call.name)
    if entry is None:
        raise errors.not_found(call.kind, call.name)
    return call.answer_body(call.form().encode(entry.value, entry.revision))


def selection(call: Call) -> Selection:
    """Return what the query's selectors mean; raises ``StatusError`` 400."""
    query = call.request.query
    fields = parse_field_selector(query.get("fieldSelector"))
    labels = parse_label_selector(query.get("labelSelector"))
    namespace, name = call.namespace, call.name
    if not fields.empty:
        check_fields(call.kind, fields)
        if call.kind.group == "events.k8s.io":
            fields = _core_event_fields(fields)
        # A name or namespace is looked up by key; nothing has to be decoded for it.
        name, fields = _taken_out(fields, "metadata.name", name)
        namespace, fields = _taken_out(fields, "metadata.namespace", namespace)
    return Selection(namespace, name, labels, fields)


def _taken_out(fields: FieldSelector, field: str, known: str) -> tuple[str, FieldSelector]:
    wanted = fields.required(field)
    if not wanted or known not in ("", wanted):
        return known, fields
    rest = [t for t in fields.terms if (t.field, t.value, t.negated) != (field, wanted, False)]
    return wanted, FieldSelector(tuple(rest))


def _core_event_fields(fields: FieldSelector) -> FieldSelector:
    """Return the selector of a new event as one of the core events that are stored."""
    terms = []
    for term in fields.terms:
        name = term.field.replace("regarding.", "involvedObject.")
        name = {"reportingController": "reportingComponent"}.get(name, name)
        terms.append(attrs.evolve(term, field=name))
    return FieldSelector(tuple(terms))


@attrs.frozen
class Page:
    """Entries of one list answer at ``revision``; ``after`` is where the next page starts."""

    entries: Sequence[Entry]
    revision: int
    after: bytes = b""
    remaining: int | None = None


async def list_objects(call: Call) -> Answer:
    """Answer a list; raises ``StatusError`` 400, 410 or 504."""
    query = call.request.query
    chosen = selection(call)
    limit = max(query.integer("limit") or 0, 0)
    query.integer("timeoutSeconds")
    version, match = query.get("resourceVersion"), query.get("resourceVersionMatch")
    token = query.get("continue")
    _check_options(query)
    if token:
        if version not in ("", "0"):
            raise errors.bad_request(
                "specifying resource version is not allowed when using continue"
            )
        revision, after = _decode_token(token)
        page = await _from_store(call, chosen, revision, after, limit, continued=True)
    elif match == "Exact" and parse_revision(version) != call.server.cache.revision:
        page = await _from_store(call, chosen, parse_revision(version), b"", limit)
    else:
        call.warnings.extend(await catch_up(call.server, version))
        page = _from_cache(call, chosen, limit)
    return call.answer_body(encode_list(call, page))


def _check_options(query: Query) -> None:
    """Raise ``StatusError`` 422 for options that contradict each other."""
    match, version = query.get("resourceVersionMatch"), query.get("resourceVersion")
    path, forbidden, found = "resourceVersionMatch", Cause.forbidden, []
    if match:
        if not version:
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            found.append(forbidden(path, text))
        if query.get("continue"):
            text = "resourceVersionMatch is forbidden when continue is provided"
            found.append(forbidden(path, text))
        if match not in ("Exact", "NotOlderThan"):
            choices = ("Exact", "NotOlderThan", "")
            found.append(Cause.not_supported(path, match, choices))
        if match == "Exact" and version == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            found.append(forbidden(path, text))
    if query.flag("sendInitialEvents") is not None:
        found.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if found:
        raise errors.invalid(errors.Resource("meta.k8s.io", "", "ListOptions"), "", found)


def _from_cache(call: Call, chosen: Selection, limit: int) -> Page:
    cache = call.server.cached(call.kind)
    revision = call.server.cache.revision
    entries = cache.select(chosen)
    if not limit or len(entries) <= limit:
        return Page(entries, revision)
    remaining = len(entries) - limit if chosen.everything else None
    return Page(entries[:limit], revision, entries[limit - 1].key + b"\0", remaining)


async def _from_store(
    call: Call,
    chosen: Selection,
    revision: int,
    after: bytes,
    limit: int,
    *,
    continued: bool = False,
) -> Page:
    storage = call.storage
    if chosen.namespace:
        prefix = namespace_prefix(storage.group, storage.plural, chosen.namespace)
    else:
        prefix = resource_prefix(storage.group, storage.plural)
    start = max(after, prefix)
    entries: list[Entry] = []
    fetch = limit if chosen.everything and not chosen.name else 0
    try:
        ranged = await call.server.store.range(
            Range(start, prefix_end(prefix), revision=revision, limit=fetch)
        )
    except Compacted as error:
        text = _CONTINUE_EXPIRED if continued else None
        raise errors.expired(text or _too_old(revision, error.compact_revision)) from None
    except FutureRevision:
        raise errors.too_new(revision, call.server.cache.revision) from None
    for kv in ranged.kvs:
        parts = split_key(kv.key)
        if parts is None:
            continue
        entry = Entry(storage, kv.key, parts[2], parts[3], kv.value, kv.mod_revision)
        if chosen.matches(entry):
            entries.append(entry)
            if limit and len(entries) == limit:
                break
    last = entries[-1].key + b"\0" if entries else b""
    more = bool(limit and entries and ranged.kvs[-1].key >= last) or ranged.more
    if not more:
        return Page(entries, revision)
    remaining = ranged.count - len(entries) if chosen.everything else None
    return Page(entries, revision, last, remaining)


def _too_old(revision: int, oldest: int) -> str:
    return f"The resourceVersion for the provided list is too old: {revision} ({oldest})"


def encode_list(call: Call, page: Page) -> bytes:
    """Splice a page's objects into one List; they are not decoded for it if they are stored as
    asked.
    """
    metadata: dict[str, object] = {"resourceVersion": str(page.revision)}
    if page.after:
        metadata["continue"] = _encode_token(page.revision, page.after)
        if page.remaining:
            metadata["remainingItemCount"] = page.remaining
    if call.output.style == "object":
        encode = call.form().encode
        head = {
            "kind": call.kind.list_kind,
            "apiVersion": call.kind.api_version,
            "metadata": metadata,
        }
        items = b",".join([encode(entry.value, entry.revision) for entry in page.entries])
        return b'%b,"items":[%b]}' % (orjson.dumps(head)[:-1], items)
    objects = [
        to_served(call.kind, call.storage, decode_value(entry.value, entry.revision))
        for entry in page.entries
    ]
    if call.output.style == "table":
        shown = table(call.output, call.kind, objects, call.server.clock.now())
        return orjson.dumps({**shown, "metadata": metadata})
    return orjson.dumps(
        {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": [partial(obj) for obj in objects],
        }
    )


def _encode_token(revision: int, after: bytes) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": revision, "start": after.decode()}
    return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()


def _decode_token(text: str) -> tuple[int, bytes]:
    try:
        token = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(token["rv"]), str(token["start"]).encode()
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise errors.bad_request("continue key is not valid: encoded version or key") from None
