"""Registered versions: aliases, the way to champion, and back."""
