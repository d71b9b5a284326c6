"""L'analyseur d'arguments : celui de Python, en français, qui se plaint par une DemandeFausse."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from cafdiag.erreurs import DemandeFausse

# Les phrases d'argparse que l'on peut rencontrer ici, avant qu'il n'y mette ses valeurs.
_PHRASES = {
    "usage: ": "usage : ",
    "positional arguments": "arguments ",
    "options": "options ",
    "show this help message and exit": "affiche cette aide",
    "argument %(argument_name)s: %(message)s": "argument %(argument_name)s : %(message)s",
    "unknown parser %(parser_name)r (choices: %(choices)s)": (
        "commande inconnue : « %(parser_name)s » (au choix : %(choices)s)"
    ),
    "invalid choice: %(value)r (choose from %(choices)s)": (
        "choix inconnu : « %(value)s » (au choix : %(choices)s)"
    ),
    "invalid %(type)s value: %(value)r": "nombre entier attendu, pas « %(value)s »",
    "the following arguments are required: %s": "il manque : %s",
    "one of the arguments %s is required": "il manque une option parmi : %s",
    "unrecognized arguments: %s": "options inconnues : %s",
    "not allowed with argument %s": "incompatible avec %s",
    "ignored explicit argument %r": "n'attend pas de valeur (%r)",
    "expected one argument": "une valeur est attendue",
    "expected at most one argument": "une valeur au plus est attendue",
    "expected at least one argument": "au moins une valeur est attendue",
    "expected %s argument": "%s valeur est attendue",
    "expected %s arguments": "%s valeurs sont attendues",
    "ambiguous option: %(option)s could match %(matches)s": (
        "option abrégée ambiguë : %(option)s (au choix : %(matches)s)"
    ),
}


def _traduire(phrase: str) -> str:
    return _PHRASES.get(phrase, phrase)


def _traduire_nombre(une: str, plusieurs: str, nombre: int) -> str:
    return _traduire(une if nombre == 1 else plusieurs)


@contextlib.contextmanager
def _en_francais() -> Iterator[None]:
    """argparse passe ses phrases par ces deux fonctions ; on ne les prête que le temps d'un appel."""
    siennes = argparse._, argparse.ngettext  # type: ignore[attr-defined]
    argparse._, argparse.ngettext = _traduire, _traduire_nombre  # type: ignore[attr-defined]
    try:
        yield
    finally:
        argparse._, argparse.ngettext = siennes  # type: ignore[attr-defined]


class Analyseur(argparse.ArgumentParser):
    """argparse en français ; une faute lève une DemandeFausse.

    >>> a = Analyseur(prog="essai")
    >>> _ = a.add_argument("--annee", type=int, help="année des données")
    >>> print(a.format_help())
    usage : essai [-h] [--annee ANNEE]
    <BLANKLINE>
    options :
      -h, --help     affiche cette aide
      --annee ANNEE  année des données
    <BLANKLINE>
    >>> try:
    ...     _ = a.parse_args(["--annee", "vingt"])
    ... except DemandeFausse as faute:
    ...     print(faute.trouve)
    argument --annee : nombre entier attendu, pas « vingt »
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with _en_francais():
            super().__init__(*arguments, **options)

    def parse_known_args(self, *arguments: Any, **options: Any) -> Any:
        """Comme argparse."""
        with _en_francais():
            return super().parse_known_args(*arguments, **options)

    def parse_args(self, *arguments: Any, **options: Any) -> Any:
        """Comme argparse."""
        with _en_francais():
            return super().parse_args(*arguments, **options)

    def format_usage(self) -> str:
        """Comme argparse."""
        with _en_francais():
            return super().format_usage()

    def format_help(self) -> str:
        """Comme argparse."""
        with _en_francais():
            return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Lève la faute, avec où trouver l'aide."""
        raise DemandeFausse(message, conseil=f"voyez « {self.prog} --help »")
