from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0005_anomaly_watch"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="anomalywatch",
            options={"verbose_name_plural": "anomaly watches"},
        ),
    ]
