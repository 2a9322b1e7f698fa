"""Stored terminal answers, authorisations, spent codes."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations.operations import RunSQL


class Migration(migrations.Migration):
    """The reviewed DDL beside this file."""

    dependencies = [("core", "m0004_ledger")]
    operations = [RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))]
