"""The plain way to list trades: a ModelViewSet with page numbers, a counting paginator and joined rows. A yardstick.

Served alone, without authentication or limits: ``tests.bench.plain:application``.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.plain_settings")

import django

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - settings first
from django.urls import path  # noqa: E402
from rest_framework import pagination, serializers, viewsets  # noqa: E402

from trading.models import Trade  # noqa: E402


class Row(serializers.ModelSerializer):
    user_id = serializers.CharField(source="player_id")
    user_name = serializers.CharField(source="player.username")
    operator_slug = serializers.CharField(source="operator.slug")
    operator_name = serializers.CharField(source="operator.name")
    market_title = serializers.CharField(source="market.title")
    s2s_transaction_id = serializers.CharField(source="transaction_id")

    class Meta:
        model = Trade
        fields = (
            "id user_id user_name operator_slug operator_name market_id market_title category outcome side price "
            "quantity cost_usd fee_usd spread_usd pnl_usd status s2s_transaction_id idempotency_key created_at"
        ).split()


class Pages(pagination.PageNumberPagination):
    page_size = 50


class Trades(viewsets.ModelViewSet):
    queryset = Trade.objects.filter(is_test=False).select_related("player", "operator", "market").order_by("-id")
    serializer_class = Row
    pagination_class = Pages
    authentication_classes = permission_classes = ()


urlpatterns = [path("trades", Trades.as_view({"get": "list"}))]
application = get_wsgi_application()
