"""Open positions of an operator by market, without walking through all it ever had."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0008_plain_plurals")]
    operations = [
        migrations.AddIndex(
            model_name="position",
            index=models.Index(
                fields=["operator", "market"], name="position_open", condition=models.Q(status="open", is_test=False)
            ),
        ),
    ]
