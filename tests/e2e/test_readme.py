from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


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
