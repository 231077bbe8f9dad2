"""What happened: vendor calls become events, are logged before the answer, then loaded exactly once.

model (nouns) · strict, segment (bytes → calls) · contract (accept | refuse) · log (append, replay) · load.
Knows no person: who an event belongs to is decided by a function that the loader is given.
"""
