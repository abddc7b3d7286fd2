"""Events need no index of their operator alone: that of their number in the operator's sequence begins with it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operators", "0004_plain_plurals")]
    operations = [
        migrations.AlterField(
            model_name="callbackevent",
            name="operator",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="operators.operator",
            ),
        ),
    ]
