from .conflicts import conflicts_of as conflicts_of, find_conflicts as find_conflicts
from .conflicts_found import Conflicts as Conflicts, Example as Example
from .found import ABOVE as ABOVE
from .result import Suspects as Suspects
from .sections import known_too_little as known_too_little, summary as summary
from .study import suspects as suspects
