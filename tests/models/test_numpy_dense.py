import numpy as np
import pytest

from forecaster.models.numpy_dense import dense


@pytest.mark.parametrize("shape", [(8, 128), (32, 32), (32, 4), (50, 200), (1, 3)])
def test_a_row_of_a_product_has_the_same_bits_alone_and_among_others(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    x, kernel, bias = (rng.normal(size=one).astype(np.float32) for one in ((300, shape[0]), shape, shape[1:]))
    together = dense(x, kernel, bias)
    np.testing.assert_allclose(together, x @ kernel + bias, atol=1e-4)
    chosen = np.array([299, 0, 1, 63, 64, 65, 7, 255, 256, 256])
    np.testing.assert_array_equal(dense(x[chosen], kernel, bias, chosen), together[chosen])
    for row in chosen:
        np.testing.assert_array_equal(dense(x[[row]], kernel, bias, np.array([row]))[0], together[row])
        np.testing.assert_array_equal(dense(x[: row + 1], kernel, bias), together[: row + 1])


def test_no_row_gives_no_row() -> None:
    none = np.empty(0, np.intp)
    assert dense(np.empty((0, 2), np.float32), np.ones((2, 3), np.float32), np.ones(3), none).shape == (0, 3)
