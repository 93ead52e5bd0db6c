"""Slices with their masks, written as other programs read them."""
