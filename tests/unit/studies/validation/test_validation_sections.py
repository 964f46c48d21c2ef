from __future__ import annotations

import numpy as np

from easiness.studies.validation.validation import CurvePoint, EasinessView, FinalModels, Validation


def test_titles_say_what_is_looked_at():
    view = EasinessView("wrn_10_1", 5, [CurvePoint(5, 1.0, 3, 0.9, (0.7, 1.0))], [])
    found = Validation([view], [FinalModels("wrn_10_1", np.array([0.5, 0.75]))], 3, 9, 20, 3, 4, 1)
    titles = [section.title for section in found.sections()]
    assert "Validation examples by easiness, of wrn_10_1" in titles
