from .labels import Cleaned as Cleaned, clean as clean, cleaned as cleaned, without as without
