"""The GRU: a fit, its weights, and what it shares with every quantile forecaster."""

from types import SimpleNamespace

import numpy as np

from forecaster.data.series import Panel
from forecaster.models.architectures.gru import GRU, GRUOptions


def test_a_gru_learns_forecasts_and_comes_back_from_its_arrays(helpers: SimpleNamespace, panel: Panel) -> None:
    model = GRU(helpers.options_of(GRUOptions, "dense", units=(4, 3)), 20)
    fitted = model.fit(helpers.request_of(panel))
    assert fitted.report.parity is None
    weights = (name for name in fitted.arrays() if name.startswith(("gru", "head/spread", "head/location")))
    assert fitted.report.parameters == sum(fitted.arrays()[name].size for name in weights)
    assert {name for name in fitted.arrays() if name.startswith("gru")} == {
        f"gru_{layer}/gru_cell/{part}" for layer in (0, 1) for part in ("kernel", "recurrent_kernel", "bias")
    }
    assert fitted.report.curve[-1]["loss"] < fitted.report.curve[0]["loss"] * 1.5
    rows = np.array([300, 899])
    made = fitted.forecast(panel["USDJPY"], rows)
    assert (made.model, made.scaled.shape) == ("gru", (2, 4, 9))
    assert (np.diff(made.scaled, axis=-1) > 0).all()
    again = model.restore(fitted.arrays(), fitted.report).forecast(panel["USDJPY"], rows)
    np.testing.assert_array_equal(again.scaled, made.scaled)
