"""The process of the metadata service; `python -m localaws.metadata_server <socket> <folder>` as the twin starts it.

metaflow-local-service's own command keeps a state file in the home folder, knows one service per user and ends
itself when idle; its application is served here without that, and with the addresses that the Client API asks
for and version 0.2.0 does not know: all flows, one artifact, and the artifacts of a task's last attempt alone. Runs and
tasks that Step Functions has named keep their names.
"""

import socket
import sys
from typing import Annotated, Any
from unittest.mock import patch

import uvicorn
from fastapi import Body, FastAPI, HTTPException
from metaflow_local_service import store
from metaflow_local_service.server import create_app

TASK = "/flows/{flow}/runs/{run}/steps/{step}/tasks/{task}"


def metadata_service(folder: str) -> FastAPI:
    """Return the service; it keeps its records under `folder`/.metaflow."""
    service = FastAPI()

    @service.get("/flows")
    async def flows() -> list[dict[str, Any]]:
        return store.list_all_flows()

    @service.get(TASK + "/artifacts")
    async def artifacts(flow: str, run: str, step: str, task: str) -> list[dict[str, Any]]:
        return _last_attempt(store.get_artifacts(flow, run, step, task))

    @service.get(TASK + "/artifacts/{name}")
    async def artifact(flow: str, run: str, step: str, task: str, name: str) -> dict[str, Any]:
        return _named(name, _last_attempt(store.get_artifacts(flow, run, step, task)))

    @service.get(TASK + "/artifacts/{name}/attempt/{attempt}")
    async def artifact_of(flow: str, run: str, step: str, task: str, name: str, attempt: int) -> dict[str, Any]:
        return _named(name, store.get_artifacts(flow, run, step, task, attempt))

    # Between the two lines of each nothing else runs: they do not wait.
    @service.post("/flows/{flow}/run", status_code=201)
    async def new_run(flow: str, told: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        with patch.object(store, "new_run_id", lambda new=store.new_run_id: told.get("run_number") or new()):
            return store.create_run(flow, told)

    @service.post("/flows/{flow}/runs/{run}/steps/{step}/task", status_code=201)
    async def new_task(flow: str, run: str, step: str, told: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        with patch.object(store, "_next_task_id", lambda *of, new=store._next_task_id: told.get("task_id") or new(*of)):
            return store.create_task(flow, run, step, told)

    # Last: addresses above go before those of the mounted application.
    service.mount("/", create_app(folder))
    return service


def _last_attempt(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = max((artifact["attempt_id"] for artifact in found), default=0)
    return [artifact for artifact in found if artifact["attempt_id"] == last]


def _named(name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    for artifact in found:
        if artifact["name"] == name:
            return artifact
    raise HTTPException(404, f"no artifact {name}")


if __name__ == "__main__":
    listening, folder = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    config = uvicorn.Config(metadata_service(folder), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
