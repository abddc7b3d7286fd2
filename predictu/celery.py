"""The Celery application. Queue ``fast`` takes prices, relay and deliveries; ``slow`` everything that takes long."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "predictu.settings")
app = Celery("predictu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
