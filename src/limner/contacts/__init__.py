"""Contacts: which member of staff knows which customer, the codes by which they came, the tags on both sides."""
