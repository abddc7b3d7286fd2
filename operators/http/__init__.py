"""The only outbound HTTP of the project's callbacks: https POSTs to addresses that operators name.

Owns the address rules, the pinned connections and the one deadline of a call. Callbacks and the PING test tell it what
to send; it never signs, never follows a redirect, never reads the environment and knows no models.
"""

from operators.http.addresses import is_public
from operators.http.errors import OutboundError
from operators.http.transport import Response, Transport
from operators.http.urls import UrlError, validate_url

__all__ = ["OutboundError", "Response", "Transport", "UrlError", "is_public", "validate_url"]
