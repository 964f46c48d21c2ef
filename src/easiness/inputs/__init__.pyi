from .bank import Evaluated as Evaluated, Learned as Learned, TensorBank as TensorBank
from .counting import (
    IMAGES as IMAGES,
    SIZES as SIZES,
    UNREADABLE as UNREADABLE,
    counted as counted,
    reading as reading,
    tell as tell,
)
from .encoded import (
    Blobs as Blobs,
    Encoded as Encoded,
    Positions as Positions,
    Source as Source,
    find_unreadable as find_unreadable,
    read_headers as read_headers,
)
from .exported import Cell as Cell, Exported as Exported
from .files import (
    MOST_BYTES as MOST_BYTES,
    Blob as Blob,
    Files as Files,
    Header as Header,
    Unreadable as Unreadable,
    digest as digest,
)
from .flaws import FLAWS as FLAWS
from .image.decode import (
    BOMB as BOMB,
    decode_opened as decode_opened,
    decoder_warnings as decoder_warnings,
    header_of as header_of,
)
from .image.formats import (
    HEIF as HEIF,
    suffixes as suffixes,
)
from .image.kind import IMAGE as IMAGE, IMAGE_FILES as IMAGE_FILES
from .image.normalize import global_contrast_normalization as global_contrast_normalization
from .image.photo_cache import (
    DamagedCache as DamagedCache,
    cache_path as cache_path,
    opened_cache as opened_cache,
)
from .image.photos import DecodedPhotos as DecodedPhotos, reduce as reduce
from .image.pixels import to_picture as to_picture
from .image.scan import ImageHeader as ImageHeader, ImageTraits as ImageTraits, scan as scan
from .image.shown import reduced as reduced
from .image.stored import (
    ArrayImages as ArrayImages,
    Pixels as Pixels,
    pixel_digest as pixel_digest,
    to_pil as to_pil,
)
from .kind import (
    InputKind as InputKind,
    Near as Near,
    NearPairs as NearPairs,
    Stored as Stored,
    Values as Values,
)
from .packed import Packed as Packed
from .registry import KINDS as KINDS, kind_named as kind_named, kind_of as kind_of
from .signature import Signature as Signature
from .sound.decode import resampled as resampled
from .sound.kind import SOUND as SOUND, SOUND_FILES as SOUND_FILES
from .sound.log_mel import Samples as Samples, log_mel as log_mel
from .sound.stored import to_sounds as to_sounds
from .text.kind import TEXT as TEXT
from .text.preparation import mixed as mixed, only_words as only_words
from .text.stored import (
    StoredTexts as StoredTexts,
    TextTraits as TextTraits,
    from_texts as from_texts,
    to_bytes as to_bytes,
    to_text as to_text,
)
from .text.tokens import GRAMS as GRAMS, WORDS as WORDS, words_of as words_of
from .threads import in_threads as in_threads
from .transfer import fetched_ahead as fetched_ahead
from .vector.kind import VECTOR as VECTOR
from .vector.stored import StoredVectors as StoredVectors
