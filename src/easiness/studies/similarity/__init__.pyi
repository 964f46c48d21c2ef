from .result import Similarity as Similarity
from .sections import similarity_sentence as similarity_sentence
from .study import similarity as similarity
