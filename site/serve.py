"""Serve a folder on this machine: python site/serve.py _build/html. PORT chooses the port; without it any free one."""

import os
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    def log_request(self, *args):
        """Say nothing of what was served; what is missing is still reported."""


if __name__ == "__main__":
    handler = partial(Handler, directory=sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT") or 0)), handler) as server:
        print(f"The course is at http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
