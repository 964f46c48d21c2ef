from .asking import ABLATE as ABLATE, CORRUPT as CORRUPT, Ablated as Ablated, Corrupted as Corrupted
from .study import (
    TrainingSets as TrainingSets,
    plan_ranked as plan_ranked,
)
from .trained_sets import (
    AccuracyCurve as AccuracyCurve,
    Contrast as Contrast,
    TrainingSetStudy as TrainingSetStudy,
    breakdown as breakdown,
    contrast as contrast,
    differences as differences,
    mean_accuracy as mean_accuracy,
    steps as steps,
)
