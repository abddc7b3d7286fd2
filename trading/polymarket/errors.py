"""What can go wrong between us and the source. Nothing of it is a caller's fault; a sync reports it and goes on later.

SourceError (503)
├── SourceUnavailable   gave up after retries, or the deadline would have passed; ``retry_after`` when it asked for time
├── SourceRefused       an answer that another try will not change; ``answered`` is its HTTP status
├── SourceMalformed     JSON, but not the shape this call has
└── PagingStuck         a cursor came twice, or a page held nothing new
"""

from predictu.errors import Unavailable


class SourceError(Unavailable):
    code, message = "SOURCE_ERROR", "The source of markets cannot be read now"


class SourceUnavailable(SourceError):
    message = "The source of markets does not answer"


class SourceRefused(SourceError):
    def __init__(self, message: str, *, answered: int) -> None:
        super().__init__(message)
        self.answered = answered


class SourceMalformed(SourceError):
    message = "The source of markets answered something unexpected"


class PagingStuck(SourceError):
    message = "The source of markets repeats its pages"
