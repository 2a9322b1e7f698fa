"""Loads onto chips, what a chip was last seen to hold, and the jobs of kiosks."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations.operations import RunSQL


class Migration(migrations.Migration):
    """The reviewed DDL beside this file."""

    dependencies = [("core", "m0013_meters")]
    operations = [RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))]
