"""The page of the sidebar, as package data."""
