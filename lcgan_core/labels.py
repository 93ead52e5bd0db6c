"""The five haemorrhage types: label values, names and display colours used everywhere."""

BACKGROUND = 0
HEMORRHAGES = ("IPH", "IVH", "SAH", "EDH", "SDH")
"""Short names of labels 1..5, in label order."""

LABELS = {name: value for value, name in enumerate(HEMORRHAGES, start=1)}
"""Label value of each haemorrhage type: IPH 1, IVH 2, SAH 3, EDH 4, SDH 5."""

LONG_NAMES = {
    "IPH": "intraparenchymal",
    "IVH": "intraventricular",
    "SAH": "subarachnoid",
    "EDH": "epidural",
    "SDH": "subdural",
}

COLORS = ((0, 0, 0), (230, 60, 60), (70, 130, 255), (70, 200, 90), (255, 200, 40), (220, 90, 230))
"""RGB colour (0..255) of labels 0..5; the generator's mask image and every figure use them."""
