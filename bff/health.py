"""Whether the process lives, and whether it can serve (reliability.md)."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bff.wiring import Wired
from core.db.connection import DatabaseUnavailable


def health_routes(wired: Wired) -> list[Route]:
    """`/healthz` says that the process lives, `/readyz` that its database answers.

    Redis is not asked: without it only drawn codes and pushed news rest.
    """

    async def healthy(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> JSONResponse:
        try:
            schools = await wired.services.schools.list_all()
        except DatabaseUnavailable:
            return JSONResponse({"status": "database unavailable"}, status_code=503)
        return JSONResponse({"status": "ok", "schools": len(schools)})

    return [Route("/healthz", healthy), Route("/readyz", ready)]
