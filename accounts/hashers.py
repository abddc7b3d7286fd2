"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class StaffArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with 46 MiB and one pass, OWASP's first choice for a server.

    Django's own 100 MiB on eight threads would let a few dozen logins sent at once take all memory of a small machine.
    """

    time_cost = 1
    memory_cost = 47_104
    parallelism = 1
