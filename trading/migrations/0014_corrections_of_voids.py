"""When a settlement was corrected: a market cancelled by a correction undoes its trades at that instant.

Positions lose an index of their operator alone: only open ones are looked for that way, and they have their own.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0013_quick_typeids")]
    operations = [
        migrations.AddField(model_name="settlement", name="corrected_at", field=models.DateTimeField(null=True)),
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
