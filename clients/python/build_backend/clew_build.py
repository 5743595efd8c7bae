"""Builds the package for pip (PEP 517, PEP 660) with the standard library alone: no build tool has to be fetched."""
import base64
import csv
import gzip
import hashlib
import io
import os
import re
import tarfile
import zipfile

NAME = "clew"
TAG = "py3-none-any"
FIRST_DAY_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # one date for all files: the same sources give the same bytes


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _write_wheel(wheel_directory, sorted(_package_files()))


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write_wheel(wheel_directory, [("clew_editable.pth", os.path.abspath("src").encode() + b"\n")])


def build_sdist(sdist_directory, config_settings=None):
    base = f"{NAME}-{_version()}"
    path = os.path.join(sdist_directory, base + ".tar.gz")
    with gzip.GzipFile(path, "wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        _add(archive, f"{base}/PKG-INFO", _metadata())
        for name in ["pyproject.toml", "README.md", "build_backend/clew_build.py"]:
            _add(archive, f"{base}/{name}", _read(name))
        for name, content in sorted(_package_files()):
            _add(archive, f"{base}/src/{name}", content)
    return os.path.basename(path)


def _version():
    return re.search(r'^__version__ = "(.+)"$', _read("src/clew/__init__.py").decode(), re.MULTILINE).group(1)


def _metadata():
    return (f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {_version()}\n"
            "Summary: Structured logging, record transport and goals across processes, for clew and any OTLP endpoint\n"
            "License: Apache-2.0\nRequires-Python: >=3.9\nDescription-Content-Type: text/markdown\n\n"
            ).encode() + _read("README.md")


def _package_files():
    for folder, folders, names in os.walk("src/clew"):
        folders[:] = [each for each in folders if each != "__pycache__"]
        for name in names:
            if name.endswith((".py", "py.typed")):
                path = os.path.join(folder, name)
                yield os.path.relpath(path, "src").replace(os.sep, "/"), _read(path)


def _write_wheel(directory, files):
    info = f"{NAME}-{_version()}.dist-info"
    files = list(files) + [
        (f"{info}/METADATA", _metadata()),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: clew_build\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode())]
    name = f"{NAME}-{_version()}-{TAG}.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in files:
            wheel.writestr(_entry(path), content)
        wheel.writestr(_entry(f"{info}/RECORD"), _record(files, f"{info}/RECORD"))
    return name


def _entry(path):
    entry = zipfile.ZipInfo(path, FIRST_DAY_OF_ZIP)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _record(files, own_path):
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow([path, f"sha256={digest}", len(content)])
    rows.writerow([own_path, "", ""])
    return text.getvalue()


def _add(archive, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _read(path):
    with open(path, "rb") as file:
        return file.read()
