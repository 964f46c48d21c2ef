from .card import (
    SCORES as SCORES,
    Card as Card,
    CopyScores as CopyScores,
    apply_card as apply_card,
    open_card as open_card,
    write_card as write_card,
)
from .examples import ExportOptions as ExportOptions
from .writing import (
    FORMATS as FORMATS,
    Export as Export,
    export as export,
    find_format as find_format,
)
