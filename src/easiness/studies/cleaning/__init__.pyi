from .cleaned_labels import Cleaned as Cleaned
from .study import clean as clean, cleaned as cleaned
