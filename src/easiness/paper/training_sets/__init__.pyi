from .study import (
    TrainingSets as TrainingSets,
    ablate as ablate,
    corrupt as corrupt,
    plan_ranked as plan_ranked,
    plan_training_sets as plan_training_sets,
    train_sets as train_sets,
)
from .trained_sets import (
    AccuracyCurve as AccuracyCurve,
    Contrast as Contrast,
    EveryEpoch as EveryEpoch,
    TrainingSetStudy as TrainingSetStudy,
    breakdown as breakdown,
    contrast as contrast,
    differences as differences,
    mean_accuracy as mean_accuracy,
    steps as steps,
)
