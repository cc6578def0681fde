"""What each control of the channel explorer does, in the words of its tooltip."""

from __future__ import annotations

VIEWS = {
    "overview": "V, E_V(V), D_V, I and D_I, with the three channels small beside each",
    "channels": "Every channel alone: V above D_V, I above D_I (the paper's Fig. 8)",
    "divergence": "How far D_I is from I, channel by channel (the paper's Fig. 9)",
}
INKS = {
    "colour": "One channel in its own colour; off where no channel stands alone",
    "grey": "One channel as grey, larger is lighter; off where no channel stands alone",
    "dark is large": "One channel as a negative (Fig. 8c); off where no channel stands alone",
}
STRETCH = (
    "Each picture from its own black to its own white, for eyes only: numbers, and the maps of the "
    "divergence, stay as they are"
)
SPACES = {
    "normalised": "A picture enters as (p - mean) / std: middling grey is zero, darker is negative",
    "unit": "A picture enters as fractions of white, 0 to 1: nothing is negative",
}
PRESETS = {
    "uniform": "Where training starts: all weights a third, no bias",
    "luma": "E_V weighs red, green and blue as the eye does, G_S gives that to all three",
    "D_I = I": "Infrared comes out of G_S as it went in",
}
LEARNED = "The ten numbers that training found"
UNDO = "Take the last move of numbers, space, epoch or what stands beside back"
REDO = "Make it again"
SAVE = "Write what is shown into the folder of figures, with its ten numbers in the file"
EPOCH = "The ten numbers as they were after this epoch of the run"
BESIDE = (
    "A second generator for the same person: the same run at another epoch, or a second cell. A is "
    "what the sliders say, B what stands beside"
)
BESIDE_EPOCH = "The epoch of the run that stands beside"
FILM = "The film of the epochs: play, pause, back to the first"


def number(name: str) -> str:
    """What one of the ten numbers does; ``name`` as in ``numbers.NAMES``, e.g. ``G_S red bias``."""
    net, channel, *bias = name.split()
    if name == "E_V bias":
        return "Added to E_V's sum, before its ReLU sets to zero what is negative"
    if net == "E_V":
        return f"How much of V's {channel} goes into the one channel"
    if bias:
        return f"Added to {channel} of D_V and of D_I"
    return f"What the one channel is multiplied by for {channel} of D_V and of D_I"
