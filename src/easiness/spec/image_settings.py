"""The settings of a recipe that are a picture's: how it is cropped, moved, mirrored and normalized."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ImageSettings(BaseModel):
    """Augmentation and normalization of pictures (Kishida and Nakayama 2019, section 3.1)."""

    translation: float = Field(
        default=0.125, ge=0, lt=1, description="largest shift as a share of the side (4 of 32 pixels)"
    )
    flip: float = Field(default=0.5, ge=0, le=1, description="probability of a horizontal flip")
    crop: int = Field(
        default=0,
        ge=0,
        le=16384,
        description="side in pixels that photos are cropped to; 0: images keep their size",
    )
    crop_scale: float = Field(
        default=0.08, gt=0, le=1, description="least share of a photo's area that a random crop takes"
    )
    crop_ratio: float = Field(
        default=4 / 3, ge=1, description="largest aspect ratio of a random crop, upright or across"
    )
    crop_share: float = Field(
        default=0.875,
        ge=0.01,
        le=1,
        description="share of the short side in the evaluation crop (224 of 256)",
    )
    reduce: int = Field(
        default=1,
        ge=1,
        lt=2**31,
        description="side of the blocks of pixels averaged into one, of images without crop",
    )
    gcn: bool = Field(default=True, description="global contrast normalization")
    gcn_epsilon: float = Field(default=1e-6, gt=0, description="added to the standard deviation in GCN")

    @property
    def resize(self) -> int:
        """Short side in pixels that a photo has before the evaluation crop: 256 for a crop of 224."""
        return int(self.crop / self.crop_share + 0.5)

    def shift(self, side: int) -> int:
        """Largest translation in pixels of an image with this side: 4 for 32 pixels."""
        return int(self.translation * side + 0.5)

    def unused(self) -> set[str]:
        """The settings that change nothing, as the others are: those of a crop where there is none."""
        unused = set[str]() if self.crop else {"crop", "crop_scale", "crop_ratio", "crop_share"}
        return unused | ({"reduce"} if self.reduce == 1 else set())

    def conflict(self) -> str:
        """Why two settings do not go together, for an error; empty where they do."""
        if self.crop and self.reduce > 1:
            return (
                f"reduce: photos are cropped to {self.crop} pixels, which is their size; change `crop` "
                "instead, or set `crop = 0` for images of one size"
            )
        return ""
