"""The network of Fig. 2: E_V and G_S, four stems, one shared trunk, the neck."""

from .contract import Backbone
from .generator import Encoder, Generator
from .net import BaseDerivativeNet, GeM, Output
from .weights import WeightsError

__all__ = ["Backbone", "BaseDerivativeNet", "Encoder", "GeM", "Generator", "Output", "WeightsError"]
