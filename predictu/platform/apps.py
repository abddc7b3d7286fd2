from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "predictu.platform"
    label = "platform"
    verbose_name = "Platform"
