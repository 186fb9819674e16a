"""Names of all models and the homes of their classes; it imports nothing, because a shell waits for the names."""

__all__ = ["BASELINE_NAMES", "MODELS", "NETWORK_NAMES"]

MODELS = {
    "classic": "forecaster.models.classic:Classic",
    "lstm": "forecaster.models.architectures.lstm:LSTM",
    "gru": "forecaster.models.architectures.gru:GRU",
    "rnn": "forecaster.models.architectures.rnn:RNN",
    "bilstm": "forecaster.models.architectures.bilstm:BiLSTM",
    "transformer": "forecaster.models.architectures.transformer:Transformer",
    "linear": "forecaster.models.architectures.linear:Linear",
    "seq2seq": "forecaster.models.seq2seq.forecaster:Seq2Seq",
    "ensemble": "forecaster.models.ensemble_of_kinds:EnsembleOfKinds",
    "combination": "forecaster.models.baselines.combination:Combination",
    "ewma": "forecaster.models.baselines.ewma:EWMA",
    "ewma_t": "forecaster.models.baselines.ewma_t:EWMAT",
    "fhs": "forecaster.models.baselines.fhs:FHS",
    "garch": "forecaster.models.baselines.garch:GARCH",
    "gjr_garch": "forecaster.models.baselines.gjr_garch:GJRGARCH",
    "gjr_garch_skewt": "forecaster.models.baselines.gjr_garch_skewt:GJRGARCHSkewT",
    "har": "forecaster.models.baselines.har:HAR",
    "panel_har": "forecaster.models.baselines.panel_har:PanelHAR",
    "random_walk": "forecaster.models.baselines.random_walk:RandomWalk",
    "random_walk_constant": "forecaster.models.baselines.random_walk:RandomWalkConstant",
    "ridge": "forecaster.models.baselines.ridge:Ridge",
}
"""Name in configurations, tables and JSON -> module and class, imported on first use."""

BASELINE_NAMES = tuple(name for name, home in MODELS.items() if home.startswith("forecaster.models.baselines."))
"""Models without a network."""

NETWORK_NAMES = tuple(name for name in MODELS if name not in BASELINE_NAMES)
"""Models that `train` can fit."""
