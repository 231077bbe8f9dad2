"""On a real Spark cluster, started on loopback: one for all of these tests, and gone after the last."""
