from .book import OrderBook as Book
from .line import Line
