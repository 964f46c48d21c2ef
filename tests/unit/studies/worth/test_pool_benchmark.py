"""The benchmark of picks, in small: the page of one shape of worlds."""

from pathlib import Path

from easiness.studies.worth import Replaying

ROOT = Path(__file__).parents[4]


def test_the_page_has_what_was_simulated(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from science import pool

    def few(picks, _, **others):
        return Replaying(picks, 2, **others)

    monkeypatch.setattr(pool, "Replaying", few)
    page = tmp_path / "pool.md"
    arguments = ["--runs", str(tmp_path), "--worlds", "1", "--shapes", "two groups", "--docs", str(page)]
    pool.main(arguments)
    assert "$ python benchmarks/science/pool.py" in page.read_text()
    rows = (tmp_path / "pool" / "known-truth.csv").read_text().splitlines()[1:]
    assert len(rows) == 6
    assert rows[2].startswith("two groups,50,without advantage,+0.0,")
