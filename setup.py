"""Lists the Cython extensions and reads the build switches; everything else is in pyproject.toml.

TRACKTION_SANITIZE=1   AddressSanitizer and UndefinedBehaviourSanitizer
TRACKTION_COVERAGE=1   line tracing for coverage.py
TRACKTION_DEBUG=1      no optimisation, assertions on
CIBUILDWHEEL=1         a failing compiler is an error (otherwise the NumPy twins are installed)
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SANITIZE, COVERAGE, DEBUG = (bool(os.environ.get(f"TRACKTION_{name}")) for name in ("SANITIZE", "COVERAGE", "DEBUG"))
REQUIRED = bool(os.environ.get("CIBUILDWHEEL") or os.environ.get("TRACKTION_REQUIRE_KERNELS"))
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
    "embedsignature": True,
    "linetrace": COVERAGE,
}


def flags() -> tuple[list[str], list[str]]:
    """Compiler and linker flags for this platform and these switches."""
    if sys.platform == "win32":
        return ["/O2", "/fp:precise"], []
    compile_flags = ["-O0", "-g", "-UNDEBUG"] if DEBUG else ["-O3", "-fno-math-errno", "-fno-trapping-math"]
    link_flags = []
    if SANITIZE:
        link_flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
        compile_flags += [*link_flags, "-g", "-fno-omit-frame-pointer", "-DTK_NO_CLONES"]
    if COVERAGE:
        compile_flags.append("-DCYTHON_TRACE_NOGIL=1")
    return compile_flags, link_flags


COMPILE_FLAGS, LINK_FLAGS = flags()
EXTENSIONS = [
    Extension(
        f"tracktion._core.{path.stem}",
        [path.as_posix()],
        include_dirs=["src/tracktion/_core"],
        depends=[header.as_posix() for header in Path("src/tracktion/_core").glob("*.h")],
        extra_compile_args=COMPILE_FLAGS,
        extra_link_args=LINK_FLAGS,
    )
    for path in sorted(Path("src/tracktion/_core").glob("*.pyx"))
]

MODULES = cythonize(EXTENSIONS, compiler_directives=DIRECTIVES, build_dir="build/cython")
for module in MODULES:
    module.optional = not REQUIRED  # not before: Cython makes extensions of its own from those that it is given

setup(
    ext_modules=MODULES,
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
