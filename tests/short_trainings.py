"""Settings of trainings that take a second; tests that share them share compiled programs."""

SMALL_NETWORK = ("--set", "model.training.steps=10", "--set", "model.units=[6]", "--backend", "jax")
TINY = ("--universe", "none", *SMALL_NETWORK)
TINY_CLASSIC = (
    *("--config", "sine", "--set", "model.epochs=1", "--set", "model.units=[4]", "--set", "data.options.rows=500"),
    *("--horizon", "5", "--backend", "jax"),
)
