"""One settings module, configured by the environment; ``.env.example`` explains every variable.

Production (``PREDICTU_ENV=production``) refuses to start with a missing or default secret, with DEBUG on, or without an
encryption key.
"""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from predictu.local.database_url import broker_url, database_from_url
from predictu.logs import configure as configure_logs
from predictu.schedule import PERIODIC, ROUTES

# The forecast's matrices are tiny: more threads for them only spin (4 × the CPU time on a busy machine). Read by numpy
# when it is imported, so it has to be here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

ENVIRONMENT = env("PREDICTU_ENV", default="development")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env("PREDICTU_DATA_DIR", default=str(BASE_DIR / ".data"))).resolve()

_INSECURE = "insecure-development-only-"


def _secret(name: str) -> str:
    """A secret of the environment; outside production a fixed, plainly insecure one stands in."""
    value = env(name, default="")
    if not value and PRODUCTION:
        raise ImproperlyConfigured(f"{name} must be set in production")
    if PRODUCTION and (value.startswith(_INSECURE) or len(value) < 32):
        raise ImproperlyConfigured(f"{name} is a default or too short for production")
    return value or _INSECURE + name.lower().replace("_", "-").ljust(40, "-")


SECRET_KEY = _secret("SECRET_KEY")
# Earlier ones, so that browser sessions and signed links outlive a rotation.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Newest first: tokens are signed with the first and accepted from all, so that the key can be rotated.
PREDICTU_JWT_KEYS = env.list("PREDICTU_JWT_KEYS", default=[]) or [_secret("PREDICTU_JWT_KEY")]
if PRODUCTION and any(key.startswith(_INSECURE) or len(key) < 32 for key in PREDICTU_JWT_KEYS):
    raise ImproperlyConfigured("PREDICTU_JWT_KEYS holds a default or a key too short for production")
# Fernet keys, newest first: operator secrets are encrypted with the first.
PREDICTU_ENCRYPTION_KEYS = env.list("PREDICTU_ENCRYPTION_KEYS", default=[])
# Newest first: the ledger is anchored with the first, and anchors made with any of them hold.
PREDICTU_LEDGER_ANCHOR_KEYS = env.list("PREDICTU_LEDGER_ANCHOR_KEYS", default=[]) or [
    _secret("PREDICTU_LEDGER_ANCHOR_KEY")
]
if PRODUCTION and any(key.startswith(_INSECURE) or len(key) < 32 for key in PREDICTU_LEDGER_ANCHOR_KEYS):
    raise ImproperlyConfigured("PREDICTU_LEDGER_ANCHOR_KEYS holds a default or a key too short for production")
if not PREDICTU_ENCRYPTION_KEYS:
    if PRODUCTION:
        raise ImproperlyConfigured("PREDICTU_ENCRYPTION_KEYS must be set in production")
    PREDICTU_ENCRYPTION_KEYS = ["aW5zZWN1cmUtZGV2ZWxvcG1lbnQtb25seS1rZXktMDE="]
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG must be off in production")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
PREDICTU_PUBLIC_URL = env("PREDICTU_PUBLIC_URL", default=f"http://127.0.0.1:{env.int('PORT', default=8000)}")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "predictu.admin_config.PredictuAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "predictu.platform",
    "operators",
    "accounts",
    "risk",
    "trading",
    "billing",
    "reports",
]

MIDDLEWARE = [
    "predictu.api.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "predictu.staff_door.StaffDoorMiddleware",
    "predictu.api.middleware.ApiMiddleware",
    "predictu.page_middleware.PageSession",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "predictu.page_middleware.PageUser",
    "predictu.page_middleware.PageSecondFactor",
    "predictu.page_middleware.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "predictu.urls"
WSGI_APPLICATION = "predictu.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "predictu" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "trading.admin.banner.ledger",
            ]
        },
    }
]

DATABASES = {"default": database_from_url(env("DATABASE_URL", default="postgresql://predictu@localhost/predictu"))}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("PREDICTU_DB_CONN_MAX_AGE", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"] |= {
    # The hot paths use server-side prepared statements of their own; behind a pooling proxy set it to 0.
    "prepare_threshold": env.int("PREDICTU_DB_PREPARE_THRESHOLD", default=3) or None,
    # A lock not had in five seconds is BUSY, to every caller.
    "options": "-c lock_timeout=5000 -c timezone=UTC",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env("REDIS_URL", default="redis://localhost:6379/0")

AUTH_USER_MODEL = "accounts.AdminUser"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
PASSWORD_HASHERS = [
    "accounts.hashers.StaffArgon2Hasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
OTP_TOTP_ISSUER = "Predictu"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [
    "^healthz$",
    "^readyz$",
    "^metrics$",
]  # supervisors and Prometheus ask the process itself, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("PREDICTU_BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # body sizes are bounded by the API middleware, with an envelope

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "predictu.formats"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "predictu" / "static"]
# Files lie on the disk, or in a bucket: private, since the platform serves what is public itself.
PREDICTU_S3_BUCKET = env("PREDICTU_S3_BUCKET", default="")
_DISK = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": str(DATA_DIR / "files")},
}
_BUCKET = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": PREDICTU_S3_BUCKET,
        "endpoint_url": env("PREDICTU_S3_ENDPOINT", default="") or None,
        "region_name": env("PREDICTU_S3_REGION", default="") or None,
        "default_acl": None,
        "file_overwrite": False,
    },
}
STORAGES = {
    "default": _BUCKET if PREDICTU_S3_BUCKET else _DISK,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

EMAIL_BACKEND = env("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
EMAIL_HOST = env("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Predictu <no-reply@predictu.com>")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["predictu.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["predictu.api.parsing.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "predictu.api.rendering.OneFormat",
    "DEFAULT_SCHEMA_CLASS": "predictu.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "predictu.api.envelopes.render_exception",
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Predictu",
    "DESCRIPTION": "God Mode, the S2S Operator API and the Casino API of the Predictu platform.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["predictu.api.schema.only_apis"],
    "POSTPROCESSING_HOOKS": ["predictu.api.schema.complete"],
}

UNFOLD = {
    "SITE_TITLE": "Predictu",
    "SITE_HEADER": "Predictu",
    "SITE_SUBHEADER": "God Mode",
    "SITE_SYMBOL": "monitoring",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "href": "data:,"}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": False,  # Django's own log of forms; what staff did is in the audit trail
    "DASHBOARD_CALLBACK": "reports.admin.home.context",
    "STYLES": ["predictu.menu.stylesheet"],
    "SCRIPTS": ["predictu.menu.script"],
    "SIDEBAR": {"navigation": "predictu.menu.navigation"},
    "ACCOUNT": {"navigation": [{"title": "Second factor", "link": reverse_lazy("admin:two_factor")}]},
}

# -- Predictu's own -----------------------------------------------------------------------------------------------
PREDICTU_DEMO = env.bool("PREDICTU_DEMO", default=not PRODUCTION)
PREDICTU_ADMIN_RATE_LIMIT = env.int("PREDICTU_ADMIN_RATE_LIMIT", default=60)
PREDICTU_CASINO_RATE_LIMIT = env.int("PREDICTU_CASINO_RATE_LIMIT", default=600)
PREDICTU_S2S_RATE_LIMIT_FACTOR = env.float("PREDICTU_S2S_RATE_LIMIT_FACTOR", default=1.0)
PREDICTU_CORS_ORIGINS = env.list("PREDICTU_CORS_ORIGINS", default=[])
PREDICTU_TRUSTED_PROXIES = env.list("PREDICTU_TRUSTED_PROXIES", default=[])
# Networks that staff come from, for Django admin and God Mode; empty lets every address in.
PREDICTU_STAFF_NETWORKS = env.list("PREDICTU_STAFF_NETWORKS", default=[])
# Where the processes of a host count what /metrics shows; it may be lost, so memory is a good place.
PREDICTU_METRICS_DIR = env("PREDICTU_METRICS_DIR", default="") or str(DATA_DIR / "metrics")
# Who may scrape /metrics: whoever has the token, from one of the networks. Nobody while neither is set.
PREDICTU_METRICS_TOKEN = env("PREDICTU_METRICS_TOKEN", default="")
PREDICTU_METRICS_NETWORKS = env.list("PREDICTU_METRICS_NETWORKS", default=[])
if PRODUCTION and 0 < len(PREDICTU_METRICS_TOKEN) < 32:
    raise ImproperlyConfigured("PREDICTU_METRICS_TOKEN is too short for production")
# Who is mailed when an alert begins and ends.
PREDICTU_ALERT_EMAILS = env.list("PREDICTU_ALERT_EMAILS", default=[])
PREDICTU_ADMIN_OTP_REQUIRED = env.bool("PREDICTU_ADMIN_OTP_REQUIRED", default=False)
PREDICTU_REPORT_DOMAINS = env.list("PREDICTU_REPORT_DOMAINS", default=["predictu.com"])
PREDICTU_TWO_PERSON = env.bool("PREDICTU_TWO_PERSON", default=False)
PREDICTU_CALLBACK_ALLOW_LOOPBACK = env.bool("PREDICTU_CALLBACK_ALLOW_LOOPBACK", default=False)
PREDICTU_CALLBACK_CA_BUNDLE = env("PREDICTU_CALLBACK_CA_BUNDLE", default="")
if PRODUCTION and PREDICTU_CALLBACK_ALLOW_LOOPBACK:
    raise ImproperlyConfigured("PREDICTU_CALLBACK_ALLOW_LOOPBACK is for development only")
PREDICTU_CALLBACK_TIMEOUT_MS = env.int("PREDICTU_CALLBACK_TIMEOUT_MS", default=10_000)
PREDICTU_CALLBACK_CONCURRENCY = env.int("PREDICTU_CALLBACK_CONCURRENCY", default=64)
PREDICTU_CALLBACK_LEASE_SECONDS = env.int("PREDICTU_CALLBACK_LEASE_SECONDS", default=45)
PREDICTU_CALLBACK_PROBE_SECONDS = env.int("PREDICTU_CALLBACK_PROBE_SECONDS", default=30)
PREDICTU_CALLBACK_ATTEMPT_DAYS = env.int("PREDICTU_CALLBACK_ATTEMPT_DAYS", default=90)
PREDICTU_CALLBACK_EVENT_DAYS = env.int("PREDICTU_CALLBACK_EVENT_DAYS", default=396)
if PREDICTU_CALLBACK_LEASE_SECONDS * 1000 < PREDICTU_CALLBACK_TIMEOUT_MS + 3_000:
    raise ImproperlyConfigured("PREDICTU_CALLBACK_LEASE_SECONDS must exceed the timeout of a callback by 3 s")
# What the URLs of uploaded files begin with; the platform serves them itself under the default.
PREDICTU_CDN_URL = env("PREDICTU_CDN_URL", default=f"{PREDICTU_PUBLIC_URL}/files/public")
PREDICTU_GAMMA_URL = env("PREDICTU_GAMMA_URL", default="https://gamma-api.polymarket.com")
PREDICTU_CLOB_URL = env("PREDICTU_CLOB_URL", default="https://clob.polymarket.com")
PREDICTU_LARGE_TRADE_USD = env.int("PREDICTU_LARGE_TRADE_USD", default=100)
PREDICTU_PRICE_MAX_AGE_SECONDS = env.int("PREDICTU_PRICE_MAX_AGE_SECONDS", default=60)
# Which markets may be traded.
PREDICTU_SELECTION = {
    "min_minutes_to_end": env.int("PREDICTU_SELECTION_MIN_MINUTES_TO_END", default=60),
    "min_mid": env("PREDICTU_SELECTION_MIN_MID", default="0.02"),
    "max_mid": env("PREDICTU_SELECTION_MAX_MID", default="0.98"),
    "min_liquidity_usd": env("PREDICTU_SELECTION_MIN_LIQUIDITY_USD", default="1000"),
    "min_volume_usd": env("PREDICTU_SELECTION_MIN_VOLUME_USD", default="1000"),
    "max_price_age_seconds": env.int("PREDICTU_SELECTION_MAX_PRICE_AGE_SECONDS", default=600),
}
# A mid that moves this far between two reads pauses buys for so long.
PREDICTU_PRICE_JUMP = env("PREDICTU_PRICE_JUMP", default="0.05")
PREDICTU_PRICE_JUMP_PAUSE_SECONDS = env.int("PREDICTU_PRICE_JUMP_PAUSE_SECONDS", default=30)
# Besides markets with open positions and recent quotes, the mids of so many largest are read.
PREDICTU_PRICE_TOP_MARKETS = env.int("PREDICTU_PRICE_TOP_MARKETS", default=200)
PREDICTU_PRICE_POINT_SECONDS = env.int("PREDICTU_PRICE_POINT_SECONDS", default=300)
PREDICTU_PRICE_MONTHS_KEPT = env.int("PREDICTU_PRICE_MONTHS_KEPT", default=13)
PREDICTU_PRICE_HISTORY_DAYS = env.int("PREDICTU_PRICE_HISTORY_DAYS", default=30)
# Where the heads of the ledger are put every night; another disk or machine is best.
PREDICTU_ANCHOR_DIR = env("PREDICTU_ANCHOR_DIR", default="") or str(DATA_DIR / "anchors")
# A resolution that pays out more than this waits for a second admin, where PREDICTU_TWO_PERSON is on.
PREDICTU_SETTLEMENT_APPROVAL_USD = env.int("PREDICTU_SETTLEMENT_APPROVAL_USD", default=10_000)

# Our own party on invoices and how they are paid; `|` divides lines. A real bank account is never a default.
PREDICTU_BILLING_NAME = env("PREDICTU_BILLING_NAME", default="Predictu")
PREDICTU_BILLING_ADDRESS = env("PREDICTU_BILLING_ADDRESS", default="")
PREDICTU_BILLING_TAX_ID = env("PREDICTU_BILLING_TAX_ID", default="")
PREDICTU_BILLING_EMAIL = env("PREDICTU_BILLING_EMAIL", default="")
PREDICTU_BILLING_PAYMENT = env("PREDICTU_BILLING_PAYMENT", default="")
# The month's run waits so long for transactions that are still open before it tries again, 600 times at most.
PREDICTU_BILLING_RETRY_SECONDS = env.int("PREDICTU_BILLING_RETRY_SECONDS", default=60)
PREDICTU_BILLING_HOLD_FOR_REVIEW = env.bool("PREDICTU_BILLING_HOLD_FOR_REVIEW", default=False)

# -- Celery -------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "slow"
CELERY_TASK_ROUTES = ROUTES
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 0.5, "visibility_timeout": 3600}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = PERIODIC
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_EAGER_PROPAGATES = True

LOGGING_CONFIG = None
configure_logs(level=env("LOG_LEVEL", default="INFO"), json_lines=env.bool("LOG_JSON", default=True))

PREDICTU_SENTRY_DSN = env("PREDICTU_SENTRY_DSN", default="")
PREDICTU_RELEASE = env("PREDICTU_RELEASE", default="")
if PREDICTU_SENTRY_DSN:
    from predictu import sentry

    sentry.configure(dsn=PREDICTU_SENTRY_DSN, environment=ENVIRONMENT, release=PREDICTU_RELEASE)
