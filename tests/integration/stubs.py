"""gRPC stubs for tests that talk to the real programs from another language; generated when they are first needed."""

import importlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class Messages:
    """All messages and stubs of proto/understudy/v1, by name."""

    def __init__(self):
        self._directory = tempfile.mkdtemp(prefix="understudy-stubs-")
        sources = sorted((REPOSITORY / "proto" / "understudy" / "v1").glob("*.proto"))
        subprocess.run(
            ["protoc", "-I", REPOSITORY / "proto", f"--python_out={self._directory}", f"--grpc_out={self._directory}",
             f"--plugin=protoc-gen-grpc={shutil.which('grpc_python_plugin')}", *sources], check=True)
        # The package of the protos has the name of our module of helpers.
        package = pathlib.Path(self._directory) / "understudy"
        (package / "__init__.py").touch()
        (package / "v1" / "__init__.py").touch()
        helpers = sys.modules.pop("understudy", None)
        sys.path.insert(0, self._directory)
        self._modules = [importlib.import_module(f"understudy.v1.{source.stem}_pb2{suffix}")
                         for source in sources for suffix in ("", "_grpc")]
        sys.path.remove(self._directory)
        del sys.modules["understudy"]
        if helpers is not None:
            sys.modules["understudy"] = helpers

    def __getattr__(self, name):
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(name)

    def remove(self):
        shutil.rmtree(self._directory)
