"""The Balance room."""
