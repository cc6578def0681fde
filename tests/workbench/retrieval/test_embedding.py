"""Distances of pairs, maps and likenesses against loops, geometry that is known, and the network's
own similarity.
"""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bdlab import network
from bdlab.modality import BASE, Modality
from bdlab.training import extract
from bdlab.workbench.retrieval import embedding

V, I, DV, DI = Modality


class TestPairs:
    @pytest.mark.parametrize("kind", ["regdb", "sysu"])
    def test_they_are_those_of_the_loops(self, request, kind):
        tested = request.getfixturevalue(f"tested_{kind}")
        found = embedding.pair_distances(tested)
        assert len(found) == 10
        for (a, b), both in found.items():
            x, y, lists = tested.embedded[a], tested.embedded[b], ([], [])
            for i in range(len(x)):
                for j in range(len(y)):
                    one_picture = x.keys[i] == y.keys[j]
                    twice = a is b and j < i
                    ruled = kind == "sysu" and {int(x.cameras[i]), int(y.cameras[j])} == {2, 3}
                    if not (one_picture or twice or ruled):
                        lists[int(x.ids[i] != y.ids[j])].append(
                            np.linalg.norm(x.features[i] - y.features[j])
                        )
            for mine, loops in zip(both, lists, strict=True):
                # float32 roots near 0
                np.testing.assert_allclose(np.sort(mine), np.sort(loops), atol=2e-3)

    def test_fewer_pictures_are_whole_people(self, tested_regdb):
        rows = embedding.some(tested_regdb, 16)
        for m, e in tested_regdb.embedded.items():
            assert len(rows[m]) == 16
            assert sorted(np.unique(e.ids[rows[m]], return_counts=True)[1]) == [4] * 4

    def test_overlap_is_that_of_the_loops(self):
        rng = np.random.default_rng(0)
        positive, negative = rng.integers(0, 9, 30) / 8, rng.integers(3, 14, 40) / 8  # with ties
        loops = np.mean([[(n < p) + (n == p) / 2 for n in negative] for p in positive])
        assert embedding.overlap(positive, negative) == pytest.approx(loops)

    def test_overlap_of_known_ones(self):
        low, high = np.array([0.1, 0.2]), np.array([0.3, 0.4, 0.5])
        assert embedding.overlap(low, high) == 0
        assert embedding.overlap(high, low) == 1
        assert embedding.overlap(low, low) == 0.5
        assert np.isnan(embedding.overlap(low, low[:0]))


class TestMaps:
    def clouds(self, count=30):
        rng = np.random.default_rng(0)
        return np.concatenate(
            [rng.normal(0, 0.1, (count, 8)), rng.normal(0, 0.1, (count, 8)) + 3]
        ).astype(np.float32)

    def test_pca_finds_the_widest_directions(self):
        rng = np.random.default_rng(0)
        turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
        features = (rng.normal(size=(400, 5)) * [5, 2, 0.1, 0.1, 0.1]) @ turn + 7
        points, shares = embedding.pca(features)
        values, vectors = np.linalg.eigh(np.cov(features.T))
        np.testing.assert_allclose(shares, values[::-1][:2] / values.sum(), rtol=1e-9)
        by_hand = (features - features.mean(axis=0)) @ vectors[:, ::-1][:, :2]
        np.testing.assert_allclose(np.abs(points), np.abs(by_hand), atol=1e-8)
        np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-9)

    def test_pca_points_one_way(self):
        """A mirror image of the same cloud is no other map: the sign is fixed by the direction
        itself.
        """
        features = np.outer(np.linspace(-1, 1, 9), [3.0, -1.0]) + np.outer(
            np.linspace(-1, 1, 9) ** 2, [0.1, 0.3]
        )
        points, _ = embedding.pca(features)
        assert points[-1, 0] > points[0, 0]

    def test_tsne_keeps_clouds_apart_and_draws_no_lots(self):
        features = self.clouds()
        points = embedding.tsne(features)
        a, b = points[:30], points[30:]
        between = np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))
        assert between > 2 * max(
            np.linalg.norm(part - part.mean(axis=0), axis=1).max() for part in (a, b)
        )
        np.testing.assert_array_equal(embedding.tsne(features), points)

    def test_tsne_of_few_points(self):
        assert embedding.tsne(self.clouds(3)).shape == (6, 2)
        with pytest.raises(ValueError, match="5 or more"):
            embedding.tsne(self.clouds(2))

    def test_without_scikit_learn_there_is_a_word_on_it(self, monkeypatch):
        assert embedding.has_tsne()
        monkeypatch.setitem(sys.modules, "sklearn", None)
        monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
        assert not embedding.has_tsne()
        with pytest.raises(ImportError, match=r"bdlab\[lab\]"):
            embedding.tsne(self.clouds())

    def test_kept_is_all_luck_or_the_loops(self):
        rng = np.random.default_rng(0)
        features, points = rng.normal(size=(60, 6)), rng.normal(size=(60, 2))
        assert embedding.kept(features, features) == 1
        assert embedding.kept(features, points) == pytest.approx(10 / 59, abs=0.05)
        near = [
            {int(j) for j in np.argsort([np.sum((w[i] - w[j]) ** 2) for j in range(60)])[1:4]}
            for w in (features, points)
            for i in range(60)
        ]
        assert embedding.kept(features, points, 3) == pytest.approx(
            np.mean([len(near[i] & near[60 + i]) / 3 for i in range(60)])
        )

    def test_a_sample_is_of_so_many_people(self, tested_sysu):
        sample = embedding.sample(tested_sysu, people=3, shots=2)
        assert len(np.unique(sample.ids)) == 3
        counts = {m: sample.modalities.count(m) for m in Modality}
        assert counts[V] == counts[DV] <= 6
        assert set(embedding.sample(tested_sysu, 3, BASE).modalities) == set(BASE)
        k = sample.modalities.index(DI)
        own = tested_sysu.embedded[DI]
        assert any(
            np.array_equal(sample.features[k], f) and i == sample.ids[k]
            for f, i in zip(own.features, own.ids, strict=True)
        )


class TestEvidence:
    def net(self, **options):
        torch.manual_seed(3)
        net = network.BaseDerivativeNet(5, backbone="resnet10", **options)
        for _ in range(3):  # batch norms with means and variances of their own
            net({V: torch.randn(8, 3, 64, 32), I: torch.randn(8, 3, 64, 32)})
        with torch.no_grad():
            net.neck.weight.uniform_(0.5, 1.5)
            net.neck.bias.uniform_(-0.2, 0.2)
        return net.eval()

    @pytest.mark.parametrize("pool", ["avg", "gem"])
    @pytest.mark.parametrize("feature", ["bn", "pool"])
    def test_the_blocks_add_up_to_the_similarity(self, pool, feature):
        net, x = self.net(pool=pool, feature=feature), torch.randn(3, 3, 64, 32)
        target = F.normalize(torch.randn(net.dim), dim=0)
        for m in (V, I, DV, DI):
            shares = embedding.evidence(net, x, m, target)
            assert shares.shape == (3, 4, 2)
            with torch.no_grad():
                torch.testing.assert_close(
                    shares.sum((1, 2)), net.embed(x, m) @ target, atol=1e-5, rtol=1e-4
                )

    def test_each_block_is_that_of_the_loops(self):
        net, x = self.net(), torch.randn(1, 3, 64, 32)
        target = F.normalize(torch.randn(net.dim), dim=0)
        shares = embedding.evidence(net, x, V, target)[0]
        with torch.no_grad():
            maps, neck = net.trunk(net.stems["V"](x))[0], net.neck
            length = float(net.neck(net.pooled(net.stems["V"](x)))[0].norm())
            for y in range(4):
                for z in range(2):
                    s = neck.weight / (neck.running_var + neck.eps).sqrt()
                    moved = s * (maps[:, y, z] - neck.running_mean) + neck.bias
                    assert float(shares[y, z]) == pytest.approx(
                        float(target @ moved) / 8 / length, abs=1e-6
                    )

    def test_without_the_neck_they_would_not_add_up(self):
        """The broken variant: pooled maps against the target, as if there were no batch norm."""
        net, x = self.net(), torch.randn(1, 3, 64, 32)
        target = F.normalize(torch.randn(net.dim), dim=0)
        with torch.no_grad():
            maps = net.trunk(net.stems["V"](x))[0]
            broken = torch.einsum("chw,c->hw", maps, target) / 8 / maps.mean((1, 2)).norm()
            assert abs(float(broken.sum() - net.embed(x)[0] @ target)) > 0.01

    def test_a_target_a_picture(self):
        net, x = self.net(), torch.randn(2, 3, 64, 32)
        targets = F.normalize(torch.randn(2, net.dim), dim=1)
        both = embedding.evidence(net, x, V, targets)
        for k in range(2):
            torch.testing.assert_close(both[k], embedding.evidence(net, x, V, targets[k])[k])

    def test_likeness_is_of_every_stream_of_the_family(self, tested_regdb):
        search = tested_regdb.search()
        row, other = int(search.query[0]), int(search.gallery[7])
        alike = embedding.likeness(tested_regdb, row, other)
        assert set(alike) == {V, DV}
        assert set(embedding.likeness(tested_regdb, other, row)) == {I, DI}
        picture, shares = alike[V]
        np.testing.assert_allclose(
            picture, tested_regdb.setup.bank.pictures[row].permute(1, 2, 0).numpy() / 255, atol=1e-5
        )
        assert shares.sum() == pytest.approx(
            float(tested_regdb.feature(row) @ tested_regdb.feature(other)), abs=1e-4
        )
        at = tested_regdb.rows(V).tolist().index(row)
        assert alike[DV][1].sum() == pytest.approx(
            float(tested_regdb.embedded[DV].features[at] @ tested_regdb.feature(other)), abs=1e-4
        )


def test_parts_are_all_parameters_and_the_export_lacks_the_generator(tested_regdb):
    net = tested_regdb.setup.net
    trained, deployed = embedding.parts(net), embedding.parts(net.export())
    for sizes, whole in ((trained, net), (deployed, net.export())):
        assert sum(sizes.values()) == sum(p.numel() for p in whole.parameters())
    assert (trained["E_V"], trained["G_S"]) == (4, 6)
    assert trained.keys() - deployed.keys() == {"E_V", "G_S", "stem DV", "stem DI"}


def test_the_deployed_net_embeds_the_same_bits(tested_regdb):
    again = extract.embed(tested_regdb.setup, net=tested_regdb.setup.net.export())
    for m in BASE:
        np.testing.assert_array_equal(again[m].features, tested_regdb.embedded[m].features)
