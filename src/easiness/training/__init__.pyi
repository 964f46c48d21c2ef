from .device import (
    choose_precision as choose_precision,
    how_it_ran as how_it_ran,
    num_gpus as num_gpus,
    num_threads as num_threads,
    own_device as own_device,
    resolve_device as resolve_device,
    seed_all as seed_all,
    set_up as set_up,
)
from .loop import (
    AnyObserver as AnyObserver,
    Course as Course,
    EpochReport as EpochReport,
    Keeper as Keeper,
    Listener as Listener,
    Observer as Observer,
    Standing as Standing,
    StepObserver as StepObserver,
    TrainingSet as TrainingSet,
    TrainingState as TrainingState,
    train as train,
    training_set as training_set,
)
from .network import (
    Network as Network,
    NetworkFacts as NetworkFacts,
    Workload as Workload,
    find_classifier as find_classifier,
    loss_of as loss_of,
    network_facts as network_facts,
)
from .stored_network import (
    FeatureReader as FeatureReader,
    InputReader as InputReader,
    TransformedExamples as TransformedExamples,
    open_network as open_network,
)
