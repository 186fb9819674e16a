"""A Ray cluster of two machines that are one: its nodes have the loopback addresses 127.0.0.2 and 127.0.0.3.

Ray's processes outlive SIGTERM, and ``ray stop`` would end every Ray of the machine. So each process inherits a
variable, by which it is found and killed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

HEAD, NODE = "127.0.0.2", "127.0.0.3"
MARK = "FORECASTER_TEST_CLUSTER"
START = [sys.executable, "-m", "ray.scripts.scripts", "start", "--num-cpus=1", "--object-store-memory=100000000"]
SECONDS = 120


class LoopbackCluster:
    def __init__(self) -> None:
        self._mark = uuid.uuid4().hex
        self._folder = tempfile.mkdtemp(prefix="ry", dir="/tmp")  # short, since the paths of sockets have a limit
        with socket.create_server((HEAD, 0)) as server:
            self.address = f"{HEAD}:{server.getsockname()[1]}"
        # A home of its own: a head asks for the token of the user, where there is one.
        self.variables = {"RAY_USAGE_STATS_ENABLED": "0", "HOME": self._folder}
        self._environment = {**os.environ, **self.variables, MARK: self._mark}

    def start(self) -> None:
        port = self.address.partition(":")[2]
        head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._folder}"]
        for address, options in ((HEAD, head), (NODE, [f"--address={self.address}"])):
            subprocess.run(
                [*START, f"--node-ip-address={address}", "--disable-usage-stats", *options],
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=True,
            )

    def kill(self, program: str, address: str = "") -> None:
        """Kill the processes of a program, such as the raylet of a node."""
        for process in self._processes(lambda line: program in line and f"--node_ip_address={address}" in line):
            os.kill(process, signal.SIGKILL)

    def _processes(self, condition: Callable[[str], bool] = lambda line: True) -> list[int]:
        marked = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes()
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it has ended, or belongs to somebody else
                continue
            if f"{MARK}={self._mark}".encode() in environment and line and condition(line):
                marked.append(int(folder.name))
        return marked

    def end(self) -> None:
        deadline = time.monotonic() + 20
        while (left := self._processes()) and time.monotonic() < deadline:
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.2)
        shutil.rmtree(self._folder, ignore_errors=True)
        assert not left
