from .applied import Applied as Applied, apply_card as apply_card
from .registry import FORMATS as FORMATS, find_format as find_format
from .score_card import SCORES as SCORES, Card as Card, card as card, open_card as open_card
from .writing import Exported as Exported, export as export
