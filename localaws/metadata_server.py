"""The process of the metadata service; `python -m localaws.metadata_server <port> <folder>` as the twin starts it.

metaflow-local-service's own command keeps a state file in the home folder, knows one service per user and ends
itself when idle; its application is served here without that.
"""

import sys

import uvicorn
from metaflow_local_service.server import create_app

if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
