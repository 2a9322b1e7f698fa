"""The smallest shared words: money, time, ids, refusals, pages and sealed values."""
