"""The modules stand in layers, and their imports run in no circle.

The graph is read from the source with `ast`: imports inside functions count, those under
`if TYPE_CHECKING` do not, because they run nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import clearprop

ROOT = Path(clearprop.__file__).parent

# From the bottom to the top. A module may import its own layer and those below; the longest name
# that fits says where a module stands.
LAYERS = {
    "foundations": "_typing callers checks documents interrupts limits numpy_random persistence "
    "writing",
    # how records look in a notebook: functions of what they are given, which import no class of it
    "notebook": "notation notebook",
    "definition": "divergences activations outputs initializers schedules optimizers lbfgs "
    "layers embeddings monotone architecture propagation",
    "engines": "jobs engines",
    "training": "row_orders history progress network_files checkpoints track training",
    "network": "predictor network gradient_check",
    "tables": "tables",
    "estimators": "estimators",
    "tabular": "tabular",
    "files": "loading",
    "explanations": "explain circuits",
    "playground": "playground",
    "command line": "cli __main__",
}

# Circles that are known and not broken yet; a fixed one must be taken from this list.
KNOWN_CIRCLES: list[set[str]] = []


def modules() -> dict[str, Path]:
    """Every module by its name within clearprop; a package is its __init__.py, clearprop "" ."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(module: str, path: Path) -> Iterator[str]:
    """The full names in every import that can run: "clearprop.jobs", "clearprop.jobs.Data"."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = f"clearprop.{package}".rstrip(".").split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [base])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def import_graph() -> dict[str, set[str]]:
    """For each module the modules of clearprop that it imports, at the top or in a function."""
    known = modules()
    graph: dict[str, set[str]] = {}
    for module, path in known.items():
        graph[module] = set()
        for name in imported_names(module, path):
            if not name.startswith("clearprop."):
                continue
            parts = name.split(".")[1:]
            while parts and ".".join(parts) not in known:
                parts.pop()  # a name in a module
            graph[module].add(".".join(parts))
        graph[module].discard(module)
    return graph


def reach(graph: dict[str, set[str]], start: str) -> set[str]:
    """All modules that `start` imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for module in graph[waiting.pop()] - seen:
            seen.add(module)
            waiting.append(module)
    return seen


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The sets of two or more modules that all import one another, directly or through others."""
    reached = {module: reach(graph, module) for module in graph}
    found: list[set[str]] = []
    for module in sorted(graph):
        circle = {other for other in reached[module] if module in reached[other]} | {module}
        if len(circle) > 1 and circle not in found:
            found.append(circle)
    return found


def layer_of(module: str) -> int | None:
    """The number of its layer; None for a module that the table lacks."""
    named = {name: i for i, names in enumerate(LAYERS.values()) for name in names.split()}
    parts = module.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in named:
            return named[".".join(parts[:n])]
    return None


def test_there_is_no_circle_of_imports() -> None:
    found = circles(import_graph())
    assert [circle for circle in found if circle not in KNOWN_CIRCLES] == []
    assert [circle for circle in KNOWN_CIRCLES if circle not in found] == [], "no longer a circle"


def test_every_module_has_its_layer() -> None:
    names = modules()
    assert [module for module in names if module and layer_of(module) is None] == []
    listed = " ".join(LAYERS.values()).split()
    assert [name for name in listed if name not in names] == [], "no such module"


def test_nothing_imports_from_a_layer_above() -> None:
    numbers = {module: layer_of(module) for module in modules() if module}
    wrong = [
        f"{module} imports {other}"
        for module, others in import_graph().items()
        for other in others
        if module and other and (numbers[module] or 0) < (numbers[other] or 0)
    ]
    assert wrong == []


def test_only_the_faces_import_the_class_network() -> None:
    """Training works on architecture and θ, so that no file of the core needs the class."""
    core = ("foundations", "notebook", "definition", "engines", "training")
    numbers = [i for i, name in enumerate(LAYERS) if name in core]
    users = [module for module, others in import_graph().items() if "network" in others]
    assert [module for module in users if layer_of(module) in numbers] == []


def test_imports_are_found_wherever_they_run(tmp_path: Path) -> None:
    source = """
import clearprop.jobs
from clearprop import history as h
from .sibling import name
from .. import checks
if TYPE_CHECKING:
    import clearprop.network
else:
    import clearprop.layers
class A:
    def f(self):
        if x:
            from clearprop.training import train
"""
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert set(imported_names("package.module", path)) == {
        "clearprop.jobs",
        "clearprop.history",
        "clearprop.package.sibling.name",
        "clearprop.checks",
        "clearprop.layers",
        "clearprop.training.train",
    }
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "d"}}
    assert circles(graph) == [{"b", "c"}]
