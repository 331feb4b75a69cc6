"""Who is asking: client certificates, service-account tokens, static tokens, nobody.

Says nothing about what they may do. A credential that is shown and wrong is refused (401); none
at all makes ``system:anonymous``, whom authorization mostly refuses (403).
"""

import hmac

from kube_actors.api import errors
from kube_actors.apiserver.cache import WatchCache
from kube_actors.apiserver.config import ApiServerConfig
from kube_actors.apiserver.request import ANONYMOUS, Credentials, User
from kube_actors.apiserver.who.tokens import InvalidToken, Signer

AUTHENTICATED = "system:authenticated"
_API_AUDIENCE = "https://kubernetes.default.svc"


def audiences(config: ApiServerConfig) -> tuple[str, ...]:
    """Return the audiences whose tokens this API accepts."""
    return (config.issuer, _API_AUDIENCE)


def authenticate(
    credentials: Credentials,
    config: ApiServerConfig,
    signer: Signer | None,
    cache: WatchCache,
    now_s: float,
) -> User:
    """Return the user; raises ``StatusError`` 401."""
    if credentials.bearer:
        user = user_of_token(credentials.bearer, config, signer, cache, now_s)
        if user is None:
            raise errors.unauthorized()
        return user
    if credentials.user is not None:
        return _authenticated(credentials.user)
    if not config.anonymous:
        raise errors.unauthorized()
    return ANONYMOUS


def user_of_token(
    token: str,
    config: ApiServerConfig,
    signer: Signer | None,
    cache: WatchCache,
    now_s: float,
    wanted: tuple[str, ...] = (),
) -> User | None:
    """Return whose token this is, None if nobody's. ``wanted`` are the audiences to accept."""
    for known, owner in config.static_tokens.items():
        if hmac.compare_digest(known.encode(), token.encode()):
            return _authenticated(User(owner.user, owner.groups))
    if signer is None:
        return None
    try:
        claims = signer.verify(token, now_s=now_s, audiences=wanted or audiences(config))
        bound = claims["kubernetes.io"]
        namespace, account = bound["namespace"], bound["serviceaccount"]
        name, uid = account["name"], account["uid"]
    except (InvalidToken, KeyError, TypeError):
        return None
    entry = cache.resource("", "serviceaccounts").get(namespace, name)
    if entry is None or entry.decode()["metadata"].get("uid") != uid:
        return None
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups, uid)


def _authenticated(user: User) -> User:
    if AUTHENTICATED in user.groups or user.name == ANONYMOUS.name:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid)
