from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("operators", "0003_deliveries"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="keyuse",
            options={"verbose_name": "use of a key", "verbose_name_plural": "uses of keys"},
        ),
    ]
