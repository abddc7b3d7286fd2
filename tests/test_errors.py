import inspect
import pickle

import pytest

from predictu import errors
from predictu.errors import PredictuError

# The general words of God Mode, and the HTTP status that goes with each.
KINDS = {
    errors.BadRequest: ("BAD_REQUEST", 400),
    errors.Unauthorized: ("UNAUTHORIZED", 401),
    errors.Forbidden: ("FORBIDDEN", 403),
    errors.NotFound: ("NOT_FOUND", 404),
    errors.Conflict: ("CONFLICT", 409),
    errors.Gone: ("GONE", 410),
    errors.PayloadTooLarge: ("PAYLOAD_TOO_LARGE", 413),
    errors.RangeNotSatisfiable: ("RANGE_NOT_SATISFIABLE", 416),
    errors.ValidationFailed: ("VALIDATION_ERROR", 422),
    errors.Refused: ("REFUSED", 422),
    errors.RateLimited: ("RATE_LIMITED", 429),
    errors.Unavailable: ("UNAVAILABLE", 503),
}
CODES = {
    errors.OtpRequired: ("OTP_REQUIRED", errors.Unauthorized),
    errors.OperatorInactive: ("OPERATOR_INACTIVE", errors.Forbidden),
    errors.IdempotencyConflict: ("IDEMPOTENCY_CONFLICT", errors.Conflict),
    errors.IdempotencyInProgress: ("IDEMPOTENCY_IN_PROGRESS", errors.Conflict),
    errors.PriceMoved: ("PRICE_MOVED", errors.Conflict),
    errors.InsufficientBalance: ("INSUFFICIENT_BALANCE", errors.Refused),
    errors.RiskRejected: ("RISK_REJECTED", errors.Refused),
    errors.MarketNotTradeable: ("MARKET_NOT_TRADEABLE", errors.Refused),
    errors.UserRestricted: ("USER_RESTRICTED", errors.Refused),
    errors.CategoryNotAllowed: ("CATEGORY_NOT_ALLOWED", errors.Refused),
    errors.BelowMinimum: ("BELOW_MINIMUM", errors.Refused),
    errors.NothingToSell: ("NOTHING_TO_SELL", errors.Refused),
    errors.DebtOpen: ("DEBT_OPEN", errors.Refused),
    errors.Busy: ("BUSY", errors.Unavailable),
}


def everything(base=PredictuError):
    for child in base.__subclasses__():
        if child.__module__ == "predictu.errors":
            yield child
            yield from everything(child)


def test_every_error_of_the_tree_is_known_here():
    assert set(everything()) == {*KINDS, *CODES, errors.FeatureDisabled}


@pytest.mark.parametrize("error", KINDS)
def test_a_kind_has_its_word_and_status_and_is_its_own_code(error):
    raised = error()
    assert (raised.kind, raised.status) == KINDS[error]
    assert raised.code == raised.kind
    assert error.__base__ is PredictuError


@pytest.mark.parametrize("error", CODES)
def test_a_leaf_adds_a_code_and_keeps_the_kind_and_status(error):
    code, kind = CODES[error]
    raised = error()
    assert raised.code == code
    assert (raised.kind, raised.status) == KINDS[kind]
    assert isinstance(raised, kind)


@pytest.mark.parametrize("error", list(everything()))
def test_every_error_says_something_of_its_own(error):
    assert error().message != PredictuError().message
    assert error().message == str(error())


def test_a_feature_switched_off_says_so_in_every_api():
    raised = errors.FeatureDisabled()
    assert (raised.kind, raised.code, raised.status) == ("FEATURE_DISABLED", "FEATURE_DISABLED", 403)
    assert isinstance(raised, errors.Forbidden)


def test_codes_are_not_used_twice():
    codes = [error().code for error in everything()]
    assert len(codes) == len(set(codes))


def test_the_one_that_raises_may_say_more():
    raised = errors.Conflict("The name is taken", code="NAME_EXISTS", details={"name": ["is taken"]}, retry_after=3)
    assert (raised.message, raised.code, raised.kind, raised.status) == (
        "The name is taken",
        "NAME_EXISTS",
        "CONFLICT",
        409,
    )
    assert raised.details == {"name": ["is taken"]}
    assert raised.retry_after == 3
    assert errors.Conflict().code == "CONFLICT"


def test_only_what_passes_by_itself_says_when_to_try_again():
    assert errors.Busy().retry_after == errors.Unavailable().retry_after == 1
    assert errors.Conflict().retry_after is None
    assert errors.RateLimited().retry_after is None


def test_an_unexpected_failure_tells_nothing():
    raised = PredictuError()
    assert (raised.kind, raised.code, raised.status, raised.details) == ("INTERNAL_ERROR", "INTERNAL_ERROR", 500, None)


def test_errors_survive_the_way_to_another_process():
    raised = errors.RiskRejected(details={"wall": 2}, code="X")
    returned = pickle.loads(pickle.dumps(raised))  # noqa: S301
    assert type(returned) is errors.RiskRejected
    assert (returned.message, returned.code, returned.details) == (raised.message, "X", {"wall": 2})


def test_the_tree_is_drawn_at_the_top_of_its_file():
    drawn = inspect.getdoc(errors)
    for error, (_, status) in KINDS.items():
        assert f"─ {error.__name__} " in drawn
        assert f" {status} " in drawn or f" {status}\n" in drawn
