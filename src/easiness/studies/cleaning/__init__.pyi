from .result import Cleaned as Cleaned
from .rule import cleaned as cleaned
from .study import clean as clean
