from .applied import (
    SCORES as SCORES,
    Applied as Applied,
    Card as Card,
    apply_card as apply_card,
    open_card as open_card,
    write_card as write_card,
)
from .examples import Exporting as Exporting
from .writing import (
    FORMATS as FORMATS,
    Exported as Exported,
    export as export,
    find_format as find_format,
)
