"""What the names of the answers' fields say beyond their examples. A name means the same wherever it stands."""

import re

# Objects whose keys are data: changed fields, categories, weeks, what an event was about.
KEYED_BY_DATA = frozenset(
    """
    arguments category_distribution category_limits changes completeness details device_breakdown filters metadata
    new_values per_category per_market per_operator phases_ms previous_values result retention scope
    trade_frequency_distribution
    """.split()
)

# Values of more than one type.
FREE = frozenset({"default"})

NULL_AT_TIMES = frozenset(
    """
    address allowed_categories audit_id avg_lifespan_days avg_month_1_retention avg_month_4_retention
    avg_week_1_retention avg_week_4_retention balance_usd best_cohort bg_primary bg_secondary buys_paused_until
    callback_last_success callback_url category cause certificate_days_left closed closed_at clv_edge completed_at
    confirmed_at connect contact_name content_hash cooldown_until coverage_pct created_by crossing_pct current_price
    current_step current_value custom_fees_bps daily_loss_limit_usd decided_at decided_by decision_reason delta_pct
    display_name dns due_at email end_date error error_message expires_at explanation exposure_limit_usd failed_at
    favicon_url first_byte generated_at gross_usd growth_rate_pct height http_status icon_url idempotency_key image_url
    imbalance_ratio interval_held_pct ip_resolved issued_at last_active_at last_attempt_at last_evaluated_at
    last_settled_at last_updated last_used_at level limit_usd link_expires_at link_revoked_at liquidity_score logo_url
    market_id mase mean_abs_error_pct method next_attempt_at next_cursor next_run_at no_price number object_id
    onboarded_at operator_contact_email operator_slug override paid_at pnl_usd polymarket_id previous_keys
    previous_step primary_color processing_time_ms reason reference request_id reset_at resolution resolution_note
    resolution_source resolved_at resolved_by response_body reverses revoked_at role s2s_last_ping s2s_transaction_id
    schedule_id scope_id scope_label score secondary_color self_excluded_until sent_at sequence settled_at
    settlement_id sha256 share_pct signature_sent skipped spread spread_override subject_id suggestion suspension
    threshold tls tls_version tripped_at tripped_reason uma_status updated_by user_id utilization_pct value waiting_for
    wall wall_name website_url width win_rate worst_cohort yes_price
    """.split()
)

ABSENT_AT_TIMES = frozenset(
    """
    day_of_month day_of_week decimal_places download_url email error error_message expected_rows expires_at
    file_size_bytes generated_at manifest_url maximum minimum poll_url progress_pct row_count settlement_id sha256
    skipped suggestion
    """.split()
)

# Texts that are sometimes an id, of one kind or another; a bucket's date is an instant where buckets are hours.
OF_ANY_FORM = frozenset({"date", "object_id", "reference_id", "scope_id", "subject_id"})

# Numbers that may have decimals although an example is whole.
FRACTIONAL = re.compile(
    r"_(usd|pct|bps|ratio|rate|limit|multiplier|retention|minutes|volume|price|share|per_week|ms|hours|max)$"
    r"|^(week|month|avg)_\w+$"
    r"|^(after|before|buy|clv_edge|confidence|connect|crypto|desktop|difference|dns|business|entertainment|fees"
    r"|first_byte|global|gross_revenue|impact|liquidity_score|mase|maximum|max|minimum|min|mobile|mtd_revenue"
    r"|operator_share|per_category|per_market|per_operator|per_trade|politics|predictu_share|price|quantity"
    r"|revenue_share_(predictu|operator)|risk_multiplier|science|sell|sports|spread|tablet|threshold|tls"
    r"|trigger_threshold|value)$"
)
