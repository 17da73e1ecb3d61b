"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
from pathlib import Path

import clearprop

ROOT = Path(clearprop.__file__).parent


def private_names_of_sklearn(path: Path) -> list[str]:
    """What a module imports of scikit-learn with an underscore in front, at the top or inside."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [
        name
        for name in names
        if name.startswith("sklearn.") and any(part.startswith("_") for part in name.split("."))
    ]


def test_private_parts_of_scikit_learn_are_in_one_module() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if private_names_of_sklearn(path)
    }
    assert users == {"estimators/sklearn_private.py"}


def test_the_public_surface_does_not_grow() -> None:
    """A new public name takes the place of another; the bound only comes down.

    One was added: `play` is how a notebook shows the playground, which has no command line there.
    """
    assert len(clearprop.__all__) <= 61


def test_no_two_classes_have_the_same_name() -> None:
    """A name in an error, a repr or a search leads to one class; private helpers are exempt."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def private_names_of_others(path: Path) -> set[str]:
    """Attributes with an underscore in front, of other objects, that the module does not define."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and node.attr not in own
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }


def test_nothing_reaches_into_the_private_state_of_the_tabular_estimators() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for folder in ("tables", "tabular", "explain", "cli", "playground", "circuits", "notebook")
        for path in (ROOT / folder).rglob("*.py")
        if (names := private_names_of_others(path))
    }
    allowed = {  # argparse has no public name for it; X of the MLP estimators
        "cli/parser.py": {"_ActionsContainer", "_SubParsersAction"},
        "explain/attribution_task.py": {"_check_X"},
    }
    assert found == allowed
