"""What the token service refuses: a closed tree, each with its HTTP status and a Chinese title."""

from typing import Any, ClassVar

from scf_ledger.errors import LedgerError


class Refusal(LedgerError):
    """The root: a request that the service does not carry out."""

    code: ClassVar[str] = "token.refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "请求被拒绝"
    detail: ClassVar[str] = "The request is refused"

    def __init__(self, **fields: Any) -> None:
        super().__init__(self.detail, **fields)


class NotAdmitted(Refusal):
    """Only an admitted operator, known by its bearer token, asks for tickets."""

    code = "token.operator_unknown"
    status = 401
    title = "平台未获准入或凭证无效"
    detail = "The operator is not admitted, or its bearer token is wrong"


class RequestInvalid(Refusal):
    """A request fits the schema."""

    code = "request.invalid"
    status = 422
    title = "请求内容不符合接口要求"
    detail = "The request does not fit the endpoint"


class RequestTooLarge(Refusal):
    """A request's size is told beforehand and bounded."""

    code = "request.too_large"
    status = 413
    title = "请求体过大或未声明长度"
    detail = "The request body is too large, or its length is not declared"


class KeyMissing(Refusal):
    """A request names itself with an Idempotency-Key, 1 to 200 printable ASCII characters."""

    code = "idempotency.key_missing"
    status = 400
    title = "缺少幂等键或幂等键无效"
    detail = "The Idempotency-Key header is missing or malformed"


class KeyReused(Refusal):
    """An Idempotency-Key stands for one request."""

    code = "idempotency.key_reused"
    status = 422
    title = "幂等键已用于另一请求"
    detail = "The Idempotency-Key was used for another request"


class AssetRepeated(Refusal):
    """A ticket names each asset once."""

    code = "token.asset_repeated"
    status = 422
    title = "同一资产重复出现"
    detail = "An asset is named twice"


class AssetInvalid(Refusal):
    """An asset has a canonical identity."""

    code = "token.asset_invalid"
    status = 422
    title = "资产标识无效"
    detail = "An asset has no canonical identity"


class ExpiryInvalid(Refusal):
    """A lock outlives its ticket, and ends within ten years."""

    code = "token.expiry_invalid"
    status = 422
    title = "锁定到期时间无效"
    detail = "The lock's expiry must lie after the ticket's and within the limit"


class RateExceeded(Refusal):
    """An operator asks for so many assets a minute."""

    code = "token.rate_exceeded"
    status = 429
    title = "请求过于频繁"
    detail = "The operator asks for too many assets a minute"


class AssetBusy(Refusal):
    """Tickets of one asset run out one after the other, the last one within the hour."""

    code = "token.asset_busy"
    status = 429
    title = "该资产的凭票请求过多"
    detail = "Too many tickets for one asset wait to run out"


class TokenServiceUnavailable(LedgerError):
    """The token service answers within the time allowed; transient. Raised by the client."""

    code = "token.unavailable"


class TokenServiceRefused(LedgerError):
    """The token service holds to its rules. Raised by the client with the service's own words.

    :ivar refused_code: the service's stable code, for instance ``token.rate_exceeded``
    :ivar title: its Chinese title
    """

    code = "token.refused"

    def __init__(self, message: str, *, status: int, refused_code: str, title: str) -> None:
        super().__init__(message, status=status, refused_code=refused_code, title=title)
        self.status = status
        self.refused_code = refused_code
        self.title = title
