"""etcd's Auth service, of which there is none here: certificates decide who may connect."""

from collections.abc import Awaitable, Callable
from typing import Any

from kube_actors.etcd.failures import NOT_ENABLED
from kube_actors.etcd.grpc import Code, GrpcError, Methods, Unary
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.origin import Origin

_REFUSED = (
    "AuthEnable",
    "AuthDisable",
    "UserAdd",
    "UserGet",
    "UserList",
    "UserDelete",
    "UserChangePassword",
    "UserGrantRole",
    "UserRevokeRole",
    "RoleAdd",
    "RoleGet",
    "RoleList",
    "RoleDelete",
    "RoleGrantPermission",
    "RoleRevokePermission",
)


class AuthService:
    """AuthStatus says that it is off; Authenticate says so as etcd does; the rest is refused."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def methods(self) -> Methods:
        """Every method of etcdserverpb.Auth; those that would change users or roles are refused."""
        service, empty = "/etcdserverpb.Auth", Parser(pb.Empty)
        refused = {f"{service}/{name}": Unary(empty, _refuse(name)) for name in _REFUSED}
        return {
            **refused,
            f"{service}/AuthStatus": Unary(Parser(pb.AuthStatusRequest), self.status),
            f"{service}/Authenticate": Unary(empty, self.authenticate),
        }

    async def status(self, request: Any) -> Any:
        """AuthStatus: authentication is never enabled here."""
        answer = pb.AuthStatusResponse(enabled=False, authRevision=1)
        return await self._origin.fill(answer)

    async def authenticate(self, request: Any) -> Any:
        """Authenticate: FAILED_PRECONDITION in etcd's words, as an etcd without users answers."""
        raise GrpcError(Code.FAILED_PRECONDITION, NOT_ENABLED)


def _refuse(name: str) -> Callable[[Any], Awaitable[Any]]:
    async def refuse(request: Any) -> Any:
        raise GrpcError(
            Code.UNIMPLEMENTED,
            f"{name}: this store has no users and roles; client certificates decide who connects",
        )

    return refuse
