from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_attachments"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="invoicemail",
            options={
                "ordering": ["-created_at", "-id"],
                "verbose_name": "invoice e-mail",
                "verbose_name_plural": "invoice e-mails",
            },
        ),
        migrations.AlterModelOptions(
            name="numberseries",
            options={"verbose_name_plural": "number series"},
        ),
    ]
