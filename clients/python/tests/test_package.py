"""The package installs with pip where there is no network, and says that it is typed."""
import os
import subprocess
import sys
import zipfile

import pytest

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    have = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    if have.returncode != 0:
        pytest.skip("this Python has no pip")
    folder = tmp_path_factory.mktemp("wheel")
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-index", "-q", "-w", str(folder), PROJECT],
                          capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_all_modules(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for module in ("__init__.py", "py.typed", "goals.py", "transport/shipper.py"):
        assert "clew/" + module in names
    assert not [name for name in names if "__pycache__" in name or "tests" in name]


def test_wheel_installs_and_imports(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(tmp_path),
                    str(wheel)], check=True, capture_output=True)
    done = subprocess.run([sys.executable, "-c", "import clew; print(clew.__version__, clew.goal('x').name)"],
                          env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}, capture_output=True, text=True,
                          check=True)
    assert done.stdout.split() == ["0.1.0", "x"]


def test_every_public_name_is_there():
    import clew
    for name in clew.__all__:
        assert getattr(clew, name) is not None
    with pytest.raises(AttributeError):
        clew.nothing
