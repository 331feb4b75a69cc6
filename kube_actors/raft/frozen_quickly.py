"""Frozen attrs classes with slots that are as cheap to make as ones that can be changed.

The ``__init__`` that attrs writes for a frozen class calls ``object.__setattr__`` once per field.
Messages and Readys are made by the hundred thousand, so ``quickly`` writes another: the new
object is of a twin class without the guard while its fields are stored, and of its own class from
then on. Nobody else can hold it in between. Everything but ``__init__`` stays as attrs made it.
"""

from typing import Any, Final, TypeVar

import attrs

C = TypeVar("C", bound=type)

_SET_CLASS: Final = vars(object)["__class__"].__set__


def quickly(cls: C) -> C:
    """Give a frozen attrs class with slots a quick ``__init__`` of the same signature.

    Worth it from four fields on. Raises TypeError for a class whose fields need more than to be
    stored (a converter, a validator, a default that is made anew), or that has a base.
    """
    fields = attrs.fields(cls)
    names: dict[str, Any] = {"set_class": _SET_CLASS, "own": cls}
    parameters = []
    for field in fields:
        makes_anew = isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
        if makes_anew or field.converter or field.validator or not field.init or field.kw_only:
            raise TypeError(f"{cls.__name__}.{field.name} needs more than to be stored")
        if field.default is attrs.NOTHING:
            parameters.append(field.name)
        else:
            names[f"default_{field.name}"] = field.default
            parameters.append(f"{field.name}=default_{field.name}")
    if cls.__bases__ != (object,) or hasattr(cls, "__attrs_post_init__"):
        raise TypeError(f"{cls.__name__} has a base, or does something after its fields are set")
    names["twin"] = type(
        cls.__name__,
        (cls,),
        {
            "__slots__": (),
            "__setattr__": object.__setattr__,
            "__delattr__": object.__delattr__,
        },
    )
    lines = [
        f"def __init__(self, {', '.join(parameters)}):",
        "    set_class(self, twin)",
        *(f"    self.{field.name} = {field.name}" for field in fields),
        "    self.__class__ = own",
    ]
    exec(compile("\n".join(lines), f"<quick {cls.__name__}>", "exec"), names)
    made = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = cls.__init__.__annotations__  # type: ignore[misc]
    cls.__init__ = made  # type: ignore[misc]
    return cls
