"""Programs of others that the tests try clew with: npm packages of tests/e2e/node, and Pythons with packages of their own.

They are fetched when a test wants them and stay (node_modules/, build/python/). Where they cannot be had, as without a network,
the test is skipped and says so; with CLEW_TEST_ALL=1 it fails instead.
"""
import os
import shutil
import subprocess
import sys

import pytest

import clew_server

NODE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")
VENVS = os.path.join(clew_server.ROOT, "build", "python")


def give_up(why):
    if os.environ.get("CLEW_TEST_ALL"):
        pytest.fail(why)
    pytest.skip(why)


def fetch(what, *command, **more):
    """Runs a package manager; a failure is one of the network, as far as a test can tell."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)
    except subprocess.TimeoutExpired:
        give_up(f"{what} cannot be installed: no answer in 300 s")
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        telling = [line for line in said if line.startswith("npm error code")] or said[-1:]
        give_up(f"{what} cannot be installed: {telling[0]}")


def node_runner():
    """Runs a script of tests/e2e/node with its packages; gives its standard output."""
    if not shutil.which("node") or not shutil.which("npm"):
        give_up("node and npm are not installed")
    wanted, have = os.path.join(NODE, "package-lock.json"), os.path.join(NODE, "node_modules", ".package-lock.json")
    if not os.path.exists(have) or os.path.getmtime(have) < os.path.getmtime(wanted):
        fetch("what the Node.js clients need", "npm", "ci", "--no-audit", "--no-fund", cwd=NODE)

    def run(script, *args):
        done = subprocess.run(["node", script, *map(str, args)], cwd=NODE, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()
    return run


def python_with(name, module, *packages):
    """A Python that can import `module`: this one, or that of the venv `name`, made with `packages`."""
    python = os.path.join(VENVS, name, "bin", "python")
    for have in (sys.executable, python):
        if os.path.exists(have) and subprocess.run([have, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0:
            return have
    fetch("a venv", sys.executable, "-m", "venv", "--clear", os.path.join(VENVS, name))
    fetch(", ".join(packages), python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages)
    return python


def debian_program(name, packages, program, libraries=("usr/lib/x86_64-linux-gnu",)):
    """(path, root, environment) of a program of Debian packages, unpacked below build/deb/NAME and not installed; the program
    of this system where it has one. Several that conflict can be had at once so, and no service is started."""
    have = shutil.which(os.path.basename(program)) or shutil.which(os.path.basename(program), path="/usr/sbin:/sbin")
    if have:
        return have, "/", dict(os.environ)
    root = os.path.join(clew_server.ROOT, "build", "deb", name)
    path = os.path.join(root, program)
    if not os.path.exists(path):
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            give_up(f"{name} is not installed")
        os.makedirs(root, exist_ok=True)
        fetch(name, "apt-get", "download", "-qq", *packages, cwd=root)
        for file in sorted(os.listdir(root)):
            if file.endswith(".deb"):
                fetch(name, "dpkg", "-x", file, ".", cwd=root)
    found = ":".join(os.path.join(root, folder) for folder in libraries)
    return path, root, {**os.environ, "LD_LIBRARY_PATH": found}
