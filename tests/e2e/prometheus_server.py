"""A Prometheus of Debian's package, and a VictoriaMetrics, beside clew; without the package the test is skipped."""
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import foreign


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get_json(url, **params):
    if params:
        url += "?" + urllib.parse.urlencode(params, doseq=True)
    with urllib.request.urlopen(url, timeout=30) as reply:
        return json.load(reply)


def wait_for(condition, seconds=30, what="it"):
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = condition()
        except (OSError, urllib.error.URLError, KeyError, IndexError):
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come to pass in {seconds} s"
        time.sleep(0.1)


class Program:
    """A server of others: started when made, ended by stop()."""

    def __init__(self, name, *args, ready, log):
        if not shutil.which(name):
            foreign.give_up(f"{name} is not installed")
        self.log = open(log, "wb")
        self.process = subprocess.Popen([name, *args], stdout=self.log, stderr=subprocess.STDOUT)
        wait_for(lambda: urllib.request.urlopen(ready, timeout=5).status == 200, what=f"{name}'s start")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Prometheus(Program):
    def __init__(self, directory, config):
        directory.mkdir(exist_ok=True)
        (directory / "prometheus.yml").write_text(config)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__("prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                         f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                         "--enable-feature=native-histograms", ready=f"{self.url}/-/ready", log=directory / "log")

    def get(self, path, **params):
        return get_json(self.url + path, **params)["data"]


class Victoria(Program):
    def __init__(self, directory):
        directory.mkdir(exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__("victoria-metrics", f"-storageDataPath={directory}/data", f"-httpListenAddr=127.0.0.1:{port}",
                         ready=f"{self.url}/health", log=directory / "log")

    def get(self, path, **params):
        return get_json(self.url + path, **params)["data"]
