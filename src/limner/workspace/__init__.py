"""The composition root: opens a workspace, owns its clock and threads, and holds the verbs that doors use."""
