from .bank import (
    EvaluationInput as EvaluationInput,
    Preparation as Preparation,
    TensorBank as TensorBank,
    fetched_ahead as fetched_ahead,
)
from .encoding import (
    MOST_BYTES as MOST_BYTES,
    Blob as Blob,
    Blobs as Blobs,
    EncodedExamples as EncodedExamples,
    EncodedSource as EncodedSource,
    Files as Files,
    Header as Header,
    Positions as Positions,
    Unreadable as Unreadable,
    digest as digest,
    in_threads as in_threads,
    reading as reading,
    tell as tell,
    track as track,
)
from .image.kind import (
    BOMB as BOMB,
    HEIF as HEIF,
    IMAGE as IMAGE,
    IMAGE_FILES as IMAGE_FILES,
    decode_opened as decode_opened,
    decoder_warnings as decoder_warnings,
    header_of as header_of,
    suffixes as suffixes,
)
from .image.photos import (
    DamagedCache as DamagedCache,
    DecodedPhotos as DecodedPhotos,
    opened_cache as opened_cache,
    reduce as reduce,
)
from .image.pixels import (
    ArrayImages as ArrayImages,
    ImageHeader as ImageHeader,
    ImageTraits as ImageTraits,
    Pixels as Pixels,
    scan as scan,
    to_picture as to_picture,
    to_pil as to_pil,
)
from .image.preparation import global_contrast_normalization as global_contrast_normalization
from .kind import (
    FLAWS as FLAWS,
    Cell as Cell,
    ExportForm as ExportForm,
    InputKind as InputKind,
    Near as Near,
    NearPairs as NearPairs,
    Signature as Signature,
    StoredExamples as StoredExamples,
    Traits as Traits,
)
from .pack import Pack as Pack, Values as Values
from .registry import KINDS as KINDS, kind_named as kind_named, kind_of as kind_of
from .sound.kind import (
    SOUND as SOUND,
    SOUND_FILES as SOUND_FILES,
    resample as resample,
    to_sounds as to_sounds,
)
from .sound.log_mel import Samples as Samples, log_mel as log_mel
from .text import WORDS as WORDS
from .text.kind import (
    TEXT as TEXT,
    StoredTexts as StoredTexts,
    from_texts as from_texts,
    to_bytes as to_bytes,
    to_text as to_text,
)
from .text.preparation import mix as mix, only_words as only_words
from .vector import VECTOR as VECTOR, StoredVectors as StoredVectors
