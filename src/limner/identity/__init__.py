"""Who did it: identifiers become people. Knows events only by their rows; knows no tag and no audience."""
