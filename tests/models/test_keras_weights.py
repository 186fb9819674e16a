import numpy as np
import pytest


def dense_network(seed: int) -> object:
    import keras

    from forecaster.models.keras_weights import Seeds

    seeds = Seeds(seed)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dropout(0.5, seed=seeds.next())(seeds.dense(4, "first")(inputs))
    return keras.Model(inputs, seeds.dense(2, "second")(hidden))


def test_weights_go_out_by_name_and_come_back() -> None:
    from forecaster.models.keras_weights import load_weights, named_weights

    source, target = dense_network(0), dense_network(1)
    arrays = named_weights(source)
    assert list(arrays) == ["first/kernel", "first/bias", "second/kernel", "second/bias"]
    assert (named_weights(target)["first/kernel"] != arrays["first/kernel"]).any()
    load_weights(target, arrays)
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(target(x)), np.asarray(source(x)))
    del arrays["second/bias"]
    with pytest.raises(KeyError, match="second/bias"):
        load_weights(target, arrays)


def test_a_seed_gives_the_same_weights_and_each_layer_its_own() -> None:
    from forecaster.models.keras_weights import Seeds, named_weights

    first, again = (named_weights(dense_network(7)) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)
    seeds = Seeds(7)
    assert len({seeds.next() for _ in range(20)}) == 20
