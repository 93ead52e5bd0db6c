"""Dice and detection: worked by hand, against MONAI and scikit-learn, and for any label maps."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from lcgan_core import metrics
from lcgan_core.errors import UserError
from lcgan_core.metrics import Overlap, overlap

NAN = math.nan
CLASSES = pytest.mark.parametrize("classes", [1, 2, 5, 7, 15])


def random_maps(n=8, size=40, seed=0, classes=5):
    """Blocky label maps that overlap in part; the last image has no lesion in either."""
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, classes + 1, (2, n, size // 8, size // 8))
    maps *= rng.integers(0, 2, (2, n, 1, 1))
    maps = maps.repeat(8, 2).repeat(8, 3).astype(np.uint8)
    agreement = rng.choice([0, 0.1, 0.6], (n, 1, 1))
    maps[1] = np.where(rng.random((n, size, size)) < agreement, maps[0], maps[1])
    maps[:, -1] = 0
    return maps


def row(*labels):
    """One image of one row."""
    return np.array([[labels]], np.uint8)


def images_of(*rows):
    return np.concatenate([row(*labels) for labels in rows])


# By hand


def test_worked_case_of_every_dice():
    #                     S: IPH 2, IVH 1 (of 2)   nothing found        only invented
    prediction = images_of((1, 1, 0, 2, 0, 0), (0, 0, 0, 0, 0, 0), (0, 0, 3, 3, 0, 0))
    truth = images_of((1, 1, 1, 2, 2, 0), (1, 0, 0, 0, 0, 0), (0, 0, 0, 0, 5, 0))
    counts = overlap(prediction, truth)
    assert counts.intersection.tolist() == [[2, 1, 0, 0, 0], [0] * 5, [0] * 5]
    assert counts.predicted.tolist() == [[2, 1, 0, 0, 0], [0] * 5, [0, 0, 2, 0, 0]]
    assert counts.truth.tolist() == [[3, 2, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(counts.dice_image(), [6 / 8, 0, 0])
    np.testing.assert_allclose(
        counts.dice_instance(),
        [[4 / 5, 2 / 3, NAN, NAN, NAN], [0, NAN, NAN, NAN, NAN], [NAN, NAN, NAN, NAN, 0]],
    )
    np.testing.assert_allclose(
        counts.dice_instance_strict(),
        [[4 / 5, 2 / 3, NAN, NAN, NAN], [0, NAN, NAN, NAN, NAN], [NAN, NAN, 0, NAN, 0]],
    )
    # The missed IPH counts for pooled and instance Dice, not for the detected one.
    np.testing.assert_allclose(counts.dice_class_detected(), [4 / 5, 2 / 3, NAN, NAN, NAN])
    np.testing.assert_allclose(counts.dice_class_pooled(), [4 / 6, 2 / 3, 0, NAN, 0])
    np.testing.assert_allclose(metrics.dice_foreground(prediction, truth), [6 / 8, 0, 0])


def test_worked_case_of_two_classes():
    prediction, truth = images_of((1, 1, 0, 2), (0, 0, 2, 2)), images_of((1, 1, 1, 2), (1, 0, 0, 0))
    counts = overlap(prediction, truth, classes=2)
    assert counts.intersection.tolist() == [[2, 1], [0, 0]]
    assert counts.predicted.tolist() == [[2, 1], [0, 2]]
    assert counts.truth.tolist() == [[3, 1], [1, 0]]
    np.testing.assert_allclose(metrics.dice_image(prediction, truth, classes=2), [6 / 7, 0])
    instance = metrics.dice_instance(prediction, truth, classes=2)
    np.testing.assert_allclose(instance, [[4 / 5, 1], [0, NAN]])
    pooled = metrics.dice_class_pooled(prediction, truth, classes=2)
    np.testing.assert_allclose(pooled, [4 / 6, 2 / 4])


def test_one_class_is_lesion_against_background():
    prediction, truth = images_of((1, 1, 0, 0), (0, 0, 0, 0)), images_of((1, 0, 0, 1), (0, 1, 0, 0))
    for dice in (metrics.dice_image, metrics.dice_foreground):
        assert dice(prediction, truth, classes=1).tolist() == [0.5, 0]
    assert metrics.dice_instance(prediction, truth, classes=1).tolist() == [[0.5], [0]]
    result = metrics.detection(prediction, truth, classes=1)
    assert (result.true_positives, result.false_positives, result.false_negatives) == (1, 0, 1)


def test_the_highest_of_fifteen_labels_is_counted():
    """Its code, 15 predicted and 15 true, is the last one that fits a byte."""
    whole = np.full((1, 3, 4), 15, np.uint8)
    counts = overlap(whole, whole, classes=15)
    assert counts.intersection.tolist() == [[0] * 14 + [12]]
    assert counts.truth.sum() == counts.predicted.sum() == 12


def test_confused_classes_overlap_only_as_foreground():
    prediction, truth = row(1, 1, 0), row(2, 2, 0)
    assert metrics.dice_image(prediction, truth).tolist() == [0]
    assert metrics.dice_foreground(prediction, truth).tolist() == [1]


def test_empty_truth_and_prediction_are_undefined():
    empty = row(0, 0, 0)
    for name in ("dice_image", "dice_instance", "dice_class_detected", "dice_class_pooled"):
        assert np.isnan(getattr(metrics, name)(empty, empty)).all()
    assert np.isnan(metrics.dice_foreground(empty, empty)).all()
    result = metrics.detection(empty, empty)
    assert math.isnan(result.precision) and math.isnan(result.recall)


def test_background_only_prediction_misses_everything():
    prediction, truth = row(0, 0, 0), row(0, 4, 4)
    assert metrics.dice_image(prediction, truth).tolist() == [0]
    result = metrics.detection(prediction, truth)
    assert (result.true_positives, result.false_positives, result.false_negatives) == (0, 0, 1)
    assert math.isnan(result.precision) and result.recall == 0


@pytest.mark.parametrize(("area", "false_positives"), [(199, 0), (200, 1)])
def test_an_invented_lesion_counts_from_200_pixels(area, false_positives):
    prediction = np.zeros((1, 20, 20), np.uint8)
    prediction.flat[:area] = 5
    assert metrics.detection(prediction, 0 * prediction).false_positives == false_positives


@pytest.mark.parametrize(("hit", "found"), [(1, 0), (2, 1)])
def test_a_lesion_is_found_from_dice_one_quarter(hit, found):
    # Dice 2 * hit / (8 + 8): 1/8, then exactly 1/4.
    prediction, truth = np.zeros((2, 1, 4, 8), np.uint8)
    truth[0, 0], prediction[0, 1] = 3, 3
    prediction[0, 0, :hit], prediction[0, 1, :hit] = 3, 0
    result = metrics.detection(prediction, truth)
    assert (result.true_positives, result.false_negatives) == (found, 1 - found)
    assert result.false_positives == 0, "a poor hit is missed, not invented"


def test_detection_by_hand_over_images_and_classes():
    prediction, truth = np.zeros((2, 2, 20, 20), np.uint8)
    truth[0, :5], prediction[0, :5] = 1, 1  # found
    truth[0, 5:10], prediction[0, 12:] = 2, 2  # missed, though 160 of its class lie elsewhere
    prediction[1, :10] = 4  # invented, 200 pixels
    prediction[1, 10:19] = 5  # invented, 180 pixels: noise
    result = metrics.detection(prediction, truth)
    assert (result.true_positives, result.false_positives, result.false_negatives) == (1, 1, 1)
    assert result.precision == result.recall == 0.5
    assert metrics.detection(prediction, truth, min_area=180).false_positives == 2
    of_epidural = overlap(prediction, truth)[:, [3]].detection()
    assert (of_epidural.false_positives, of_epidural.false_negatives) == (1, 0)


# Against others


@CLASSES
def test_instance_and_image_dice_equal_monai(classes):
    # it imports all of itself, which every worker would do to collect this file
    from monai.metrics import DiceMetric
    from monai.networks.utils import one_hot

    prediction, truth = random_maps(classes=classes)
    hot = [
        one_hot(torch.tensor(labels[:, None].astype(int)), classes + 1)
        for labels in (prediction, truth)
    ]
    theirs = DiceMetric(include_background=False, reduction="none", ignore_empty=True)(*hot)
    ours = metrics.dice_instance(prediction, truth, classes=classes)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    # Eq. 2 over (pixel, class) pairs: the classes laid side by side are one binary image.
    flat = [x[:, 1:].flatten(1)[:, None, None] for x in hot]
    theirs = DiceMetric(reduction="none", ignore_empty=False)(*flat)[:, 0]
    ours = metrics.dice_image(prediction, truth, classes=classes)
    np.testing.assert_allclose(ours[:-1], theirs[:-1], rtol=1e-6)
    assert np.isnan(ours[-1])


@CLASSES
def test_pooled_and_foreground_dice_equal_scikit_learn(classes):
    prediction, truth = random_maps(classes=classes)
    labels = range(1, classes + 1)
    theirs = f1_score(truth.ravel(), prediction.ravel(), labels=labels, average=None)
    ours = metrics.dice_class_pooled(prediction, truth, classes=classes)
    np.testing.assert_allclose(ours, theirs)
    foreground = metrics.dice_foreground(prediction, truth, classes=classes)
    for ours, s, g in zip(foreground[:-1], prediction, truth, strict=False):
        assert ours == pytest.approx(f1_score(g.ravel() > 0, s.ravel() > 0))


@CLASSES
def test_counts_equal_scikit_learns_confusion_matrix(classes):
    prediction, truth = random_maps(n=70, classes=classes)  # more than one chunk
    counts = overlap(prediction, truth, classes)
    assert counts.truth.shape == (70, classes)
    for i in (0, 5, 63, 64, 69):
        labels = range(classes + 1)
        matrix = confusion_matrix(truth[i].ravel(), prediction[i].ravel(), labels=labels)
        np.testing.assert_array_equal(counts.intersection[i], matrix.diagonal()[1:])
        np.testing.assert_array_equal(counts.predicted[i], matrix.sum(0)[1:])
        np.testing.assert_array_equal(counts.truth[i], matrix.sum(1)[1:])


@CLASSES
def test_detection_equals_scikit_learn_on_pairs(classes):
    """Pairs with a poor hit are no prediction, as small inventions are none."""
    prediction, truth = random_maps(n=40, classes=classes)
    in_truth, detected = [], []
    for s, g in zip(prediction, truth, strict=True):
        for label in range(1, classes + 1):
            present = bool((g == label).any())
            dice = f1_score((g == label).ravel(), (s == label).ravel(), zero_division=0)
            in_truth.append(present)
            detected.append(dice >= 0.25 if present else (s == label).sum() >= 100)
    result = metrics.detection(prediction, truth, min_area=100, classes=classes)
    assert min(result.true_positives, result.false_positives, result.false_negatives) > 0
    assert result.precision == precision_score(in_truth, detected)
    assert result.recall == recall_score(in_truth, detected)


@CLASSES
def test_detected_dice_is_a_mean_of_scikit_learns_over_found_instances(classes):
    prediction, truth = random_maps(n=40, classes=classes)
    expected = []
    for label in range(1, classes + 1):
        masks = zip(
            prediction.reshape(40, -1) == label, truth.reshape(40, -1) == label, strict=True
        )
        found = [f1_score(g, s) for s, g in masks if (s & g).any()]
        expected.append(np.mean(found))
    ours = metrics.dice_class_detected(prediction, truth, classes=classes)
    np.testing.assert_allclose(ours, expected)


# For any label maps

pairs = st.tuples(st.integers(1, 4), st.integers(1, 15)).flatmap(
    lambda size: st.tuples(
        *2 * [arrays(np.uint8, (size[0], 4, 5), elements=st.integers(0, size[1]))],
        st.just(size[1]),
    )
)
FUNCTIONS = ("dice_image", "dice_instance", "dice_class_detected", "dice_class_pooled")


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_range_and_perfection(maps):
    prediction, truth, classes = maps
    for name in FUNCTIONS:
        dice = getattr(metrics, name)(prediction, truth, classes=classes)
        assert ((dice >= 0) & (dice <= 1) | np.isnan(dice)).all()
        perfect = getattr(metrics, name)(truth, truth, classes=classes)
        assert ((perfect == 1) | np.isnan(perfect)).all()
    result = metrics.detection(truth, truth, classes=classes)
    assert result.false_positives == result.false_negatives == 0
    labels = range(1, classes + 1)
    pairs_in_truth = sum(int((image == label).any()) for image in truth for label in labels)
    assert result.true_positives == pairs_in_truth


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_symmetry_and_order_of_images(maps):
    prediction, truth, classes = maps
    for name in ("dice_image", "dice_class_detected", "dice_class_pooled"):
        function = getattr(metrics, name)
        one = function(prediction, truth, classes=classes)
        np.testing.assert_array_equal(one, function(truth, prediction, classes=classes))
    backwards = overlap(prediction[::-1], truth[::-1], classes)
    counts = overlap(prediction, truth, classes)
    np.testing.assert_array_equal(backwards.dice_instance(), counts.dice_instance()[::-1])
    np.testing.assert_allclose(backwards.dice_class_detected(), counts.dice_class_detected())
    assert backwards.detection(1) == counts.detection(1)


@settings(max_examples=20, deadline=None)
@given(pairs)
def test_classes_that_no_map_holds_change_nothing_but_the_width(maps):
    prediction, truth, classes = maps
    wide, narrow = overlap(prediction, truth, 15), overlap(prediction, truth, classes)
    np.testing.assert_array_equal(wide.intersection[:, :classes], narrow.intersection)
    assert wide.predicted[:, classes:].sum() == wide.truth[:, classes:].sum() == 0
    np.testing.assert_array_equal(wide.dice_image(), narrow.dice_image())
    assert wide.detection(1) == narrow.detection(1)


@settings(max_examples=20, deadline=None)
@given(pairs)
def test_finding_more_of_the_truth_never_hurts(maps):
    prediction, truth, classes = maps
    better = prediction.copy()
    wrong = np.argwhere(prediction != truth)
    if len(wrong):
        better[tuple(wrong[0])] = truth[tuple(wrong[0])]
    before, after = (metrics.dice_image(p, truth, classes=classes) for p in (prediction, better))
    assert ((after >= before) | np.isnan(after)).all()


# Kinds, indexing, errors


def test_array_in_array_out_tensor_in_tensor_out():
    prediction, truth = random_maps()
    tensors = torch.tensor(prediction), torch.tensor(truth)
    for name in (*FUNCTIONS, "dice_foreground"):
        ours = getattr(metrics, name)(prediction, truth)
        theirs = getattr(metrics, name)(*tensors)
        assert isinstance(ours, np.ndarray) and isinstance(theirs, torch.Tensor)
        assert ours.dtype == np.float64 and theirs.dtype == torch.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    assert metrics.detection(prediction, truth) == metrics.detection(*tensors)
    assert overlap(*tensors).intersection.dtype == torch.int64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@CLASSES
def test_gpu_equals_cpu(classes):
    prediction, truth = random_maps(classes=classes)
    gpu = [torch.tensor(x).cuda() for x in (prediction, truth)]
    for name in (*FUNCTIONS, "dice_foreground"):
        result = getattr(metrics, name)(*gpu, classes=classes)
        assert result.is_cuda
        expected = getattr(metrics, name)(prediction, truth, classes=classes)
        np.testing.assert_allclose(result.cpu(), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int32", "int64"])
def test_any_integer_dtype(dtype):
    maps = np.minimum(random_maps(), 1).astype(dtype)
    expected = overlap(*maps.astype(np.uint8)).dice_image()
    np.testing.assert_array_equal(overlap(*maps).dice_image(), expected)


def test_read_only_arrays():
    prediction, truth = random_maps()
    prediction.flags.writeable = False
    assert overlap(prediction, truth).truth.shape == (8, 5)


def test_resampling_and_concatenation():
    prediction, truth = random_maps()
    counts = overlap(prediction, truth)
    taken = np.array([3, 3, 0, 7])
    np.testing.assert_array_equal(
        counts[taken].dice_class_detected(),
        metrics.dice_class_detected(prediction[taken], truth[taken]),
    )
    whole = Overlap.concatenate([counts[:3], counts[3:]])
    np.testing.assert_array_equal(whole.intersection, counts.intersection)
    assert whole.detection() == counts.detection()
    tensors = overlap(torch.tensor(prediction), torch.tensor(truth))
    assert Overlap.concatenate([tensors, tensors]).truth.shape == (16, 5)


def test_no_images():
    counts = overlap(*np.zeros((2, 0, 4, 4), np.uint8))
    assert counts.truth.shape == (0, 5)
    assert np.isnan(counts.dice_class_pooled()).all()


@pytest.mark.parametrize(
    ("prediction", "truth", "words"),
    [
        (np.zeros((1, 4, 4), int), np.zeros((1, 4, 5), int), "one shape"),
        (np.zeros((4, 4), int), np.zeros((4, 4), int), r"of a single map its \[None\]"),
        (np.zeros((1, 5, 4, 4), int), np.zeros((1, 5, 4, 4), int), "of one-hot maps the argmax"),
        (np.full((1, 4, 4), 6), np.zeros((1, 4, 4), int), "The prediction contains"),
        (np.zeros((1, 4, 4), int), np.full((1, 4, 4), -1), "The truth contains"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 4), int), "integers 0..5"),
    ],
)
def test_what_is_no_label_map_is_refused(prediction, truth, words):
    for kind in (np.asarray, torch.as_tensor):
        with pytest.raises(UserError, match=words):
            overlap(kind(prediction), kind(truth))
        with pytest.raises(UserError, match=words):
            metrics.dice_foreground(kind(prediction), kind(truth))


def test_what_is_no_array_is_refused():
    with pytest.raises(UserError, match="The truth is a list; give a NumPy array or a tensor"):
        metrics.dice_image(np.zeros((1, 4, 4), int), [[[0]]])


@pytest.mark.parametrize("classes", [1, 2, 14])
def test_a_label_above_the_classes_is_refused(classes):
    maps = random_maps(classes=classes + 1)
    overlap(*maps, classes + 1)
    with pytest.raises(UserError, match=rf"integers 0\.\.{classes};"):
        overlap(*maps, classes)


@pytest.mark.parametrize("classes", [-1, 0, 16])
def test_a_number_of_classes_that_cannot_be_counted_is_refused(classes):
    with pytest.raises(UserError, match="1 to 15 classes"):
        metrics.dice_image(row(0), row(0), classes=classes)
