"""Faire passer un texte quelconque dans une page sans qu'il y devienne du code.

Un nom de structure vient d'un fichier que personne n'a relu : il peut contenir ``<script>``, une
accolade de gabarit ou un guillemet. branca recompile chaque fragment rendu comme un gabarit jinja2 :
``{{``, ``{%`` et ``{#`` doivent donc disparaître du texte, en plus des caractères du HTML.
"""

from __future__ import annotations

import html
import json
import math
import re
import unicodedata

_GABARIT = re.compile(r"\{(?=[{%#])")
_CONTROLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def html_sur(texte: object) -> str:
    """Rend un texte affichable tel quel dans du HTML ou un attribut entre guillemets.

    Examples
    --------
    >>> html_sur('Crèche "Les <b>Lutins</b>" {{ 7*7 }}')
    'Crèche &quot;Les &lt;b&gt;Lutins&lt;/b&gt;&quot; &#123;{ 7*7 }}'
    """
    return _GABARIT.sub("&#123;", html.escape(str(texte), quote=True))


def json_sur(objet: object, *, trier: bool = False) -> str:
    """Sérialise un objet en JSON qu'on peut écrire dans un ``<script>`` et dans un gabarit.

    Les clés gardent leur ordre, sauf à les `trier`, aucun espace n'est ajouté, ``NaN`` est refusé : mêmes données,
    mêmes octets.

    Examples
    --------
    >>> json_sur({"nom": "</script>{{x}}", "v": 1.5})
    '{"nom":"\\\\u003c/script\\\\u003e\\\\u007b{x}}","v":1.5}'
    """
    brut = json.dumps(objet, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=trier)
    # En JSON, « {{ », « {% » et « {# » n'existent qu'à l'intérieur d'une chaîne.
    for signe, code in _SCRIPT.items():
        brut = brut.replace(signe, code)
    return _GABARIT.sub(lambda _: "\\u007b", brut)


def sans_controle(texte: object) -> str:
    """Un texte sans les caractères qu'un fichier XML (docx, xlsx) refuse.

    Examples
    --------
    >>> sans_controle("Crèche\\x00 des\\x0b Lilas")
    'Crèche des Lilas'
    """
    return _CONTROLE.sub("", str(texte))


def identifiant(texte: str, *, defaut: str = "bloc") -> str:
    """Réduit un texte à un identifiant HTML : minuscules sans accent, chiffres et tirets.

    Examples
    --------
    >>> identifiant("L'accueil du jeune enfant, 2023")
    'l-accueil-du-jeune-enfant-2023'
    """
    sans_accent = unicodedata.normalize("NFKD", texte).encode("ascii", "ignore").decode()
    propre = re.sub(r"[^a-z0-9]+", "-", sans_accent.lower()).strip("-")
    if not propre:
        return defaut
    return propre if propre[0].isalpha() else f"{defaut}-{propre}"


def est_vide(valeur: object) -> bool:
    """Vrai pour ``None``, ``NaN``, ``NA`` et le texte vide ; jamais pour zéro.

    Examples
    --------
    >>> est_vide(float("nan")), est_vide(""), est_vide(0)
    (True, True, False)
    """
    if valeur is None or (isinstance(valeur, str) and not valeur.strip()):
        return True
    if isinstance(valeur, float):
        return math.isnan(valeur)
    try:
        return bool(valeur != valeur)
    except TypeError:  # pandas.NA refuse d'être comparé : c'est bien un vide.
        return True
