from .applied import Applied as Applied, apply_card as apply_card
from .score_card import SCORES as SCORES, Card as Card, card as card, open_card as open_card
from .writing import FORMATS as FORMATS, Exported as Exported, export as export, find_format as find_format
