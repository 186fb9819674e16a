"""Options of the encoder-decoder: section ``model`` of a configuration with ``kind: seq2seq``."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from forecaster.models.architectures.forget_bias import GatedOptions, GatedStack
from forecaster.models.architectures.lstm import StackedLSTM
from forecaster.models.bounds import MAX_UNITS, Dropout, Rows
from forecaster.models.quantile.options import Units
from forecaster.models.search_values import Choices

__all__ = ["Seq2SeqOptions"]


class Seq2SeqOptions(GatedOptions):
    """Section ``model`` of a configuration with ``kind: seq2seq``.

    Attributes:
        architecture: The encoder.
    """

    architecture: ClassVar[GatedStack] = StackedLSTM()

    kind: Literal["seq2seq"] = "seq2seq"
    units: Units = (32,)
    decoder_units: Annotated[int, Field(ge=1, le=MAX_UNITS)] = 32
    decode_every: Rows = 8
    attention: Annotated[Literal["none", "luong", "bahdanau"], Choices(("none", "luong", "bahdanau"))] = "none"
    attention_rows: Rows = 32
    sampling_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    dropout: Dropout = 0.1
    location: Literal["never"] = "never"

    @model_validator(mode="after")
    def _decodes_from_several_rows(self) -> Self:
        if self.windows.supervision != "dense":
            raise ValueError(
                f"windows.supervision: seq2seq decodes from several rows of a chunk; got {self.windows.supervision}; "
                "use dense"
            )
        if self.windows.truncation:
            raise ValueError(
                "windows.truncation: seq2seq decodes from rows of a whole chunk; "
                f"got {self.windows.truncation}; use null, or the kind lstm, gru or rnn"
            )
        return self

    @property
    def memory_rows(self) -> int:
        """States of the encoder that the decoder attends to; all lie within the burn-in of the first scored row."""
        return 0 if self.attention == "none" else min(self.attention_rows, self.windows.burn_in)
