from .export import Exported as Exported, export as export
from .registry import FORMATS as FORMATS, find_format as find_format
