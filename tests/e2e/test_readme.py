from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str, containing: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(text for text in found if containing in text)


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    quick = block("python", "ez.measure")
    for text, smaller in {"trials=10, epochs=3": "trials=2, epochs=1", "wrn_10_1": "mlp_2_w8"}.items():
        assert text in quick
        quick = quick.replace(text, smaller)
    exec(compile(quick, "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "difficulty_low" in shown
    assert "by chance 0.1" in shown


@pytest.mark.long
def test_the_demo_finds_what_it_mislabels_and_ends_with_the_page(tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "demo.py"), "demo"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    *shown, page = done.stdout.splitlines()
    found = re.search(r"^(\d+) of the 40 wrong labels are among the first 40", done.stdout, re.MULTILINE)
    assert found is not None
    assert int(found[1]) >= 30  # of the first 40 of 1,797 one would be wrong by chance
    assert any("agree on" in line and "would be chance" in line for line in shown)
    assert "data-decide-open" in (tmp_path / page).read_text("utf-8")
