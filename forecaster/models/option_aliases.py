"""Names that other programs give to the options of a training -> keys of the configuration.

The messages about an unknown key or flag read this table; no alias is accepted in place of its key.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

__all__ = [
    "EXAMPLE_VALUES",
    "KEY_ALIASES",
    "KIND_ALIASES",
    "REQUIRED_SETTINGS",
    "UNITS_OF_KEYS",
    "key_among",
    "keys_like",
]

_NAMES = {
    "model.training.steps": "epochs epoch iterations iters training_steps max_epochs num_epochs n_epochs max_steps",
    "model.training.learning_rate": "lr learning_rate learningrate rate",
    "model.training.batch_size": "batch batch_size batchsize bs",
    "model.training.weight_decay": "weight_decay decay l2 regularization",
    "model.training.clip_norm": "clip_norm clip gradient_clip grad_clip clipnorm gradient_clip_val max_grad_norm",
    "model.training.clip_value": "clip_value clipvalue gradient_clip_value",
    "model.training.global_clip_norm": "global_clip_norm global_clipnorm clip_by_global_norm",
    "model.training.patience": "patience early_stopping earlystopping early_stop",
    "model.training.optimizer": "optimizer optimiser optim opt",
    "model.training.schedule": "schedule scheduler lr_schedule lr_scheduler learning_rate_schedule",
    "model.training.loss": "loss loss_function criterion",
    "members": "ensemble n_members num_members ensemble_size n_models",
    "model.windows.context_length": (
        "window window_size lookback look_back seq_len sequence_length timesteps time_steps context context_length"
    ),
    "model.windows.truncation": "tbptt tbptt_steps truncated_bptt_steps bptt bptt_steps stateful backpropagation_steps",
    "model.forget_bias": "unit_forget_bias forget_gate_bias chrono chrono_init bias_initializer",
    "model.units": (
        "layers num_layers n_layers hidden hidden_size hidden_units hidden_dim hidden_layers neurons cells lstm_units"
    ),
    "model.activation": "activation_function nonlinearity act",
    "model.recurrent_dropout": "rnn_dropout recurrent_dropout_rate",
    "model.layer_norm": "layernorm layer_normalization layer_normalisation normalization normalisation norm",
    "model.residual": "skip skip_connections residual_connections residuals",
    "model.scaler": "scaling scale normalize normalise standardize standardise",
    "model.features": "indicators",
    "split.test_rows": "test_size test_split test split train_size train_split test_days test_years",
    "split.validation_rows": "validation validation_size validation_split val_size val_split val",
    "seed": "random_state random_seed",
}

KEY_ALIASES: Mapping[str, str] = MappingProxyType(
    {name: key for key, names in _NAMES.items() for name in names.split()}
)
"""Name, in lower case with underscores -> key of the configuration."""

_COUNTERPARTS = {"model.training.steps": "model.epochs", "model.windows.context_length": "model.context_length"}


def key_among(keys: Collection[str], key: str) -> str | None:
    """The key among `keys` of one kind of model that has the meaning of `key`, a value of `KEY_ALIASES`.

    >>> key_among(["model.epochs", "model.optimizer"], "model.training.optimizer")
    'model.optimizer'
    """
    return next((name for name in keys_like(key) if name in keys), None)


def keys_like(key: str) -> list[str]:
    """A key and those that have its meaning for other kinds of models.

    >>> keys_like("model.training.steps")
    ['model.training.steps', 'model.epochs', 'model.steps']
    """
    return [key, *filter(None, [_COUNTERPARTS.get(key)]), f"model.{key.rpartition('.')[2]}"]


KIND_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        name: kind
        for kind, names in {
            "rnn": "simple_rnn simplernn vanilla_rnn elman",
            "bilstm": "bidirectional bi_lstm bi-lstm blstm bidirectional_lstm",
            "transformer": "attention self_attention",
            "linear": "dlinear nlinear",
            "seq2seq": "encoder_decoder encoder-decoder sequence_to_sequence",
        }.items()
        for name in names.split()
    }
)
"""Name of a kind of network in other programs -> the kind."""

_OTHER_UNITS = {
    ("model.training.steps", "batches, not passes over the rows"): "epochs epoch max_epochs num_epochs n_epochs",
    ("split.test_rows", "rows, not a share"): "test_size test_split train_size train_split test train split",
    (
        "split.validation_rows",
        "rows, not a share",
    ): "validation validation_size validation_split val_size val_split val",
}

UNITS_OF_KEYS: Mapping[tuple[str, str], str] = MappingProxyType(
    {(name, key): unit for (key, unit), names in _OTHER_UNITS.items() for name in names.split()}
)
"""Name in other programs and key -> unit of the key, where a value under that name has another one."""

EXAMPLE_VALUES: Mapping[str, str] = MappingProxyType(
    {
        "model.training.steps": "200",
        "model.training.learning_rate": "0.004",
        "model.training.batch_size": "16",
        "model.training.weight_decay": "0.02",
        "model.training.clip_norm": "1.0",
        "model.training.clip_value": "0.5",
        "model.training.global_clip_norm": "1.0",
        "model.training.patience": "3",
        "model.training.optimizer": "adam",
        "model.training.schedule": "cosine",
        "model.training.loss": "pinball",
        "members": "5",
        "model.windows.context_length": "128",
        "model.windows.truncation": "128",
        "model.forget_bias": "chrono",
        "model.units": "32,32",
        "model.activation": "tanh",
        "model.attention": "luong",
        "model.recurrent_dropout": "0.2",
        "model.layer_norm": "true",
        "model.residual": "true",
        "data.start": "2010-01-04",
        "data.end": "2025-06-30",
        "split.test_rows": "750",
        "split.validation_rows": "500",
    }
)
"""Key -> a value for it in a message."""

REQUIRED_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"model.windows.context_length": "model.windows.supervision=last"}
)
"""Key -> the assignment without which it has no effect."""
