"""The command that writes the tables of docs/ anew."""

from pathlib import Path

import typer

from bff.cli.voice import voice_of
from bff.reference import page_texts


def docs(context: typer.Context) -> None:
    """Write the tables in docs/ anew from their sources 更新文档中的表格."""
    voice = voice_of(context)
    for page, text in page_texts(Path()):
        if page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")
            voice.say(f"已更新 {page}", f"Wrote {page}")
