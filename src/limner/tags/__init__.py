"""Tags: a key, a typed value per person, a validity and a source. Read from files, computed, published."""
