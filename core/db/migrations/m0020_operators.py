"""Operators of merchants, their shifts at terminals, and the refunds they asked for."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations.operations import RunSQL


class Migration(migrations.Migration):
    """The reviewed DDL beside this file."""

    dependencies = [("core", "m0019_reviews")]
    operations = [RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))]
