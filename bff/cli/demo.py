"""The demo's command."""

from pathlib import Path
from typing import Annotated

import typer

from bff.cli.voice import REFUSED, UNUSABLE, voice_of
from bff.demo.outside import OutsideSilent
from bff.demo.play import NotReady, play
from bff.demo.process import ChildEnded, PortTaken
from bff.demo.screen import Screen
from bff.demo.story import StepWrong
from bff.embedded import BinariesMissing, HomeInUse, HomeUnusable, StartFailed
from bff.settings import load_settings
from clients.endpoint import NoAnswer


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Play the story and end 演完即止")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the data, emptied at will 数据目录")
    ] = None,
) -> None:
    """Start everything on this machine, tell one story, stay up 演示."""
    screen = Screen()
    with voice_of(context).answering():
        port = load_settings().port
    try:
        play(screen, port, once=once, folder=data)
    except KeyboardInterrupt:
        screen.say("已停止", "stopped")
    except (PortTaken, BinariesMissing, HomeInUse, HomeUnusable) as fault:
        screen.wrong(str(fault))
        raise typer.Exit(UNUSABLE) from None
    except (StepWrong, NoAnswer, ChildEnded, NotReady, StartFailed, OutsideSilent) as fault:
        screen.wrong(f"{type(fault).__name__}: {fault}")
        raise typer.Exit(REFUSED) from None
