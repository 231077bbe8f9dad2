"""The library of content, and what of it each person is shown next: items, and a ranking that says why."""
