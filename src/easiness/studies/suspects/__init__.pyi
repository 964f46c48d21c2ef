from .conflicts import conflicts_of as conflicts_of, find_conflicts as find_conflicts
from .conflicts_found import Conflicts as Conflicts, Example as Example
from .glance import Glance as Glance, glance as glance
from .how_many import HowMany as HowMany
from .nearest import Nearest as Nearest, nearest_by_class as nearest_by_class
from .ranked import ABOVE as ABOVE, Suspects as Suspects
from .study import suspects as suspects
