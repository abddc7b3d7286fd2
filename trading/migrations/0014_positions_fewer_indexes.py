"""Nothing lists positions by operator alone but those that are open, which have an index of their own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0013_quick_typeids")]
    operations = [
        migrations.AlterField(
            model_name="position",
            name="operator",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="operators.operator",
            ),
        ),
    ]
