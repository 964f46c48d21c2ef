"""What is checked before a commit is what `make lint` runs."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_hooks_before_a_commit_are_the_steps_of_make_lint() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\nlint:")[1].split("\n\n")[0]
    steps = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()[1:]]
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    hooks = [hook["entry"] for hook in local["hooks"]]
    # its tests of the layout take the longest, and are left to `make lint`
    assert [*hooks, steps[-1]] == steps
    assert steps[-1].endswith("tests/layout")
    assert local["repo"] == "local"
    assert all(hook["language"] == "system" for hook in local["hooks"])
