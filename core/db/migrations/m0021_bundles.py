"""Bundles: ordinary offline records of one batch, read, judged and kept all at once."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations.operations import RunSQL


class Migration(migrations.Migration):
    """The reviewed DDL beside this file."""

    dependencies = [("core", "m0020_operators")]
    operations = [RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))]
