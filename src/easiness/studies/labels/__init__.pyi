from .agreement import Agreement as Agreement, Between as Between
from .rule import Cleaned as Cleaned, cleaned as cleaned, verifying as verifying, without as without
from .study import LABELS as LABELS, Labelling as Labelling, labels as labels
