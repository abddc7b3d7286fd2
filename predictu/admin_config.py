"""Which site Django admin is."""

from django.contrib.admin.apps import AdminConfig


class PredictuAdminConfig(AdminConfig):
    """Django admin with our own site: the same accounts, lock-out and second factor as the API."""

    default_site = "accounts.admin_site.PredictuAdminSite"
