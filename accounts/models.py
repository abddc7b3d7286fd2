"""Admins, players and the append-only ledger."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts import roles
from operators.models import Operator
from predictu.fields import MoneyField, ShareField, TypeIdField


class AdminUserManager(BaseUserManager["AdminUser"]):
    def get_by_natural_key(self, username: str | None) -> "AdminUser":
        return self.get(email=(username or "").lower())


class AdminUser(AbstractBaseUser, PermissionsMixin):
    """One of Predictu's own staff; the same account serves God Mode and Django admin."""

    SYSTEM_EMAIL = "system@predictu.invalid"

    id = TypeIdField("admin", primary_key=True)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_system = models.BooleanField(default=False, editable=False)
    token_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField()

    objects = AdminUserManager()

    USERNAME_FIELD = "email"

    class Meta:
        verbose_name = "admin"
        ordering = ["email"]
        constraints = [models.CheckConstraint(condition=Q(email=Lower("email")), name="admin_email_lower_case")]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Django admin asks this: every active admin with a role, but never the system's own account."""
        return self.is_active and not self.is_system and self.has_role

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a browser session is tied to: like a token, it ends with the password and with the version."""
        content = f"{self.password}.{self.token_version}"
        return salted_hmac("accounts.browser_session", content, secret=secret, algorithm="sha256").hexdigest()

    @property
    def has_role(self) -> bool:
        return bool(roles.held_by(self))


class RevokedToken(models.Model):
    """A logged-out JWT, kept until it would have expired anyway."""

    jti = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.jti


class LoginFailure(models.Model):
    """A failed login: a keyed hash of the e-mail and the address it came from, for the lock-out."""

    id = models.BigAutoField(primary_key=True)
    email_hash = models.CharField(max_length=64)
    address = models.GenericIPAddressField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["email_hash", "at"], name="loginfailure_email"),
            models.Index(fields=["address", "at"], name="loginfailure_address"),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.at}"


class PlayerQuerySet(models.QuerySet["Player"]):
    def for_operator(self, operator: Operator) -> "PlayerQuerySet":
        return self.filter(operator=operator)

    def real(self) -> "PlayerQuerySet":
        """Without test users, which are left out of every list and total."""
        return self.filter(is_test=False)


class Player(models.Model):
    """An operator's player (``usr_``).

    ``balance_usd``, ``ledger_seq`` and ``ledger_hash`` are written by the ledger's trigger alone. The counters are kept
    by the services that hold this row's lock; ``verify_ledger`` recomputes them.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        INACTIVE = "inactive"
        SUSPENDED = "suspended"

    class Tier(models.TextChoices):
        NORMAL = "normal"
        SHARP = "sharp"
        RESTRICTED = "restricted"
        BANNED = "banned"

    class LimitTier(models.TextChoices):
        NEW = "new"
        REGULAR = "regular"
        VIP = "vip"

    class Actor(models.TextChoices):
        STAFF = "staff"
        OPERATOR = "operator"
        SYSTEM = "system"

    id = TypeIdField("usr", primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="players", db_index=False)
    external_id = models.CharField(max_length=128)
    username = models.CharField(max_length=100)
    email = models.EmailField(null=True)
    channel = models.CharField(max_length=64, blank=True)
    is_test = models.BooleanField(default=False, editable=False)

    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    status_set_by = models.CharField(max_length=8, choices=Actor, default=Actor.SYSTEM)
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.NORMAL)
    tier_set_by = models.CharField(max_length=8, choices=Actor, default=Actor.SYSTEM)
    tier_expires_at = models.DateTimeField(null=True)
    limit_tier = models.CharField(max_length=8, choices=LimitTier, default=LimitTier.NEW)
    limit_tier_set_by = models.CharField(max_length=8, choices=Actor, default=Actor.SYSTEM)
    self_excluded_until = models.DateTimeField(null=True)

    max_bet_usd = MoneyField(null=True, help_text="Staff restriction; the limit in force is the lowest of all.")
    allowed_categories = models.JSONField(null=True)
    blocked_categories = models.JSONField(default=list)
    blocked_markets = models.JSONField(default=list)
    cooldown_until = models.DateTimeField(null=True)

    balance_usd = MoneyField(default=0, editable=False)
    debt_usd = MoneyField(default=0, editable=False)
    ledger_seq = models.BigIntegerField(default=0, editable=False)
    ledger_hash = models.BinaryField(default=bytes, editable=False)

    trade_count = models.PositiveIntegerField(default=0, editable=False)
    trade_rows = models.PositiveIntegerField(default=0, editable=False)
    volume_usd = MoneyField(default=0, editable=False)
    largest_trade_usd = MoneyField(default=0, editable=False)
    realized_pnl_usd = MoneyField(default=0, editable=False)
    resolved_count = models.PositiveIntegerField(default=0, editable=False)
    winning_count = models.PositiveIntegerField(default=0, editable=False)
    open_positions = models.PositiveIntegerField(default=0, editable=False)
    exposure_usd = ShareField(default=0, editable=False)
    deposited_usd = MoneyField(default=0, editable=False)
    withdrawn_usd = MoneyField(default=0, editable=False)

    score = models.PositiveSmallIntegerField(null=True, editable=False)
    score_evaluated_at = models.DateTimeField(null=True, editable=False)
    last_active_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    counted = models.BooleanField(default=False, db_default=False, editable=False, help_text="In SignupDay's sums.")

    objects = PlayerQuerySet.as_manager()

    class Meta:
        verbose_name = "user"
        verbose_name_plural = "users"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "external_id"], name="player_external_id_unique"),
            models.CheckConstraint(condition=Q(balance_usd__gte=0), name="player_balance_not_negative"),
            models.CheckConstraint(condition=Q(debt_usd__gte=0), name="player_debt_not_negative"),
            models.CheckConstraint(condition=Q(exposure_usd__gte=0), name="player_exposure_not_negative"),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="player_created"),
            models.Index(fields=["operator", "created_at", "id"], name="player_operator_created"),
            models.Index(fields=["tier"], name="player_flagged", condition=~Q(tier="normal")),
            models.Index(fields=["id"], name="player_uncounted", condition=Q(counted=False)),
        ]
        permissions = [
            ("manage_users", "Change tier, status and restrictions of users"),
            ("adjust_balance", "Adjust balances"),
            ("export_pii", "Export e-mails and names"),
        ]

    def __str__(self) -> str:
        return self.id

    def excluded(self, now: datetime) -> bool:
        """Whether a self-exclusion is running at ``now``."""
        return self.self_excluded_until is not None and now < self.self_excluded_until


class SignupDay(models.Model):
    """How many users of an operator signed up on a UTC day, of those marked ``counted``; test users in none."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    users = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "day"], name="signup_day_unique")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.day}"


class SignupChannel(models.Model):
    """The same users by operator and the channel they came through."""

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=64, blank=True)
    users = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "channel"], name="signup_channel_unique")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.channel}"


class LedgerEntry(models.Model):
    """One movement of a player's balance. Append-only; the database numbers, chains and guards it.

    ``seq``, ``balance_before_usd``, ``balance_after_usd`` and ``hash`` are filled by the trigger from the player's row,
    which the same trigger moves on: no balance changes in any other way.
    """

    class Type(models.TextChoices):
        DEPOSIT = "deposit"
        WITHDRAW = "withdraw"
        TRADE_DEBIT = "trade_debit"
        TRADE_CREDIT = "trade_credit"
        SETTLEMENT = "settlement"
        FEE = "fee"
        ADJUSTMENT = "adjustment"

    class Reference(models.TextChoices):
        TRADE = "trade"
        DEPOSIT = "deposit"
        WITHDRAW = "withdraw"
        SETTLEMENT = "settlement"
        ADJUSTMENT = "adjustment"

    id = TypeIdField("ldg", primary_key=True)
    player = models.ForeignKey(Player, models.PROTECT, related_name="ledger", db_index=False)
    seq = models.BigIntegerField(editable=False)
    type = models.CharField(max_length=12, choices=Type)
    amount_usd = MoneyField()
    balance_before_usd = MoneyField(editable=False)
    balance_after_usd = MoneyField(editable=False)
    reference_type = models.CharField(max_length=10, choices=Reference)
    reference_id = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    idempotency_key = models.CharField(max_length=160)
    actor = models.CharField(max_length=48)
    hash_version = models.PositiveSmallIntegerField(default=1, editable=False)
    hash = models.BinaryField(editable=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["player", "seq"], name="ledger_player_seq_unique"),
            models.UniqueConstraint(fields=["player", "type", "idempotency_key"], name="ledger_key_unique"),
            models.CheckConstraint(
                condition=Q(balance_after_usd=models.F("balance_before_usd") + models.F("amount_usd")),
                name="ledger_before_plus_amount",
            ),
            models.CheckConstraint(condition=Q(balance_after_usd__gte=0), name="ledger_never_negative"),
            models.CheckConstraint(condition=~Q(amount_usd=0), name="ledger_amount_not_zero"),
            # NaN is greater than every number in PostgreSQL, so a bound keeps it out.
            models.CheckConstraint(
                condition=Q(amount_usd__gt=-(10**13), amount_usd__lt=10**13), name="ledger_amount_finite"
            ),
            models.CheckConstraint(
                condition=Q(type__in=("deposit", "trade_credit", "settlement"), amount_usd__gt=0)
                | Q(type__in=("withdraw", "trade_debit", "fee"), amount_usd__lt=0)
                | Q(type="adjustment"),
                name="ledger_sign_of_type",
            ),
        ]
        indexes = [models.Index(fields=["reference_id"], name="ledger_reference")]

    def __str__(self) -> str:
        return self.id


def system_admin() -> AdminUser:
    """The account that acts for jobs; nobody can log in with it."""
    return AdminUser.objects.get(email=AdminUser.SYSTEM_EMAIL)
