"""Limner (绘客): from what customers do to tags, portraits, audiences, messages and what they changed."""

__version__ = "0.1.0"
