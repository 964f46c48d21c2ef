from .agreement import Agreement as Agreement, Between as Between, decisions as decisions
from .cleaning import Cleaned as Cleaned, clean as clean, cleaned as cleaned, without as without
from .verifying import verifying as verifying
