"""What can become of an outgoing call that brings no answer."""


class OutboundError(Exception):
    """A call without a usable answer.

    ``code`` is one of the documented PING errors (TIMEOUT, CONNECTION_REFUSED, DNS_RESOLUTION_FAILED, TLS_ERROR,
    NOT_HTTPS, INVALID_RESPONSE) or INVALID_URL; ``cause`` a finer word, such as ``certificate_expired``; ``message``
    a sentence for the operator's engineer. The rest says how far the call came: phases that did not end are None.
    """

    def __init__(self, code: str, message: str, *, cause: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.cause = cause
        self.phases_ms: dict[str, float | None] = {}
        self.latency_ms = 0
        self.ip: str | None = None
        self.tls_version: str | None = None
        self.certificate_days_left: int | None = None


class StaleConnection(Exception):
    """A kept-alive connection ended before a byte of the answer came: the server had closed it meanwhile."""
