"""What the services of operators refuse with."""

from predictu.errors import Conflict, NotFound


class NameTaken(Conflict):
    code, message = "NAME_EXISTS", "An operator with this name already exists"


class DomainTaken(Conflict):
    code, message = "DOMAIN_EXISTS", "An operator with this domain already exists"


class SlugTaken(Conflict):
    code, message = "SLUG_EXISTS", "An operator with this slug already exists"


class NoActiveKey(NotFound):
    code, message = "NO_ACTIVE_KEY", "The operator has no active API key"


class StepConflict(Conflict):
    code, message = "STEP_CONFLICT", "The onboarding is not at this step"
