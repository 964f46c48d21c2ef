from .judge import PaperResults as PaperResults, paper_claims as paper_claims
from .presets import (
    FIGURES as FIGURES,
    TABLES as TABLES,
    find_preset as find_preset,
    is_damaged_study as is_damaged_study,
    is_study as is_study,
    study_page as study_page,
)
from .study import (
    KINDS as KINDS,
    PaperPlan as PaperPlan,
    match_name as match_name,
)
