"""Because: on what an answer about one person rests, what is missing for another, and when it ends by itself.

The engine says which of the person's events a condition means and what their values are (`reading`); everything after
that is worked out over this one person's few rows, by the bounds of the windows, without asking again:

question   a condition with the tags and audiences it names put in
facts      the rows of one person, with some taken away or added
moment     the answer to a question at an instant
turning    the instants at which an answer may turn by time alone
deciding   the events and attributes without which the answer would be another
missing    the least that is missing for another answer, and until when it can come
sentences  all of that in words, English and Chinese

What cannot be said is not guessed: it says `said: false` with a reason.
"""
