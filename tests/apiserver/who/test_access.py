"""Who may do what: RBAC from stored roles, reviews, tokens, impersonation's 403s."""

from typing import Any

import pytest

from kube_actors.api import BUILTIN
from kube_actors.apiserver.who import create_key, encode_key, user_of_token
from tests.apiserver.samples import sample
from tests.apiserver.world import MASTERS, MERGE, config_map, world

MAPS = "/api/v1/namespaces/default/configmaps"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"
KEY = encode_key(create_key(lambda count: bytes(range(1, count + 1))))


def role(name: str, verbs: list[str]) -> dict[str, Any]:
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}
    return {"metadata": {"name": name}, "rules": [rule]}


def binding(name: str, to: str, kind: str = "Role", subject: str = "User") -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
        "subjects": [{"kind": subject, "apiGroup": group, "name": to}],
    }


@pytest.mark.anyio
async def test_a_role_allows_what_it_says_where_it_is_and_no_more() -> None:
    async with world() as w:
        who: Any = {"user": "jane", "groups": ()}
        refused = await w.ask("GET", MAPS, **who)
        assert refused.status == 403
        assert refused.body["message"] == (
            'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group '
            '"" in the namespace "default"'
        )
        spaced = f"{RBAC}/namespaces/default"
        await w.ok("POST", f"{spaced}/roles", role("reader", ["get", "list"]))
        await w.ok("POST", f"{spaced}/rolebindings", binding("reader", "jane"))
        assert (await w.ask("GET", MAPS, **who)).status == 200
        assert (await w.ask("POST", MAPS, config_map("a"), **who)).status == 403
        assert (await w.ask("GET", "/api/v1/configmaps", **who)).status == 403
        other = "/api/v1/namespaces/kube-system/configmaps"
        assert (await w.ask("GET", other, **who)).status == 403
        await w.ok("DELETE", f"{spaced}/rolebindings/reader")
        assert (await w.ask("GET", MAPS, **who)).status == 403


@pytest.mark.anyio
async def test_the_aggregated_roles_take_in_labelled_ones() -> None:
    async with world() as w:
        extra = role("extra", ["get"])
        extra["rules"][0]["resources"] = ["nodes"]
        extra["metadata"]["labels"] = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
        await w.ok("POST", f"{RBAC}/clusterroles", extra)
        await w.ok("POST", f"{RBAC}/clusterrolebindings", binding("view", "jane", "ClusterRole"))
        node = await w.ask("GET", "/api/v1/nodes/n1", user="jane", groups=())
        assert node.status == 404


@pytest.mark.anyio
async def test_a_person_may_ask_what_they_may_do() -> None:
    async with world() as w:
        asked = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}}
        path = f"{REVIEWS}/selfsubjectaccessreviews"
        mine = await w.ask("POST", path, asked)
        assert (mine.status, mine.body["status"]["allowed"]) == (201, True)
        group = ("system:authenticated",)
        theirs = await w.ask("POST", path, asked, user="jane", groups=group)
        assert (theirs.status, theirs.body["status"]["allowed"]) == (201, False)
        about = {"spec": {"user": "jane", "nonResourceAttributes": {"verb": "get", "path": "/x"}}}
        answer = await w.ok("POST", f"{REVIEWS}/subjectaccessreviews", about)
        assert not answer["status"]["allowed"]
        rules = await w.ok(
            "POST", f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}
        )
        assert rules["status"]["resourceRules"][0]["verbs"] == ["*"]


@pytest.mark.anyio
async def test_a_signing_request_says_who_made_it_and_stays_as_it_is() -> None:
    async with world() as w:
        path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        given = sample(BUILTIN.find("csr"))
        given["spec"].update(username="root", groups=["system:masters"], uid="0", extra={"a": []})
        made = await w.ok("POST", path, given, user="jane", groups=MASTERS)
        assert made["spec"]["username"] == "jane"
        assert made["spec"]["groups"] == ["system:masters", "system:authenticated"]
        assert not {"uid", "extra"} & set(made["spec"])
        edit = {"spec": {"username": "root"}, "metadata": {"labels": {"a": "b"}}}
        edited = await w.ok("PATCH", f"{path}/web", edit, content_type=MERGE)
        assert edited["spec"] == made["spec"]


@pytest.mark.anyio
async def test_health_is_public_and_everything_else_is_not() -> None:
    async with world() as w:
        anonymous: Any = {"user": "", "groups": ()}
        assert (await w.ask("GET", "/version", **anonymous)).status == 200
        for path in ("/api", "/metrics", "/"):
            refused = await w.ask("GET", path, **anonymous)
            assert refused.status == 403, path
        text = 'forbidden: User "system:anonymous" cannot get path "/"'
        assert refused.body["message"] == text


@pytest.mark.anyio
async def test_a_service_account_token_is_its_account_until_that_is_gone() -> None:
    async with world(service_account_key_pem=KEY) as w:
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        await w.ok("POST", accounts, {"metadata": {"name": "robot"}})
        made = await w.ok("POST", f"{accounts}/robot/token", {"spec": {"expirationSeconds": 600}})
        token = made["status"]["token"]
        server = w.server

        def user(now_s: float) -> str | None:
            found = user_of_token(token, server.config, server.signer, server.cache, now_s)
            return found.name if found else None

        now_s = server.clock.now()
        assert user(now_s) == "system:serviceaccount:default:robot"
        assert user(now_s + 1000) is None
        review = {"spec": {"token": token}}
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        assert (await w.ok("POST", path, review))["status"]["authenticated"]
        tampered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
        assert "error" in (await w.ok("POST", path, {"spec": {"token": tampered}}))["status"]
        await w.ok("DELETE", f"{accounts}/robot")
        assert user(now_s) is None


@pytest.mark.anyio
async def test_what_comes_from_a_nodes_process_acts_for_that_node_only() -> None:
    async with world(node_of=lambda address: "n1") as w:
        node: Any = {"user": "system:node:n1", "groups": ("system:nodes",)}
        proxy: Any = {"user": "system:kube-proxy", "groups": ("system:authenticated",)}
        assert (await w.ask("GET", "/api/v1/nodes", **node)).status == 200
        assert (await w.ask("GET", "/api/v1/services", **proxy)).status == 200
        for user, groups in (
            ("system:node:n1", MASTERS),
            ("system:node:n2", ("system:nodes",)),
            ("admin", MASTERS),
            ("", MASTERS),
        ):
            refused = await w.ask("GET", "/api/v1/nodes", user=user, groups=groups)
            assert (refused.status, refused.body["reason"]) == (403, "Forbidden")
            assert f"client/test acts for the node n1, not as {user!r}" in refused.body["message"]
