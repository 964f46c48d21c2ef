from __future__ import annotations

from pathlib import Path

import pytest
import torch

from easiness.training import processor
from easiness.training.processor import device_name, multiplies_bfloat16

CPU = torch.device("cpu")
INTEL = "processor\t: 0\nmodel name\t: Xeon\nmodel\t\t: 143\nflags\t\t: fpu avx512f {}\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def use(text: str | None) -> None:
        path = tmp_path / "cpuinfo"
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(processor, "_CPUINFO", path)
        processor._facts.cache_clear()

    yield use
    monkeypatch.undo()
    processor._facts.cache_clear()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INTEL.format("avx2"), False),
        (INTEL.format("avx512_bf16"), True),
        (INTEL.format("amx_bf16 amx_tile"), True),
        (ARM.format("asimdhp"), False),
        (ARM.format("bf16"), True),
        ("something else", True),
        (None, True),  # nobody knows, and so it is measured
    ],
)
def test_products_of_bfloat16_are_listed_by_the_system(cpuinfo, text, expected):
    cpuinfo(text)
    assert multiplies_bfloat16() is expected


def test_processors_are_told_apart(cpuinfo):
    names = []
    for text in (INTEL, INTEL.replace("143", "106"), ARM, ARM.replace("0xd40", "0xd0c"), ""):
        cpuinfo(text)
        names.append(device_name(CPU))
    assert len(set(names)) == 5
    assert "Xeon" in names[0]


def test_a_gpu_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"some {device.type}")
    assert device_name(torch.device("cuda")) == "some cuda"
