from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from easiness.engine import print_rows
from easiness.runs.progress import ShownProgress
from easiness.standard_error import escaped_stdout, lenient_stderr, say_on_stderr


def stream_without_reader() -> io.TextIOWrapper:
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w", encoding="utf-8")


def test_lines_come_in_order(monkeypatch, tmp_path):
    with (tmp_path / "err").open("w", encoding="latin-1", buffering=1) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        print("one", file=sys.stderr)
        say_on_stderr("zwölf")
        print("three", file=sys.stderr)
    assert (tmp_path / "err").read_bytes().splitlines() == [b"one", b"zw\xf6lf", b"three"]


def test_nothing_moves_the_cursor_and_no_name_ends_a_line(monkeypatch, tmp_path):
    with (tmp_path / "err").open("w", encoding="utf-8", buffering=1) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        say_on_stderr("a\nb\x1b[2J")
        with contextlib.redirect_stderr(lenient_stderr()) as escaped:
            print("c\td\x1b[2J\x9b\n", file=sys.stderr)
            assert lenient_stderr() is escaped
            plain = lenient_stderr(escape=False)
            assert plain is not None
            plain.write("\x1b[0m\n")
    lines = [r"a\nb\x1b[2J", "c\td\\x1b[2J\\x9b", "", "\x1b[0m"]
    assert (tmp_path / "err").read_text().splitlines() == lines


def test_standard_output_is_escaped_on_a_terminal_alone(monkeypatch, capsys):
    print_rows(pd.DataFrame({"id": ["a\nb\x1b", "c"], "n": [1, 2]}))
    assert capsys.readouterr().out == 'id,n\n"a\nb\x1b",1\nc,2\n'
    ours, theirs = pytest.importorskip("pty").openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with contextlib.redirect_stdout(escaped_stdout()):
            print_rows(pd.DataFrame({"id": ["a\nb\x1b", "c"], "n": [1, 2]}))
            print("\x1b[2J")
        said = b""
        while b"[2J" not in said:
            said += os.read(ours, 999)
        assert said.decode().split() == ["id,n", r"a\nb\x1b,1", "c,2", r"\x1b[2J"]
    os.close(ours)


def test_rows_have_escapes_for_letters_that_an_output_lacks(monkeypatch, tmp_path):
    with (tmp_path / "out").open("w", encoding="ascii", newline="") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print_rows(pd.DataFrame({"class": ["T\u00fcr", "b"]}))
    assert (tmp_path / "out").read_bytes() == b"class\nT\\xfcr\nb\n"


def test_a_line_that_cannot_be_written_is_lost(monkeypatch):
    stream = stream_without_reader()
    monkeypatch.setattr(sys, "stderr", stream)
    say_on_stderr("lost")
    lenient = lenient_stderr()
    assert lenient is not None
    lenient.write("a" * 100_000)  # more than a buffer holds
    lenient.close()
    with ShownProgress(between_lines=0) as shown:
        shown.note("lost as well")
    stream.close()  # nothing is left in it that could not be written now either


def test_a_terminal_that_has_gone_stops_nothing(monkeypatch):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert stream.isatty()
        with ShownProgress() as shown:
            os.close(ours)
            shown.note("lost")


def test_what_is_no_file_is_left_to_whoever_put_it_there(monkeypatch):
    for stream in (io.StringIO(), io.TextIOWrapper(io.BytesIO())):
        monkeypatch.setattr(sys, "stderr", stream)
        assert lenient_stderr() is stream


def test_without_standard_error_nothing_is_said(monkeypatch, capsys):
    with Path(os.devnull).open("w") as closed:
        pass
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        say_on_stderr("nobody hears")
        assert lenient_stderr() is None
    assert capsys.readouterr().out == ""
