"""The generated shop: its people, their history, its definitions, and the local servers that the demo talks to.

Knows how a shop's customers behave; knows nothing of how Limner computes.
"""
