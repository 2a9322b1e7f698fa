"""Site edges: their class, the ids of their keys, and the document they know terminals by."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations.operations import RunSQL


class Migration(migrations.Migration):
    """The reviewed DDL beside this file."""

    dependencies = [("core", "m0014_claims")]
    operations = [RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))]
