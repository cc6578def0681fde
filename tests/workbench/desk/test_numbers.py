"""What the desk shows is what evaluation counts; filters are counted again in numpy."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from bdlab import evaluation, pixels
from bdlab.experiments import runs
from bdlab.modality import BASE, Modality
from bdlab.workbench.desk import numbers
from bdlab.workbench.desk.numbers import DeskError, Lists
from tests.reference import evaluation as reference

V, I, DV, DI = Modality


@pytest.fixture(params=["regdb", "sysu"])
def tested(request):
    return request.getfixturevalue(f"tested_{request.param}")


@pytest.fixture
def both(tested_regdb, rival_regdb):
    return [Lists(tested, "v2t") for tested in (tested_regdb, rival_regdb)]


def nearest(tested):
    """Whether the nearest infrared test picture shows the same person, by plain numpy, by row."""
    v, i = (tested.embedded[m] for m in BASE)
    far = ((v.features[:, None].astype(np.float64) - i.features[None]) ** 2).sum(axis=2)
    hit = i.ids[far.argmin(axis=1)] == v.ids
    return dict(zip(tested.rows(V).tolist(), hit.tolist(), strict=True))


class TestLists:
    def test_every_list_is_evaluations(self, tested):
        for setting in tested.settings:
            lists, search = Lists(tested, setting), tested.search(setting)
            for number, row in enumerate(search.query):
                top = evaluation.topk(
                    search.squared[number : number + 1],
                    len(search.gallery),
                    search.removed[number : number + 1],
                )
                places = top.columns[0][np.isfinite(top.distances[0])]
                answer = lists.answer(int(row))
                np.testing.assert_array_equal(answer.places, places)
                wanted = search.gallery_ids[places] == search.query_ids[number]
                np.testing.assert_array_equal(answer.right, wanted)

    def test_a_large_trial_is_ranked_row_by_row(self, tested, monkeypatch):
        whole = {setting: Lists(tested, setting) for setting in tested.settings}
        monkeypatch.setattr(numbers, "LARGEST", 0)
        for setting, lists in whole.items():
            rows = Lists(tested, setting)
            assert rows._whole is None
            np.testing.assert_array_equal(rows.first, lists.first)
            for row in rows.query[::5]:
                one, two = rows.answer(int(row)), lists.answer(int(row))
                np.testing.assert_allclose(one.distances, two.distances, atol=2e-4)
                # equal but for pictures whose distances differ in their last bits
                other = np.flatnonzero(one.places != two.places)
                np.testing.assert_allclose(one.distances[other], two.distances[other], atol=2e-4)

    def test_the_scores_are_the_loops(self, tested):
        """Also in blocks, where the protocol has no scores of its own (the way back)."""
        for setting in tested.settings:
            lists, search = Lists(tested, setting), tested.search(setting)
            for number in range(0, len(search.query), 3):
                one = reference.one_query(
                    search.squared[number],
                    search.query_ids[number],
                    search.gallery_ids,
                    search.removed[number],
                    search.unique,
                )
                assert lists.first[number] == (-1 if one is None else one[0])
                if one is not None:
                    assert lists.ap[number] == pytest.approx(one[1])

    def test_the_head_and_the_first_right_one(self, tested_regdb):
        lists = Lists(tested_regdb, "v2t")
        row = int(numbers.queries([lists])[0])
        ranked, answer = lists.ranked(row, 3), lists.answer(row)
        assert answer.first >= 3, "the hardest query of this net"
        assert [e["place"] for e in ranked["entries"]] == [1, 2, 3, answer.first + 1]
        assert [e["right"] for e in ranked["entries"]] == [False, False, False, True]
        records = tested_regdb.setup.dataset.records
        assert all(records[e["row"]].identity == e["person"] for e in ranked["entries"])
        person = records[row].identity
        own = [r for r in lists.gallery.tolist() if records[r].identity == person]
        assert sorted(ranked["matches"]) == sorted(own)
        assert ranked["length"] == len(lists.gallery)

    def test_people_are_counted_where_the_protocol_does(self, tested_sysu):
        lists = Lists(tested_sysu, "all-multi")
        row = int(numbers.queries([lists])[0])
        assert lists.ranked(row)["rank"] == lists.first[lists.place(row)] + 1
        assert set(lists.ranked(row)["matches"]) <= set(lists.gallery.tolist())

    def test_who_does_not_ask_is_refused(self, tested_regdb):
        lists = Lists(tested_regdb, "v2t")
        with pytest.raises(KeyError):
            lists.answer(int(lists.gallery[0]))

    def test_a_picture_asks_in_a_setting_of_its_modality(self, tested):
        for modality in BASE:
            row = int(tested.rows(modality)[0])
            for preferred in tested.settings:
                setting = numbers.setting_for(tested, row, preferred)
                assert row in Lists(tested, setting).query
                if tested.asks(preferred) is modality:
                    assert setting == preferred


class TestFilters:
    def test_they_are_counted_in_numpy(self, both, tested_regdb, rival_regdb):
        a, b = nearest(tested_regdb), nearest(rival_regdb)
        wanted = {
            "all": set(a),
            "found by B, missed by A": {r for r in a if b[r] and not a[r]},
            "found by A, missed by B": {r for r in a if a[r] and not b[r]},
            "missed by both": {r for r in a if not a[r] and not b[r]},
            "found by both": {r for r in a if a[r] and b[r]},
        }
        assert len(wanted["found by A, missed by B"]) != len(wanted["found by B, missed by A"])
        for name, rows in wanted.items():
            assert set(numbers.queries(both, name).tolist()) == rows
        assert tuple(wanted) == numbers.FILTERS[2]

    def test_exchanged_cells_exchange_the_filters(self, both):
        """The broken variant: A taken for B."""
        one = numbers.queries(both, "found by B, missed by A").tolist()
        other = numbers.queries(both[::-1], "found by B, missed by A").tolist()
        assert set(one).isdisjoint(other)
        assert set(one) != set(other)

    def test_one_cell_has_found_and_missed(self, both, tested_regdb):
        hit = nearest(tested_regdb)
        assert set(numbers.queries(both[:1], "found")) == {r for r in hit if hit[r]}
        assert set(numbers.queries(both[:1], "missed")) == {r for r in hit if not hit[r]}

    def test_the_hardest_come_first(self, both):
        rows = numbers.queries(both)
        keys = [(-both[0].first[k], both[0].ap[k]) for k in map(both[0].place, rows)]
        assert keys == sorted(keys)
        assert keys[0] != keys[-1]

    def test_by_person(self, both, tested_regdb):
        records = tested_regdb.setup.dataset.records
        people = [records[r].identity for r in numbers.queries(both, order="by person")]
        assert people == sorted(people)
        assert len(people) == len(both[0].query)

    def test_one_camera_and_some_rows(self, tested_sysu):
        lists = [Lists(tested_sysu, "all-single")]
        records = tested_sysu.setup.dataset.records
        everything = numbers.queries(lists)
        for camera in (3, 6):
            rows = numbers.queries(lists, camera=camera)
            assert {records[r].camera for r in rows} == {camera}
            assert len(rows) == sum(records[r].camera == camera for r in everything)
        some = everything[[1, 4]].tolist()
        assert set(numbers.queries(lists, among=some)) == set(some)

    def test_what_there_is_not_is_named(self, both):
        with pytest.raises(ValueError, match="filter 'lucky'"):
            numbers.queries(both, "lucky")
        with pytest.raises(ValueError, match="order 'random'"):
            numbers.queries(both, order="random")


class TestMap:
    def test_points_are_all_test_pictures_in_all_streams(self, tested):
        of = numbers.points(tested)
        dataset = tested.setup.dataset
        assert len(of.rows) == 2 * len(dataset.select("test"))
        for k in range(len(of.rows)):
            record, stream = dataset.records[of.rows[k]], list(Modality)[of.streams[k]]
            assert (record.identity, record.camera) == (of.ids[k], of.cameras[k])
            assert record.modality is stream.parent
        table = np.frombuffer(of.packed(), "<u4").reshape(-1, 4)
        np.testing.assert_array_equal(table[:, 0], of.rows)
        np.testing.assert_array_equal(table[:, 3], of.streams)

    @pytest.mark.parametrize("way", numbers.MAPS)
    def test_both_axes_have_one_scale(self, tested_regdb, way):
        where, words = numbers.plane(tested_regdb, way)
        assert where.shape == (len(numbers.points(tested_regdb).rows), 2)
        assert np.abs(where).max() == pytest.approx(1)
        assert words.startswith(way)

    def test_pca_orders_points_as_the_features_do(self, tested_regdb):
        where, _ = numbers.plane(tested_regdb)
        features = [tested_regdb.embedded[m].features for m in Modality]
        features = np.concatenate(features).astype(np.float64)
        u, s, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
        for axis in range(2):
            r = np.corrcoef(where[:, axis], u[:, axis] * s[axis])[0, 1]
            assert abs(r) == pytest.approx(1, abs=1e-5)

    def test_a_map_there_is_not(self, tested_regdb):
        with pytest.raises(ValueError, match="map 'UMAP'"):
            numbers.plane(tested_regdb, "UMAP")

    def test_right_is_the_scores(self, tested_regdb):
        of, lists = numbers.points(tested_regdb), Lists(tested_regdb, "v2t")
        verdict, hit = numbers.right(lists, of), nearest(tested_regdb)
        for k, row in enumerate(of.rows.tolist()):
            asked = of.streams[k] == 0
            assert verdict[k] == (int(hit[row]) if asked else -1)
        assert {0, 1, -1} == set(verdict.tolist())


class TestPictures:
    def test_they_are_the_banks_and_the_nets(self, tested_regdb):
        row = int(tested_regdb.rows(V)[3])
        stored = tested_regdb.setup.bank.pictures[row].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(numbers.picture(tested_regdb, row, V), stored)
        made = numbers.picture(tested_regdb, row, DV)
        assert (made.shape, made.dtype) == (stored.shape, np.uint8)
        assert (made != stored).any()

    def test_what_a_cell_does_not_make(self, tested_regdb, rival_regdb):
        row = int(rival_regdb.rows(V)[0])
        with pytest.raises(DeskError, match=r"no D_V and D_I.*bdlab train MDL4"):
            numbers.picture(rival_regdb, row, DV)
        with pytest.raises(DeskError, match="is visible: it has no DI"):
            numbers.picture(tested_regdb, row, DI)
        assert numbers.lacking(tested_regdb) == ""

    def test_a_likeness_adds_up_to_the_cosine(self, tested_regdb):
        v, i = (int(tested_regdb.rows(m)[2]) for m in BASE)
        panels = numbers.compare(tested_regdb, v, i)
        assert [p["stream"] for p in panels] == ["V", "DV", "I", "DI"]
        cosine = float(tested_regdb.feature(v) @ tested_regdb.feature(i))
        for panel in panels:
            assert np.sum(panel["values"]) == pytest.approx(panel["sum"], abs=2e-3)
        assert panels[0]["sum"] == pytest.approx(cosine, abs=1e-3)
        assert panels[2]["sum"] == pytest.approx(cosine, abs=1e-3)
        derived = tested_regdb.embedded[DV].features[2]
        wanted = float(derived @ tested_regdb.feature(i))
        assert panels[1]["sum"] == pytest.approx(wanted, abs=1e-3)


class TestLikenessAndCaptum:
    """The same network asked by captum, which knows nothing of ours: a reference of the tests
    alone. The score is the cosine similarity with the length of the feature held still, as an
    evidence map has it.
    """

    @pytest.fixture
    def attr(self):
        return pytest.importorskip("captum.attr", reason="pip install 'bdlab[test]'")

    def asked(self, tested):
        """For every panel of a pair: its values, its stream, pictures [1, 3, H, W], target [D]."""
        v, i = (int(tested.rows(m)[2]) for m in BASE)
        net, bank = tested.setup.net.eval(), tested.setup.bank.pictures
        for panel in numbers.compare(tested, v, i):
            row, stream = panel["row"], Modality(panel["stream"])
            x = pixels.normalise(bank[row : row + 1])
            if stream is not stream.parent:
                x = net.derive({stream.parent: x})[stream].detach()
            other = torch.from_numpy(tested.feature(i if row == v else v))
            yield np.array(panel["values"]), stream, x, other

    def shift(self, net):
        """What the neck adds to every feature, [D]."""
        neck = net.neck
        scale = neck.weight / torch.sqrt(neck.running_var + neck.eps)
        return (neck.bias - neck.running_mean * scale).detach()

    def test_gradient_times_activation_of_the_last_maps(self, tested_regdb, attr):
        """A block's share is its gradient times its activation in the trunk's last maps, and an
        equal part of what the neck adds.
        """
        net, seen = tested_regdb.setup.net, []
        for values, stream, x, other in self.asked(tested_regdb):
            with torch.no_grad():
                length = net.neck(net.pooled(net.stems[stream](x))).norm()

            def score(images, stream=stream, other=other, length=length):
                return net.neck(net.pooled(net.stems[stream](images))) @ other / length

            shares = attr.LayerGradientXActivation(score, net.trunk).attribute(x).sum(1)[0]
            added = float(self.shift(net) @ other / length) / values.size
            np.testing.assert_allclose(values, shares.detach() + added, atol=2e-5)
            seen.append(np.abs(values - shares.detach().numpy()).max())
        assert len(seen) == 4
        assert max(seen) > 1e-3, "the broken variant: without the neck's part it is another map"

    def test_what_is_lost_where_a_block_is_the_average_pictures(self, tested_regdb, attr):
        """The same map by taking blocks away, one at a time: each is replaced by what the neck
        moves to nought.
        """
        net = tested_regdb.setup.net
        neck = net.neck
        scale = (neck.weight / torch.sqrt(neck.running_var + neck.eps)).detach()
        nothing = -(self.shift(net) / scale).view(1, -1, 1, 1)
        for values, stream, x, other in self.asked(tested_regdb):
            with torch.no_grad():
                maps = net.trunk(net.stems[stream](x))
                length = net.neck(net.pool(maps).flatten(1)).norm()
            blocks = torch.arange(values.size).view(1, 1, *values.shape)

            def score(given, other=other, length=length):
                return net.neck(net.pool(given).flatten(1)) @ other / length

            with torch.no_grad():
                lost = attr.FeatureAblation(score).attribute(
                    maps, baselines=nothing.expand_as(maps), feature_mask=blocks
                )
            np.testing.assert_allclose(values, lost[0, 0], atol=2e-5)


class TestOpening:
    def test_a_cell_is_opened(self, cell, tested_regdb):
        (opened,) = numbers.open_cells([cell])
        assert numbers.title(opened) == "MDL4, seed 0"
        for m in Modality:
            features = tested_regdb.embedded[m].features
            np.testing.assert_allclose(opened.embedded[m].features, features, atol=1e-5)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(DeskError, match=r"gone: no such folder\. `bdlab status .*` lists"):
            numbers.open_cells([tmp_path / "gone"])

    def test_a_folder_that_is_no_cell(self, tmp_path):
        with pytest.raises(DeskError, match="no finished cell"):
            numbers.open_cells([tmp_path])

    def test_a_damaged_cell(self, cell, tmp_path):
        folder = tmp_path / "damaged"
        shutil.copytree(cell, folder)
        weights = bytearray((folder / "weights.pt").read_bytes())
        weights[len(weights) // 2] ^= 1
        (folder / "weights.pt").write_bytes(weights)
        with pytest.raises(DeskError, match=r"damaged.*run the cell again"):
            numbers.open_cells([folder])
        (folder / "result.json").write_text("{")
        with pytest.raises(DeskError, match="no finished cell"):
            numbers.open_cells([folder])

    def test_a_cell_whose_parameters_are_not_ours(self, cell, tmp_path):
        folder = tmp_path / "strange"
        shutil.copytree(cell, folder)
        result = json.loads((folder / "result.json").read_text())
        result["params"]["backbone"] = "resnet9000"
        runs.write_json(folder / "result.json", result)
        runs.write_json(folder / "params.json", result["params"])
        with pytest.raises(DeskError, match="resnet9000"):
            numbers.open_cells([folder])

    def test_two_data_sets_are_refused_by_name(self, tested_regdb, tested_sysu):
        words = r"MDL4, seed 0 was trained on synthetic-regdb.*synthetic-sysu.*one data set"
        with pytest.raises(DeskError, match=words) as refused:
            numbers.open_cells([tested_regdb, tested_sysu])
        assert len(str(refused.value)) < 300, "a sentence, not the cells themselves"

    def test_the_same_set_with_other_pictures(self, tested_regdb):
        """One record less is another set: rows would not mean the same picture."""
        dataset = tested_regdb.setup.dataset
        fewer = dataclasses.replace(dataset, records=dataset.records[:-1])
        other = dataclasses.replace(
            tested_regdb, setup=dataclasses.replace(tested_regdb.setup, dataset=fewer)
        )
        with pytest.raises(DeskError, match="one data set"):
            numbers.open_cells([tested_regdb, other])
