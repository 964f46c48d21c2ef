from .distances import Similarity as Similarity
from .study import similarity as similarity
