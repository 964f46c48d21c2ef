from .applied import (
    SCORES as SCORES,
    Applied as Applied,
    Card as Card,
    apply_card as apply_card,
    open_card as open_card,
    write_card as write_card,
)
from .writing import (
    FORMATS as FORMATS,
    Exported as Exported,
    Exporting as Exporting,
    export as export,
    find_format as find_format,
)
