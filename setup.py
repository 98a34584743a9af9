"""How the packages of a checkout become one package, fathom, on their way into a wheel.

In a checkout each folder is a package of its own: ``import theory``. Installed, so many common names would collide with
a user's own ``figures`` or ``simulations``, so there they are ``fathom.theory`` and so on, and imports are rewritten.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.errors import SetupError

PACKAGES = ("theory", "simulations", "evidence", "claims", "figures", "lessons", "profiles", "audit")
COMMAND = "paper_checks"


class BuildOnePackage(build_py):
    """Put every module below ``fathom``, with imports to match."""

    def run(self) -> None:
        """Build from nothing, so that no file of an earlier build gets in."""
        shutil.rmtree(Path(self.build_lib, "fathom"), ignore_errors=True)
        super().run()

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """Add the command, a file beside the packages."""
        command = [("fathom", COMMAND, f"{COMMAND}.py")] if package == "fathom" else []
        return super().find_package_modules(package, package_dir) + command

    def build_module(self, module: str, module_file: str, package: str) -> tuple[str, bool]:
        """Rewrite the imports of a module that was copied."""
        copy, copied = super().build_module(module, module_file, package)
        Path(copy).write_bytes(below_fathom(Path(module_file).read_bytes(), module_file))
        return copy, copied


class RefuseEditable(editable_wheel):
    """Say that a folder cannot be installed in place, where its imports are not below ``fathom``."""

    def run(self) -> None:
        """Raise SetupError: what is installed in place keeps its imports, which would not be below ``fathom``."""
        raise SetupError("Fathom cannot be installed with --editable; run it in its folder, or install it without")


def below_fathom(source: bytes, name: str) -> bytes:
    """Return a module's source with the imports of our packages below ``fathom``; lines keep their numbers.

    Raises
    ------
    SetupError
        If an import has a form that cannot be rewritten in its place.
    """
    lines = source.split(b"\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level and _ours(node.module or ""):
            old, new = f"from {node.module}", f"from fathom.{node.module}"
        elif isinstance(node, ast.Import) and any(_ours(alias.name) for alias in node.names):
            module, alias = node.names[0].name, node.names[0].asname
            old, new = (
                f"import {module}",
                f"import fathom.{module}" if "." in module else f"from fathom import {module}",
            )
            if len(node.names) > 1 or ("." in module and not alias):
                raise SetupError(f"{name}:{node.lineno}: expected `from ... import ...` or one `import ... as ...`")
        else:
            continue
        before, found, after = lines[node.lineno - 1].partition(old.encode())
        if len(before) != node.col_offset or not found:
            raise SetupError(f"{name}:{node.lineno}: expected {old!r} at column {node.col_offset}")
        lines[node.lineno - 1] = before + new.encode() + after
    return b"\n".join(lines)


def _ours(module: str) -> bool:
    return module.split(".")[0] in (*PACKAGES, COMMAND)


if __name__ == "__main__":
    setup(
        packages=[
            "fathom",
            *(
                f"fathom.{found}"
                for found in find_packages(include=[name for package in PACKAGES for name in (package, f"{package}.*")])
            ),
            "fathom.benchmarks.results",  # numbers that figures show, no modules
        ],
        package_dir={f"fathom.{package}": package for package in PACKAGES}
        | {"fathom.benchmarks.results": "benchmarks/results"},
        package_data={
            "fathom.simulations.data": ["*.npz", "*.tsv.xz", "*.md"],
            "fathom.figures": ["tools/fathom.mplstyle", "README.md", "manifest.json", "data/*.csv", "pictures/*.svg"],
            "fathom.audit": ["*.css"],
            "fathom.claims": ["reports/*.css", "reports/*.js", "papers/*.toml"],
            "fathom.lessons": ["prose/*/*.md", "pictures/*.svg", "fonts/*", "tools/*.css", "tools/*.js"],
            "fathom.benchmarks.results": ["*.json"],
        },
        cmdclass={"build_py": BuildOnePackage, "editable_wheel": RefuseEditable},
    )
