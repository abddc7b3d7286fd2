from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_system_admin_and_first_revision"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="player",
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("manage_users", "Change tier, status and restrictions of users"),
                    ("adjust_balance", "Adjust balances"),
                    ("export_pii", "Export e-mails and names"),
                ],
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
    ]
