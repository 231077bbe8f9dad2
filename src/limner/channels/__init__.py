"""Channels: each hands one message to the outside world and says what became of it. They know no campaign."""
