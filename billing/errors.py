"""What billing refuses."""

from predictu.errors import Conflict


class MonthOpen(Conflict):
    """The month is not over, or a transaction that could still write into it is open."""

    code, message = "MONTH_OPEN", "The month is not closed yet"


class WrongStatus(Conflict):
    """The invoice's status does not allow this."""

    code = "WRONG_STATUS"


class AlreadyRecorded(Conflict):
    """A payment with this method and reference stands on the invoice."""

    code, message = "ALREADY_RECORDED", "A payment with this reference is recorded on this invoice"


class MonthNotReady(Conflict):
    """Checks of the month are not in order; ``details`` says what each found."""

    code, message = "MONTH_NOT_READY", "Not everything of the month is in order"


class MonthIsClosed(Conflict):
    """Somebody has closed the month before."""

    code, message = "MONTH_CLOSED", "The month is closed already"
