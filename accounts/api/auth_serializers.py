"""What login takes."""

from rest_framework import serializers

from predictu.api.fields import TextField


class LoginIn(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = TextField(max_length=1024, trim_whitespace=False)
    otp = TextField(max_length=32, required=False, allow_null=True, allow_blank=True)
