"""Un champ lu à son premier usage : une table que rien ne demande ne coûte ni temps ni mémoire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

_SANS_DEFAUT: Any = object()
_T = TypeVar("_T")


class AuBesoin(Generic[_T]):
    """Champ d'une dataclass donné tel quel, ou par la fonction sans argument qui le lira une fois.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Livre:
    ...     pages: AuBesoin[list] = AuBesoin()
    >>> livre = Livre(lambda: [print("lu"), 1][1:])
    >>> livre.pages, livre.pages
    lu
    ([1], [1])
    """

    def __init__(self, defaut: _T | Callable[[], _T] = _SANS_DEFAUT) -> None:
        self._defaut = defaut

    def __set_name__(self, classe: type, nom: str) -> None:
        self._nom = nom

    def __get__(self, objet: Any, classe: type | None = None) -> _T:
        if objet is None:
            # La dataclass demande ainsi la valeur par défaut du champ.
            if self._defaut is _SANS_DEFAUT:
                raise AttributeError(self._nom)
            return self._defaut  # type: ignore[return-value]
        if self._nom not in vars(objet):
            raise AttributeError(self._nom)
        valeur = vars(objet)[self._nom]
        if callable(valeur):
            valeur = vars(objet)[self._nom] = valeur()
        return valeur

    def __set__(self, objet: Any, valeur: _T | Callable[[], _T]) -> None:
        vars(objet)[self._nom] = valeur
