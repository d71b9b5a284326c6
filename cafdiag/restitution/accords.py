"""Accorder en nombre et en genre les mots du dictionnaire : « 1,9 place », « aucune naissance domiciliée »."""

from __future__ import annotations

import re

# Premiers mots de libellés qui demandent un article ; tout autre libellé est un dénombrement, au pluriel.
_ARTICLES = {
    "Accès": "l'",
    "Âge": "l'",
    "Capacité": "la ",
    "Densité": "la ",
    "Distance": "la ",
    "Durée": "la ",
    "Écart": "l'",
    "Évolution": "l'",
    "Indice": "l'",
    "Médiane": "la ",
    "Mode": "le ",
    "Montant": "le ",
    "Niveau": "le ",
    "Nombre": "le ",
    "Offre": "l'",
    "Part": "la ",
    "Population": "la ",
    "Proportion": "la ",
    "Quotient": "le ",
    "Rapport": "le ",
    "Revenu": "le ",
    "Solde": "le ",
    "Superficie": "la ",
    "Taille": "la ",
    "Taux": "le ",
    "Temps": "le ",
}
_FEMININS = {
    "allocations",
    "assistantes",
    "associations",
    "communes",
    "crèches",
    "écoles",
    "familles",
    "femmes",
    "filles",
    "heures",
    "implantations",
    "micro-crèches",
    "naissances",
    "personnes",
    "places",
    "prestations",
    "structures",
}
# Le groupe du nom s'arrête à la première préposition : « foyers allocataires | pour 100 habitants ».
_FIN_DU_NOM = re.compile(r"\s(?=(?:de|des|du|d'|pour|par|en|au|aux|à|dans|sans|avec|hors)\b|d')|\s?[(,;:]")
_INVARIABLES = {
    "alsh", "eaje", "evs", "laep", "qpv", "rpe", "frr", "zrr",
    "mois", "temps", "tiers", "fois", "accès", "rendez-vous",
}  # fmt: skip


def singulier(texte: str) -> str:
    """Le nom et ses adjectifs au singulier, sans majuscule ; ce qui suit la première préposition ne change pas.

    Examples
    --------
    >>> singulier("Centres sociaux par QPV"), singulier("places pour 100 enfants")
    ('centre social par QPV', 'place pour 100 enfants')
    >>> singulier("EVS"), singulier("Micro-crèches")
    ('EVS', 'micro-crèche')
    >>> singulier("Places de crèche accessibles à 15 minutes")
    'place de crèche accessible à 15 minutes'
    """
    coupe = _FIN_DU_NOM.search(texte)
    nom, reste = (texte[: coupe.start()], texte[coupe.start() :]) if coupe else (texte, "")
    # « établissements d'accueil du jeune enfant accessibles » : l'adjectif suit le complément.
    reste = re.sub(r"^([^,(]*\baccessible)s\b", r"\1", reste)
    mots = [_mot_singulier(m) for m in nom.split(" ")]
    premier = mots[0] if mots[0].isupper() else mots[0][:1].lower() + mots[0][1:]
    return " ".join([premier, *mots[1:]]) + reste


def _mot_singulier(mot: str) -> str:
    # Un sigle, un nom propre ou un mot sans marque du pluriel ne bouge pas.
    if mot.lower() in _INVARIABLES or mot.isupper():
        return mot
    if mot.endswith("aux") and not mot.endswith("eaux"):
        return mot[:-3] + "al"
    if mot.endswith("eaux"):
        return mot[:-1]
    return mot[:-1] if mot.endswith("s") and not mot.endswith(("ss", "us")) else mot


def accorder(valeur: float, unite: str) -> str:
    """L'unité au singulier sous deux : le pluriel commence à deux.

    Examples
    --------
    >>> accorder(1.9, "places pour 100 enfants"), accorder(2, "places"), accorder(-1.5, "points")
    ('place pour 100 enfants', 'places', 'point')
    """
    return singulier(unite) if abs(valeur) < 2 else unite


def ordinal(rang: float) -> str:
    """« 1er », « 2e ».

    >>> ordinal(1), ordinal(12)
    ('1er', '12e')
    """
    return "1er" if rang == 1 else f"{rang:.0f}e"


def masculin(texte: str) -> bool:
    """Vrai si le nom d'un dénombrement est masculin ; le dictionnaire n'emploie que les féminins listés."""
    premier = re.split(r"[ ,]", texte.strip().lower())[0]
    return premier not in _FEMININS and premier + "s" not in _FEMININS


def aucun(texte: str) -> str:
    """« aucun » ou « aucune », selon le genre du nom.

    Examples
    --------
    >>> aucun("Naissances domiciliées"), aucun("Établissements d'accueil")
    ('aucune', 'aucun')
    """
    return "aucun" if masculin(texte) else "aucune"


def prendre_article(libelle: str) -> str:
    """Le libellé précédé de son article, sans majuscule ; vide si c'est un dénombrement.

    Examples
    --------
    >>> prendre_article("Écart du taux à la France"), prendre_article("Part des QPV"), prendre_article("Foyers")
    ("l'écart du taux à la France", 'la part des QPV', '')
    """
    article = _ARTICLES.get(libelle.split(" ", 1)[0])
    return f"{article}{libelle[:1].lower()}{libelle[1:]}" if article else ""


def elider(phrase: str) -> str:
    """« est d'environ 59,3 », et non « est de environ ».

    >>> elider("le taux est de environ 59,3")
    "le taux est d'environ 59,3"
    """
    return phrase.replace("est de environ", "est d'environ")
