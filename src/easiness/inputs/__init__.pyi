from .counting import (
    IMAGES as IMAGES,
    SIZES as SIZES,
    UNREADABLE as UNREADABLE,
    counted as counted,
    reading as reading,
    tell as tell,
)
from .image.blocks import average_blocks as average_blocks
from .image.decode import (
    BOMB as BOMB,
    Blob as Blob,
    UnreadableImage as UnreadableImage,
    decode_opened as decode_opened,
    decoder_warnings as decoder_warnings,
    digest as digest,
    header_of as header_of,
    is_readable as is_readable,
    one_line as one_line,
    read_header as read_header,
)
from .image.encoded import (
    Blobs as Blobs,
    EncodedImages as EncodedImages,
    Positions as Positions,
    Source as Source,
    find_unreadable as find_unreadable,
    read_headers as read_headers,
)
from .image.formats import (
    HEIF as HEIF,
    MOST_BYTES as MOST_BYTES,
    reads_heif as reads_heif,
    suffixes as suffixes,
)
from .image.normalize import (
    global_contrast_normalization as global_contrast_normalization,
    normalize as normalize,
)
from .image.photo_cache import (
    DamagedCache as DamagedCache,
    cache_path as cache_path,
    cached_photos as cached_photos,
    opened_cache as opened_cache,
)
from .image.photo_input import PhotoBank as PhotoBank
from .image.photos import (
    DecodedPhotos as DecodedPhotos,
    HeldPhotos as HeldPhotos,
    Photos as Photos,
    reduce as reduce,
    uncached_photos as uncached_photos,
)
from .image.pixels import to_picture as to_picture, to_pixels as to_pixels
from .image.scan import Header as Header, Scan as Scan, merge as merge, scan as scan
from .image.stored import (
    ArrayImages as ArrayImages,
    NoImages as NoImages,
    Pixels as Pixels,
    StoredImages as StoredImages,
    pixel_digest as pixel_digest,
)
from .image.tensor_input import HostImageBank as HostImageBank, ImageBank as ImageBank
from .image.threads import in_threads as in_threads
from .memory import GIB as GIB, available_memory as available_memory, check_fits as check_fits, fits as fits
from .transfer import fetched_ahead as fetched_ahead
