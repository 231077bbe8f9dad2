"""Suites that an implementation of a seam can be run through, importable by third parties."""
