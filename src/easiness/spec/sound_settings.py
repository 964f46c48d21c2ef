"""The settings of a recipe that are a sound's: the picture that is made of it, and how that is augmented."""

from __future__ import annotations

from pydantic import BaseModel, Field


class SoundSettings(BaseModel):
    """Window, log-mel picture and augmentation (masks as in Park et al., "SpecAugment", 2019) of sounds."""

    seconds: float = Field(
        default=1.0, gt=0, le=60, description="seconds of a sound that are heard: its loudest"
    )
    hop: float = Field(
        default=0.02, ge=0.001, le=1, description="seconds from one column of the log-mel picture to the next"
    )
    mels: int = Field(default=40, ge=4, le=512, description="bands of frequency, rows of the log-mel picture")
    time_shift: float = Field(
        default=0.1, ge=0, le=0.5, description="largest shift in time as a share of the window"
    )
    gain: float = Field(default=6.0, ge=0, le=60, description="largest gain in decibels, up or down")
    masks: int = Field(
        default=1, ge=0, le=16, description="silenced stretches of time, and as many of frequency"
    )
    time_mask: float = Field(
        default=0.1, ge=0, le=1, description="longest silenced stretch of time as a share of the window"
    )
    mel_mask: float = Field(
        default=0.1, ge=0, le=1, description="widest silenced stretch of frequency as a share of the bands"
    )

    @property
    def frames(self) -> int:
        """Columns of the log-mel picture: 50 for a second."""
        return max(1, round(self.seconds / self.hop))
