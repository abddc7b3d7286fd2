"""The API paths of accounts, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from accounts.api import casino, users, users_admin
from accounts.api.auth_urls import urlpatterns as auth

urlpatterns: list[URLPattern | URLResolver] = [
    *auth,
    path("api/internal/users", users.UsersView.as_view(), name="users.list"),
    path("api/internal/users/<user_id>", users_admin.UserView.as_view(), name="users.detail"),
    path("api/internal/users/<user_id>/adjustments", users_admin.AdjustmentsView.as_view(), name="users.adjustments"),
    path("api/internal/users/<user_id>/ledger", users.UserLedgerView.as_view(), name="users.ledger"),
    path("api/internal/operators/<slug>/users", users.OperatorUsersView.as_view(), name="operators.users"),
    path("api/casino/users", casino.UsersView.as_view(), name="casino.users"),
    path("api/casino/users/<user_id>", casino.UserView.as_view(), name="casino.users.detail"),
    path("api/casino/users/<user_id>/ledger", casino.UserLedgerView.as_view(), name="casino.users.ledger"),
    path("api/casino/users/<user_id>/deposit", casino.MoneyView.as_view(kind="deposit"), name="casino.deposit"),
    path("api/casino/users/<user_id>/withdraw", casino.MoneyView.as_view(kind="withdraw"), name="casino.withdraw"),
    path("api/casino/transactions", casino.TransactionsView.as_view(), name="casino.transactions"),
    path("api/casino/statement", casino.StatementView.as_view(), name="casino.statement"),
]
