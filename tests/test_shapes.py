"""Shapes in signatures are promises: tests run with them checked, and a wrong one is refused."""

import pytest
import torch
from jaxtyping import TypeCheckError

from bdlab import losses, network
from bdlab.modality import Modality

V, I, DV, DI = Modality


def test_a_matrix_where_a_vector_is_meant():
    with pytest.raises(TypeCheckError, match="mask"):
        losses.mask(torch.zeros(3, dtype=torch.long), torch.zeros(3, 2, dtype=torch.long))


def test_masks_of_another_form_than_their_distances():
    same = torch.zeros(4, 4, dtype=torch.bool)
    with pytest.raises(TypeCheckError, match="hardest"):
        losses.hardest(torch.zeros(4, 5), same, same)


def test_whole_numbers_where_measured_ones_are_meant():
    with pytest.raises(TypeCheckError, match="pairwise"):
        losses.pairwise(torch.zeros(4, 4, dtype=torch.long))


def test_one_channel_where_the_network_wants_three():
    net = network.BaseDerivativeNet(3, backbone="resnet10").eval()
    with pytest.raises(TypeCheckError, match="embed"):
        net.embed(torch.zeros(2, 1, 32, 16), V)
    with pytest.raises(TypeCheckError, match="derive"):
        net.derive({V: torch.zeros(2, 1, 32, 16)})


def test_right_shapes_pass():
    net = network.BaseDerivativeNet(3, backbone="resnet10").eval()
    out = net({V: torch.zeros(2, 3, 32, 16), I: torch.zeros(3, 3, 32, 16)})
    assert {m: len(f) for m, f in out.features.items()} == {V: 2, I: 3, DV: 2, DI: 3}
