"""The Keys room."""
