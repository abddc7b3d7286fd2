"""How a file is turned down."""


class Unacceptable(ValueError):
    """The file cannot be taken; the text is a sentence for whoever sent it."""
