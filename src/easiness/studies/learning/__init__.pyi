from .study import LearningCurve as LearningCurve, learning_curve as learning_curve
