"""The network of Fig. 2: E_V and G_S, four stems, one shared trunk, the neck."""

from .net import BaseDerivativeNet, Encoder, GeM, Generator, Output

__all__ = ["BaseDerivativeNet", "Encoder", "GeM", "Generator", "Output"]
