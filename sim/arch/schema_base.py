"""What all parts of the schema are made of: the strict base class and the types of single values."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.fields import FieldInfo

from sim.arch.units import BANDWIDTH, CLOCKS, CYCLES, DATA_RATE, FREQUENCY, SIZE, TIME, Dimension

#: Counts become 32-bit fields of the core's state.
_MOST = 2**31 - 1


class Part(BaseModel):
    """A group of keys. Unknown keys and values of another type are errors; a loaded part never changes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, validate_default=True)


def _schema_of(dimension: Dimension) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": dimension.pattern, "examples": [dimension.example]})


Size = Annotated[int, BeforeValidator(SIZE.parse), Field(ge=1), SIZE, _schema_of(SIZE)]
SizeOrZero = Annotated[int, BeforeValidator(SIZE.parse), Field(ge=0), SIZE, _schema_of(SIZE)]
Frequency = Annotated[int, BeforeValidator(FREQUENCY.parse), Field(ge=1), FREQUENCY, _schema_of(FREQUENCY)]
Cycles = Annotated[int, BeforeValidator(CYCLES.parse), Field(ge=0, le=_MOST), CYCLES, _schema_of(CYCLES)]
#: An interval or an occupancy: never 0, or a unit would accept any number of instructions per cycle.
Interval = Annotated[int, BeforeValidator(CYCLES.parse), Field(ge=1, le=_MOST), CYCLES, _schema_of(CYCLES)]
#: A correction, which may be negative.
Offset = Annotated[int, BeforeValidator(CYCLES.parse), Field(ge=-_MOST, le=_MOST), CYCLES, _schema_of(CYCLES)]
Bandwidth = Annotated[int, BeforeValidator(BANDWIDTH.parse), Field(ge=1), BANDWIDTH, _schema_of(BANDWIDTH)]
DataRate = Annotated[int, BeforeValidator(DATA_RATE.parse), Field(ge=1), DATA_RATE, _schema_of(DATA_RATE)]
Time = Annotated[int, BeforeValidator(TIME.parse), Field(ge=1), TIME, _schema_of(TIME)]
Clocks = Annotated[int, BeforeValidator(CLOCKS.parse), Field(ge=1, le=_MOST), CLOCKS, _schema_of(CLOCKS)]
Count = Annotated[int, Field(ge=1, le=_MOST)]
CountOrZero = Annotated[int, Field(ge=0, le=_MOST)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Label = Annotated[str, Field(min_length=1)]


def part_of(field: FieldInfo) -> type[Part] | None:
    """The group behind a key, which may be left out, or None if the key holds a value."""
    choices = get_args(field.annotation)
    for kind in choices if type(None) in choices else (field.annotation,):
        if isinstance(kind, type) and issubclass(kind, Part):
            return kind
    return None


def is_map(field: FieldInfo) -> bool:
    """Whether the key is a group whose own keys are free, such as opcodes."""
    return get_origin(field.annotation) is dict


def keys(part: type[Part], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of the schema as a dotted path with its declaration, groups before what they hold."""
    for name, field in part.model_fields.items():
        path = f"{prefix}{name}"
        yield path, field
        inner = part_of(field)
        if inner is not None:
            yield from keys(inner, path + ".")


def dimension_of(field: FieldInfo) -> Dimension | None:
    """The dimension of a key's value (of its items, for a list), or None for plain numbers and names."""
    candidates: list[Any] = list(field.metadata)
    for item in get_args(field.annotation):
        candidates += get_args(item)
    return next((item for item in candidates if isinstance(item, Dimension)), None)
