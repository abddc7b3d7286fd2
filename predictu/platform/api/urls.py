"""The API paths of platform, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from predictu.platform.api import activity, approvals, audit, config, uploads

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/config", config.ConfigView.as_view(), name="config"),
    path("api/internal/config/keys", config.ConfigKeysView.as_view(), name="config.keys"),
    path("api/internal/config/preview", config.ConfigPreviewView.as_view(), name="config.preview"),
    path("api/internal/config/revert", config.ConfigRevertView.as_view(), name="config.revert"),
    path("api/internal/config/revisions", config.ConfigRevisionsView.as_view(), name="config.revisions"),
    path("api/internal/activity", activity.ActivityView.as_view(), name="activity"),
    path("api/internal/audit", audit.AuditView.as_view(), name="audit"),
    path("api/internal/approvals", approvals.ApprovalsView.as_view(), name="approvals"),
    path("api/internal/approvals/<approval_id>", approvals.ApprovalView.as_view(), name="approvals.decide"),
    path("api/internal/upload", uploads.UploadView.as_view(), name="upload"),
    path("files/public/<path:path>", uploads.public_file, name="files.public"),
]
