"""Consents: who may be written to on which channel, with proof, and who must never be."""
