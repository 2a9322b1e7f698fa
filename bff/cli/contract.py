"""The command that prints the contract."""

import typer

from bff.cli.voice import voice_of
from schema.campus import SCHEMA
from schema.sdl import sdl


def print_contract(context: typer.Context) -> None:
    """Print the GraphQL contract, sorted 打印 GraphQL 契约."""
    voice_of(context).out.print(sdl(SCHEMA), end="", markup=False)
