"""Colours and opacities of the figures."""

__all__ = [
    "BAND_80_COLORS",
    "BAND_80_OPACITY",
    "BLUE",
    "FAN_COLOR",
    "FAN_OPACITIES",
    "GREEN",
    "GREY",
    "LIGHT_GREEN",
    "RED",
    "SPAN_COLORS",
    "SPAN_TEXT_COLORS",
]

# Dark, light, middle: distinct in grey and for colour-blind readers.
BLUE, GREEN, LIGHT_GREEN, RED = "#10307A", "#27B387", "#86D3BA", "#CF3A12"
GREY = "#6B6B6B"
SPAN_COLORS = {"train": GREEN, "validation": LIGHT_GREEN, "test": RED}
SPAN_TEXT_COLORS = {"train": "#0E7C5A", "validation": "#37826C", "test": RED}  # small type needs more contrast
BAND_80_COLORS = SPAN_COLORS  # 80 % band of the one-step predictions, by train, validation and test
BAND_80_OPACITY = 0.2
FAN_COLOR = RED
FAN_OPACITIES = {95: 0.14, 80: 0.17, 50: 0.22}  # percent -> opacity of that interval of the coming days
