from .curve import LearningCurve as LearningCurve
from .study import learning_curve as learning_curve
