"""The one error tree. Services raise these; one handler per API face renders them.

PredictuError
├── BadRequest            400  a parameter or body that cannot be understood
├── Unauthorized          401  no, wrong or worn-out credentials
├── Forbidden             403  known caller, not allowed
├── NotFound              404
├── Conflict              409  the state of things forbids it
├── Gone                  410  was there once
├── PayloadTooLarge       413
├── RangeNotSatisfiable   416
├── ValidationFailed      422  (400 in the S2S API) ``details`` is {field: [what is wrong]}
├── Refused               422  a well-formed request that the rules of trading refuse
├── RateLimited           429
└── Unavailable           503  try again; ``retry_after`` in seconds

``kind`` is the general word (God Mode prints it), ``code`` the particular one (S2S and Casino print it).
"""

from typing import Any


class PredictuError(Exception):
    """An expected refusal: it carries what the caller may be told and nothing else."""

    kind = "INTERNAL_ERROR"
    status = 500
    message = "Unexpected server failure"
    retry_after: int | None = None

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Any = None,
        retry_after: int | None = None,
    ) -> None:
        self.message = message or self.message
        if code is not None:
            self.code = code
        elif not hasattr(type(self), "code"):
            self.code = self.kind
        self.details = details
        if retry_after is not None:
            self.retry_after = retry_after
        super().__init__(self.message)


class BadRequest(PredictuError):
    kind, status, message = "BAD_REQUEST", 400, "Invalid parameters or request body"


class Unauthorized(PredictuError):
    kind, status, message = "UNAUTHORIZED", 401, "Admin authentication required"


class OtpRequired(Unauthorized):
    code, message = "OTP_REQUIRED", "A one-time password is required"


class Forbidden(PredictuError):
    kind, status, message = "FORBIDDEN", 403, "Insufficient permissions"


class FeatureDisabled(Forbidden):
    kind, message = "FEATURE_DISABLED", "This feature is switched off"


class OperatorInactive(Forbidden):
    code, message = "OPERATOR_INACTIVE", "The operator is not active"


class NotFound(PredictuError):
    kind, status, message = "NOT_FOUND", 404, "Resource does not exist"


class Conflict(PredictuError):
    kind, status, message = "CONFLICT", 409, "The resource is in a state that forbids this"


class IdempotencyConflict(Conflict):
    code, message = "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with a different request"


class IdempotencyInProgress(Conflict):
    code, message = "IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key is still running"


class PriceMoved(Conflict):
    code, message = "PRICE_MOVED", "The price moved past the limit you set"


class Gone(PredictuError):
    kind, status, message = "GONE", 410, "The resource is no longer available"


class PayloadTooLarge(PredictuError):
    kind, status, message = "PAYLOAD_TOO_LARGE", 413, "The request body is too large"


class RangeNotSatisfiable(PredictuError):
    kind, status, message = "RANGE_NOT_SATISFIABLE", 416, "The range lies outside the file"


class ValidationFailed(PredictuError):
    """``details`` maps each field (dotted when nested) to the list of what is wrong with it."""

    kind, status, message = "VALIDATION_ERROR", 422, "Schema validation failed"


class Refused(PredictuError):
    """A trading or money rule says no; nothing has moved."""

    kind, status, message = "REFUSED", 422, "The request was refused"


class InsufficientBalance(Refused):
    code, message = "INSUFFICIENT_BALANCE", "The balance does not cover this"


class RiskRejected(Refused):
    code, message = "RISK_REJECTED", "A risk limit does not allow this trade"


class MarketNotTradeable(Refused):
    code, message = "MARKET_NOT_TRADEABLE", "The market cannot be traded now"


class UserRestricted(Refused):
    code, message = "USER_RESTRICTED", "The user is restricted"


class CategoryNotAllowed(Refused):
    code, message = "CATEGORY_NOT_ALLOWED", "The operator does not carry this category"


class BelowMinimum(Refused):
    code, message = "BELOW_MINIMUM", "The amount is below the operator's minimum bet"


class NothingToSell(Refused):
    code, message = "NOTHING_TO_SELL", "The user does not hold that many shares"


class DebtOpen(Refused):
    code, message = "DEBT_OPEN", "The user owes money from a corrected settlement"


class RateLimited(PredictuError):
    kind, status, message = "RATE_LIMITED", 429, "Too many requests"


class Unavailable(PredictuError):
    kind, status, message = "UNAVAILABLE", 503, "The service cannot answer now"
    retry_after = 1


class Busy(Unavailable):
    code, message = "BUSY", "The rows this needs are locked; try again"
