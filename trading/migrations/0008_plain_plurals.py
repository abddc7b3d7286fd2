from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0007_trade_in_one_call"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="hourlyrevenue",
            options={"verbose_name_plural": "revenue by hour"},
        ),
        migrations.AlterModelOptions(
            name="monthlyrevenue",
            options={"verbose_name_plural": "revenue by month"},
        ),
        migrations.AlterModelOptions(
            name="playerrevenue",
            options={"verbose_name_plural": "revenue by user"},
        ),
    ]
