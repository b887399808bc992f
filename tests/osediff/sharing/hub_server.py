"""A hub on the loopback address: makes a repository, takes files through LFS and in a commit."""

from __future__ import annotations

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HubServer(ThreadingHTTPServer):
    """``files``: path and content of what was committed. ``seen``: method, path and token of each request."""

    daemon_threads = True
    token = "right"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.seen: list[tuple[str, str, str]] = []
        self.created: list[dict[str, Any]] = []
        self.private = True

    @property
    def address(self) -> str:
        """The value of HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class HubHandler(BaseHTTPRequestHandler):
    server: HubServer

    def answer(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read(self) -> bytes:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.seen.append((self.command, self.path, token))
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self) -> None:
        """What is known of the repository."""
        self.read()
        self.answer({"id": "me/model", "private": self.server.private})

    def do_PUT(self) -> None:
        """An object of LFS."""
        self.server.objects[self.path.split("/")[-1]] = self.read()
        self.answer({})

    def do_POST(self) -> None:
        body = self.read()
        if self.server.seen[-1][2] != self.server.token:
            self.answer({"error": "Invalid user token."}, 401)
        elif self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            self.answer({"url": f"{self.server.address}/me/model", "name": "me/model"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif self.path.endswith("/preupload/main"):
            paths = [file["path"] for file in json.loads(body)["files"]]
            modes = {path: "lfs" if path.endswith(".safetensors") else "regular" for path in paths}
            self.answer({"files": [{"path": p, "uploadMode": modes[p], "shouldIgnore": False} for p in paths]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            upload = f"{self.server.address}/objects"
            actions = [{**one, "actions": {"upload": {"href": f"{upload}/{one['oid']}"}}} for one in objects]
            self.answer({"transfer": "basic", "objects": actions})
        elif self.path.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    self.server.files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    self.server.files[value["path"]] = self.server.objects[value["oid"]]
                    assert hashlib.sha256(self.server.objects[value["oid"]]).hexdigest() == value["oid"]
            self.answer({"commitUrl": f"{self.server.address}/me/model/commit/0", "commitOid": "0"})
        else:
            self.answer({"error": self.path}, 404)

    def log_message(self, *_: object) -> None:
        """Stay silent."""
