from .conflicts import (
    WITHIN as WITHIN,
    Conflicts as Conflicts,
    conflicts_in as conflicts_in,
    find_conflicts as find_conflicts,
    kept_conflicts as kept_conflicts,
)
from .evidence import (
    VOTES as VOTES,
    Glance as Glance,
    glance as glance,
    one_trial as one_trial,
    too_few as too_few,
)
from .neighbours import features_command as features_command, nearest_by_class as nearest_by_class
from .pulls import Pulls as Pulls, pulls as pulls
from .result import ABOVE as ABOVE, Suspects as Suspects
from .study import (
    SUSPECTS as SUSPECTS,
    SuspectOptions as SuspectOptions,
    suspects as suspects,
)
