"""A shop, small enough to hold in one's head."""

from .money import Money, parse_money
from .orders import *

VERSION = "1.0"
