"""The commands of `limner`, by what they are about. Each draws what a verb answers; none decides anything."""
